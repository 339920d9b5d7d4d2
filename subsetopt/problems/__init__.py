"""What to choose: immutable problems that know no solver."""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from .base import Problem
    from .kernels import Gaussian, Kernel, Laplace, Linear, Polynomial
    from .mean_embedding import MeanEmbedding
    from .mean_matching import MeanMatching
    from .mmd import MMDSelection
    from .quadratic import QuadraticSelection
    from .scaling import scale_columns

__all__ = [
    "Gaussian",
    "Kernel",
    "Laplace",
    "Linear",
    "MMDSelection",
    "MeanEmbedding",
    "MeanMatching",
    "Polynomial",
    "Problem",
    "QuadraticSelection",
    "scale_columns",
]

__getattr__ = loader(
    __name__,
    {
        "base": ("Problem",),
        "kernels": (
            "Gaussian",
            "Kernel",
            "Laplace",
            "Linear",
            "Polynomial",
        ),
        "mean_embedding": ("MeanEmbedding",),
        "mean_matching": ("MeanMatching",),
        "mmd": ("MMDSelection",),
        "quadratic": ("QuadraticSelection",),
        "scaling": ("scale_columns",),
    },
)
