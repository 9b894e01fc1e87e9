"""Benchmark the gateway against floors and peers, as ratios of figures from one run."""
