"""Solvers that prove the optimum."""

__all__ = ["branch_and_bound", "exact"]
