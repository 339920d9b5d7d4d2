"""A training harness: tasks under a budget, with selection rules, and uniform beside them."""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from .analysis import analyse
    from .comparing import execute, load, runs_of
    from .loop import Training, train
    from .methods import METHODS
    from .recipe import Recipe
    from .result import Passes, Result
    from .run import Run, StreamRun
    from .settings import Settings
    from .streaming import StreamTraining
    from .tasks import TASKS, task
    from .tuning import Tuning

_CONTENTS = {
    "analysis": ("analyse",),
    "comparing": ("execute", "load", "runs_of"),
    "loop": ("Training", "train"),
    "methods": ("METHODS",),
    "settings": ("Settings",),
    "recipe": ("Recipe",),
    "result": ("Passes", "Result"),
    "run": ("Run", "StreamRun"),
    "streaming": ("StreamTraining",),
    "tasks": ("TASKS", "task"),
    "tuning": ("Tuning",),
}

__all__ = [
    "METHODS",
    "TASKS",
    "Passes",
    "Recipe",
    "Result",
    "Run",
    "Settings",
    "StreamRun",
    "StreamTraining",
    "Training",
    "Tuning",
    "analyse",
    "execute",
    "load",
    "runs_of",
    "task",
    "train",
]


def _require_torch() -> None:
    from subsetopt._dependencies import OptionalDependency  # not for the help of commands

    OptionalDependency("torch", "torch", extra="train").load()


__getattr__ = loader(__name__, _CONTENTS, before=_require_torch)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
