"""subsetopt: choosing k of n, solved properly."""

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
from .marginals import Marginal, marginals
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
from .sequencing import MiniBatchSequence, sequence
from .solution import Certificate, CertificateKind, Solution, Stats, Termination
from .solving import solve, solve_many, solver, solvers

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
