"""The deployment commands behind the make targets."""
