"""Benchmarks: each module runs one on the target and computes its figures."""
