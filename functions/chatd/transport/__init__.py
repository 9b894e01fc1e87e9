"""Send HTTP requests to providers within limits of time."""
