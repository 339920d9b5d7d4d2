"""Tasks: one module for each kind of data, created by name with `task`."""

from .base import TASKS, Classification, Regression, Task, evaluated, task

__all__ = ["TASKS", "Classification", "Regression", "Task", "evaluated", "task"]
