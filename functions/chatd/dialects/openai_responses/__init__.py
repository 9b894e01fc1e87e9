"""OpenAI's Responses dialect: `/responses`."""
