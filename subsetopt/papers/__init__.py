"""Published experiments as data, and the engine that runs them again."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._claims import Claim as Claim
    from ._claims import Finding as Finding
    from ._claims import Standing as Standing
    from ._experiment import Experiment as Experiment
    from ._experiment import Scale as Scale
    from ._experiment_files import EXPERIMENTS as EXPERIMENTS
    from ._experiment_files import experiment as experiment
    from ._parts import Number as Number
    from ._parts import Part as Part
    from ._parts import Quantity as Quantity
    from ._parts import TableCell as TableCell
    from .measuring import Line as Line
    from .measuring import Measured as Measured
    from .measuring import measured as measured

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_claims": "Claim Finding Standing",
        "_experiment_files": "EXPERIMENTS experiment",
        "_parts": "Number Part Quantity TableCell",
        "_experiment": "Experiment Scale",
        "measuring": "Line Measured measured",
    },
)
