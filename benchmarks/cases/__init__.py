"""Cases: the instances that solvers are compared on."""

from ._clouds import Cloud, MMDCase
from ._constrained_cases import ConstrainedCase
from ._quadratic_cases import QuadraticCase
from ._sequence_cases import SequenceCase
from .base import Case, MeanMatchingCase, SelectionCase, Values, VectorCase

__all__ = [
    "Case",
    "Cloud",
    "ConstrainedCase",
    "MMDCase",
    "MeanMatchingCase",
    "QuadraticCase",
    "SelectionCase",
    "SequenceCase",
    "Values",
    "VectorCase",
]
