"""The authorizer function: its door is app.py."""
