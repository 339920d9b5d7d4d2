"""Comparing solvers: cases, the runner, reports."""

__all__: list[str] = []
