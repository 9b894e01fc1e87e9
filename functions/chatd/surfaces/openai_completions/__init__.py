"""OpenAI's surface of completions: `/v1/completions`."""
