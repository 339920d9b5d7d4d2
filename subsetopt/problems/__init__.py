"""What to choose: immutable problems that know no solver."""

from .base import Problem
from .mean_matching import MeanMatching
from .quadratic import QuadraticSelection

__all__ = ["MeanMatching", "Problem", "QuadraticSelection"]
