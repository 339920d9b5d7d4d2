"""The instances that solvers are compared on, each a `Case` with a name and a source."""

from .base import Case, Losses, MeanMatchingCase
from .clouds import Cloud, MMDCase
from .quadratic import QuadraticCase

__all__ = ["Case", "Cloud", "Losses", "MMDCase", "MeanMatchingCase", "QuadraticCase"]
