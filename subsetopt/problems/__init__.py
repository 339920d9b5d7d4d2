"""Problems: immutable and validated, without knowledge of solvers."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from .base import Problem as Problem
    from .constraints import Constraints as Constraints
    from .kernels import Gaussian as Gaussian
    from .kernels import Kernel as Kernel
    from .kernels import Laplace as Laplace
    from .kernels import Linear as Linear
    from .kernels import Polynomial as Polynomial
    from .mean_embedding import MeanEmbedding as MeanEmbedding
    from .mean_matching import MeanMatching as MeanMatching
    from .mmd import MMDSelection as MMDSelection
    from .quadratic import QuadraticSelection as QuadraticSelection
    from .quotas import Quota as Quota
    from .scaling import scale_columns as scale_columns

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "base": "Problem",
        "constraints": "Constraints",
        "kernels": "Gaussian Kernel Laplace Linear Polynomial",
        "mean_embedding": "MeanEmbedding",
        "mean_matching": "MeanMatching",
        "mmd": "MMDSelection",
        "quadratic": "QuadraticSelection",
        "quotas": "Quota",
        "scaling": "scale_columns",
    },
)
