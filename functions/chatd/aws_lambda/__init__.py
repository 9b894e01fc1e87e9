"""Connect the gateway to AWS Lambda and API Gateway."""
