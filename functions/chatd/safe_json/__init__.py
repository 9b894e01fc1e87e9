"""Read and write JSON within bounds: list lengths, numbers of values, finite numbers."""
