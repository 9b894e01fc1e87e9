"""Check prompts and answers of other vendors' models with a guardrail of Amazon Bedrock."""
