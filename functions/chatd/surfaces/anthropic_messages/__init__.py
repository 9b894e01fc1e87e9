"""Anthropic's Messages surface: `/v1/messages`."""
