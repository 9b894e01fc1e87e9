"""Estimate the monthly AWS cost of chats, for docs/cost.md and `python -m bench.cost`."""
