"""Check the keys of callers."""
