"""A training harness: tasks under a budget, with selection rules, and uniform beside them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from subsetopt.solvers.base import Requirement

if TYPE_CHECKING:
    from .analysis import analyse
    from .comparing import Settings, execute, load, runs_of
    from .loop import Training, train
    from .methods import METHODS
    from .result import Passes, Result
    from .run import Run
    from .tasks import TASKS, task
    from .tuning import Tuning

Requirement("torch", "torch", extra="train").load()  # nothing here works without it

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
_HOMES = {name: module for module, names in _CONTENTS.items() for name in names}

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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
