"""Measure the chat function at each memory size, for docs/cost.md."""
