"""Record each chat as a log line and metrics."""
