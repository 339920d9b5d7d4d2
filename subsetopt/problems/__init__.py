"""What to choose: immutable problems that know no solver."""

from .base import Problem
from .kernels import Gaussian, Kernel, Laplace, Linear, Polynomial
from .mean_matching import MeanMatching
from .mmd import MMDSelection
from .quadratic import QuadraticSelection

__all__ = [
    "Gaussian",
    "Kernel",
    "Laplace",
    "Linear",
    "MMDSelection",
    "MeanMatching",
    "Polynomial",
    "Problem",
    "QuadraticSelection",
]
