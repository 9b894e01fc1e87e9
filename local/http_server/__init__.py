"""Serve HTTP: bounded connections, admission of requests, and the app in front of the workers."""
