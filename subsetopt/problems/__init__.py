"""What to choose: immutable problems that know no solver."""

from .base import Problem
from .mean_matching import MeanMatching

__all__ = ["MeanMatching", "Problem"]
