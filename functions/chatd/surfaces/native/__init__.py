"""chatd's own surface: `/v1/chat`, and direct invocations."""
