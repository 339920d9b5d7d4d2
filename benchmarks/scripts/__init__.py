"""Measurements by hand, from a checkout: ``python -m benchmarks.scripts.speed``; not installed.

Each prints tables, or with ``--json`` one object a line.
"""
