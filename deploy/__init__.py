"""Implement the deployment commands behind the make targets."""
