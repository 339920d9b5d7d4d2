"""The instances that solvers are compared on, each a `Case` with a name and a source."""

from ._clouds import Cloud, MMDCase
from ._sequence_cases import SequenceCase
from .base import Case, MeanMatchingCase, SelectionCase, Values, VectorCase
from .quadratic_cases import QuadraticCase

__all__ = [
    "Case",
    "Cloud",
    "MMDCase",
    "MeanMatchingCase",
    "QuadraticCase",
    "SelectionCase",
    "SequenceCase",
    "Values",
    "VectorCase",
]
