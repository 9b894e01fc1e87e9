"""The internal form of requests, responses and stream events."""
