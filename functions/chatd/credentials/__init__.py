"""Look up the providers' keys, and redact keys and prompts in messages."""
