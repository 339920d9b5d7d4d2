"""What is learnt: one task per file, made by name with `task`."""

from ._task_catalogue import TASKS, task
from .base import Classification, Regression, Task, evaluated

__all__ = ["TASKS", "Classification", "Regression", "Task", "evaluated", "task"]
