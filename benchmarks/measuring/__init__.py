"""Measurement of runs, each in a process of its own that is watched from outside."""

__all__: list[str] = []
