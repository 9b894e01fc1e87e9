"""OpenAI's chat surface: `/v1/chat/completions`."""
