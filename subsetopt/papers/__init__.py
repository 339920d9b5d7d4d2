"""Published experiments as data, and the engine that runs them again."""

from ._claims import Claim, Finding, Standing
from ._experiment_files import EXPERIMENTS, experiment
from ._parts import Number, Part, Quantity, TableCell
from .experiment import Experiment, Scale
from .measuring import Line, Measured, measured

__all__ = [
    "EXPERIMENTS",
    "Claim",
    "Experiment",
    "Finding",
    "Line",
    "Measured",
    "Number",
    "Part",
    "Quantity",
    "Scale",
    "Standing",
    "TableCell",
    "experiment",
    "measured",
]
