"""The chat function: its door is app.py."""
