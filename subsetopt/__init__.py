"""Exact and certified subset selection: choose k of n.

Names are loaded when they are first used, so that an import costs only what is used of it.
"""

from typing import TYPE_CHECKING

from ._registry import loader
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from subsetopt.sequencing._build import sequence

    from ._marginals import Marginal, marginals
    from .errors import (
        InvalidFile,
        InvalidOption,
        InvalidProblem,
        InvalidResult,
        InvalidSelection,
        MissingDependency,
        SubsetOptError,
        TooLarge,
        UnknownSolver,
        UnscaledColumns,
        UnsupportedProblem,
    )
    from .formats import read_problem
    from .problems import (
        Gaussian,
        Laplace,
        Linear,
        MeanEmbedding,
        MeanMatching,
        MMDSelection,
        Polynomial,
        QuadraticSelection,
        scale_columns,
    )
    from .selecting import select
    from .sequencing import MiniBatchSequence
    from .solution import Certificate, CertificateKind, Solution, Stats, Termination
    from .solvers.catalogue import available_solvers
    from .solving import solve, solve_many, solver

_CONTENTS: dict[str, tuple[str, ...]] = {
    "models": (),
    "limits": (),
    "errors": (
        "InvalidResult",
        "InvalidFile",
        "InvalidOption",
        "InvalidProblem",
        "InvalidSelection",
        "MissingDependency",
        "SubsetOptError",
        "TooLarge",
        "UnknownSolver",
        "UnscaledColumns",
        "UnsupportedProblem",
    ),
    "formats": ("read_problem",),
    "_marginals": (
        "Marginal",
        "marginals",
    ),
    "problems": (
        "Gaussian",
        "Laplace",
        "Linear",
        "MeanEmbedding",
        "MeanMatching",
        "MMDSelection",
        "Polynomial",
        "QuadraticSelection",
        "scale_columns",
    ),
    "selecting": ("select",),
    "sequencing": (
        "MiniBatchSequence",
        "sequence",
    ),
    "solution": (
        "Certificate",
        "CertificateKind",
        "Solution",
        "Stats",
        "Termination",
    ),
    "solvers.catalogue": ("available_solvers",),
    "solving": (
        "solve",
        "solve_many",
        "solver",
    ),
}
__all__ = [
    "Certificate",
    "CertificateKind",
    "Gaussian",
    "InvalidFile",
    "InvalidOption",
    "InvalidProblem",
    "InvalidResult",
    "InvalidSelection",
    "Laplace",
    "Linear",
    "MMDSelection",
    "Marginal",
    "MeanEmbedding",
    "MeanMatching",
    "MiniBatchSequence",
    "MissingDependency",
    "Polynomial",
    "QuadraticSelection",
    "Solution",
    "Stats",
    "SubsetOptError",
    "Termination",
    "TooLarge",
    "UnknownSolver",
    "UnscaledColumns",
    "UnsupportedProblem",
    "available_solvers",
    "marginals",
    "read_problem",
    "scale_columns",
    "select",
    "sequence",
    "solve",
    "solve_many",
    "solver",
]

__getattr__ = loader(__name__, _CONTENTS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
