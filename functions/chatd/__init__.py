"""One chat, from a caller in any dialect to a provider in any other, and back."""

__version__ = "0.1.0"
