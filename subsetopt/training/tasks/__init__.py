"""What is learnt: one task per file, made by name with `task`."""

from .base import Classification, Regression, Task, evaluated
from .catalogue import TASKS, task

__all__ = ["TASKS", "Classification", "Regression", "Task", "evaluated", "task"]
