"""Constraints on all problems, by all solvers."""
