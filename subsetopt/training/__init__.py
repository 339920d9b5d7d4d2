"""A training harness: tasks under a budget, with selection rules, and uniform beside them."""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from ._run_grid import execute, load, runs_of
    from ._settings import Settings
    from ._tuning import Tuning
    from .analysis import analyse
    from .loop import Training, train
    from .methods import METHODS
    from .recipe import Recipe
    from .run import Run, StreamRun
    from .run_result import Passes, Result
    from .stream_training import StreamTraining
    from .tasks import TASKS, task

_CONTENTS = {
    "analysis": ("analyse",),
    "_run_grid": ("execute", "load", "runs_of"),
    "loop": ("Training", "train"),
    "methods": ("METHODS",),
    "_settings": ("Settings",),
    "recipe": ("Recipe",),
    "run_result": ("Passes", "Result"),
    "run": ("Run", "StreamRun"),
    "stream_training": ("StreamTraining",),
    "tasks": ("TASKS", "task"),
    "_tuning": ("Tuning",),
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
