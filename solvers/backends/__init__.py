"""Adapters of mixed-integer solvers."""

__all__ = ["cbc", "cpsat", "highs", "scip"]
