"""subsetopt: choosing k of n, solved properly.

What it offers is loaded when it is first asked for: whoever imports it pays for what is used.
"""

from typing import TYPE_CHECKING, Any

from ._lazy import loader

if TYPE_CHECKING:
    from ._marginals import Marginal, marginals
    from .errors import (
        InvalidAnswer,
        InvalidFile,
        InvalidOption,
        InvalidProblem,
        InvalidSelection,
        MissingBackend,
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
        MeanMatching,
        MMDSelection,
        Polynomial,
        QuadraticSelection,
        scale_columns,
    )
    from .selecting import select
    from .sequencing import MiniBatchSequence
    from .sequencing.sequence import sequence
    from .solution import Certificate, CertificateKind, Solution, Stats, Termination
    from .solving import solve, solve_many, solver, solvers

_CONTENTS: dict[str, tuple[str, ...]] = {
    "forms": (),
    "limits": (),
    "errors": (
        "InvalidAnswer",
        "InvalidFile",
        "InvalidOption",
        "InvalidProblem",
        "InvalidSelection",
        "MissingBackend",
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
    "InvalidAnswer",
    "InvalidFile",
    "InvalidOption",
    "InvalidProblem",
    "InvalidSelection",
    "Laplace",
    "Linear",
    "MMDSelection",
    "Marginal",
    "MeanMatching",
    "MiniBatchSequence",
    "MissingBackend",
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
    "marginals",
    "read_problem",
    "scale_columns",
    "select",
    "sequence",
    "solve",
    "solve_many",
    "solver",
    "solvers",
]
__version__ = "0.1.0"


_load = loader(__name__, _CONTENTS)


def __getattr__(name: str) -> Any:
    if name == "solvers":  # not kept: the package of that name takes its place
        from .solving import solvers

        return solvers
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
