"""Comparing solvers: cases, the runner, reports."""
