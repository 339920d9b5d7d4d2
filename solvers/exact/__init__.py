"""Solvers that prove the optimum."""
