"""A training harness: tasks under a budget, with selection rules, and uniform beside them."""

from typing import TYPE_CHECKING

from subsetopt._dependencies import OptionalDependency
from subsetopt._registry import loader

if TYPE_CHECKING:
    from .analysis import analyse
    from .comparing import Settings, execute, load, runs_of
    from .loop import Training, train
    from .methods import METHODS
    from .result import Passes, Result
    from .run import Run
    from .tasks import TASKS, task
    from .tuning import Tuning

OptionalDependency("torch", "torch", extra="train").load()  # nothing here works without it

_CONTENTS = {
    "analysis": ("analyse",),
    "comparing": ("Settings", "execute", "load", "runs_of"),
    "loop": ("Training", "train"),
    "methods": ("METHODS",),
    "result": ("Passes", "Result"),
    "run": ("Run",),
    "tasks": ("TASKS", "task"),
    "tuning": ("Tuning",),
}

__all__ = [
    "METHODS",
    "TASKS",
    "Passes",
    "Result",
    "Run",
    "Settings",
    "Training",
    "Tuning",
    "analyse",
    "execute",
    "load",
    "runs_of",
    "task",
    "train",
]


__getattr__ = loader(__name__, _CONTENTS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
