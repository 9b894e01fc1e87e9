"""Anthropic's Messages dialect: `/messages`."""
