"""OpenAI's Responses surface: `/v1/responses`."""
