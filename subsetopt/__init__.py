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
    UnsupportedProblem,
)
from .problems import MeanMatching, QuadraticSelection
from .selecting import select
from .solution import Certificate, CertificateKind, Solution, Stats, Termination
from .solving import solve, solve_many, solver, solvers

__all__ = [
    "Certificate",
    "CertificateKind",
    "InvalidAnswer",
    "InvalidFile",
    "InvalidOption",
    "InvalidProblem",
    "InvalidSelection",
    "MeanMatching",
    "MissingBackend",
    "QuadraticSelection",
    "Solution",
    "Stats",
    "SubsetOptError",
    "Termination",
    "TooLarge",
    "UnknownSolver",
    "UnsupportedProblem",
    "select",
    "solve",
    "solve_many",
    "solver",
    "solvers",
]
__version__ = "0.1.0"
