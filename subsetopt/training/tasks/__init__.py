"""What is learnt: one task per file, made by name with `task`."""

from .base import Classification, Regression, Task, evaluated

__all__ = ["Classification", "Regression", "Task", "evaluated"]
