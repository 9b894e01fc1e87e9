"""Carry a chat through failures: attempts, retries, fallbacks, failover, circuit breakers."""
