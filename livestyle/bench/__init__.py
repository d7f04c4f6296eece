"""Benchmarks: speed, memory, steadiness."""
