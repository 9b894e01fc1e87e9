"""Handle the events of the providers function."""
