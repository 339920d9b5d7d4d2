"""The instances that solvers are compared on, each a `Case` with a name and a source."""

from .base import Case, MeanMatchingCase, SelectionCase, Values, VectorCase
from .clouds import Cloud, MMDCase
from .quadratic import QuadraticCase
from .sequences import SequenceCase

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
