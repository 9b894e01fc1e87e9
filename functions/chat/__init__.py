"""Handle the events of the chat function."""
