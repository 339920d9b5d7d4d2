"""The published experiments, declared: what was done, what was found, and how to run it again."""

from .catalogue import EXPERIMENTS, experiment
from .checks import Finding, Standing
from .experiment import Claim, Experiment, Scale
from .measuring import Line, Measured, measured
from .parts import Cell, Part, Quantity
from .published import Number

__all__ = [
    "EXPERIMENTS",
    "Cell",
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
    "experiment",
    "measured",
]
