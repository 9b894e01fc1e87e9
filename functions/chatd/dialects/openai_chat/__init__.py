"""OpenAI's chat dialect: `/chat/completions`."""
