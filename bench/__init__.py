"""Benchmarks of the gateway: ratios against floors and peers, each measured in one run."""
