"""Serve requests for embeddings: batches, fallback between hosts of one model, records."""
