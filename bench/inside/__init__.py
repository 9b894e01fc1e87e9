"""Run benchmarks within the measured interpreter, with the standard library and the build."""
