"""The published experiments, as data: what was done, what was found, and how to run it again."""

from .claims import Claim, Finding, Standing
from .experiment import Experiment, Scale
from .measuring import Line, Measured, measured
from .parts import Cell, Number, Part, Quantity
from .reading import EXPERIMENTS, experiment

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
