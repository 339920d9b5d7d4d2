"""A training harness: tasks under a budget, with selection rules and a uniform baseline."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._run_grid import execute as execute
    from ._run_grid import load as load
    from ._run_grid import runs_of as runs_of
    from ._tuning import Tuning as Tuning
    from .analysis import analyse as analyse
    from .analysis import at_cost as at_cost
    from .analysis import at_equal_cost as at_equal_cost
    from .analysis import at_equal_seconds as at_equal_seconds
    from .analysis import at_seconds as at_seconds
    from .analysis import baselines_at_equal_cost as baselines_at_equal_cost
    from .analysis import baselines_at_equal_seconds as baselines_at_equal_seconds
    from .analysis import clock_probes as clock_probes
    from .loop import Training as Training
    from .loop import train as train
    from .methods import METHODS as METHODS
    from .run import Recipe as Recipe
    from .run import Run as Run
    from .run import Settings as Settings
    from .run import StreamRun as StreamRun
    from .run_result import Passes as Passes
    from .run_result import Result as Result
    from .stream_training import StreamTraining as StreamTraining
    from .tasks import TASKS as TASKS
    from .tasks import task as task


def _require_torch() -> None:
    from subsetopt._dependencies import OptionalDependency  # not for the help of commands

    OptionalDependency("torch", "torch", extra="train").load()


__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "analysis": "analyse at_cost at_equal_cost at_equal_seconds at_seconds "
        "baselines_at_equal_cost baselines_at_equal_seconds clock_probes",
        "loop": "Training train",
        "methods": "METHODS",
        "run": "Recipe Run Settings StreamRun",
        "_run_grid": "execute load runs_of",
        "run_result": "Passes Result",
        "stream_training": "StreamTraining",
        "tasks": "TASKS task",
        "_tuning": "Tuning",
    },
    before=_require_torch,
)
