"""The providers function: its door is app.py."""
