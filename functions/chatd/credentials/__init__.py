"""Look up the providers' keys, and keep them out of every text."""
