"""Measurements by hand, from a checkout: ``python -m benchmarks.scripts.speed``; not installed."""
