"""Tiny problems of every family, solved to load libraries and compile kernels ahead of time."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels import _tiers
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.models import SparseMatrix
from subsetopt.problems import MeanMatching, MMDSelection, Problem, QuadraticSelection
from subsetopt.problems.quadratic import restored
from subsetopt.solution import Termination

from . import catalogue
from .base import Kind

N, K, D = 24, 4, 3
_SECONDS = 0.05  # for what takes as long as it may
_PROOF = 2.0  # for what tells before how long it takes
_MANY = 40  # candidates: so many selections of half of them that none enumerates them

Options = dict[str, Any]
_FURTHER: dict[str, tuple[Options, ...]] = {
    "exact": ({"method": "meet"}, {"method": "dynamic"}, {"method": "window"}),
    "frank-wolfe": ({"variant": "pairwise"},),
}
"""By the name of a solver: options with which it takes other ways than by default."""


def problems(family: str) -> Iterator[tuple[str, Problem]]:
    """Yield problems of a family, one for each type of numbers that kernels are compiled for."""
    points = np.random.default_rng(0).exponential(size=(_MANY, D))
    if family == "mean-matching":
        yield "few", MeanMatching(points[:N, 0].astype(np.float32), K)
        # By its sums, of which none is wanted.
        yield "integers", MeanMatching(np.random.default_rng(21).integers(0, 1000, 10), 2)
        rest = np.random.default_rng(0).exponential(size=500).astype(np.float32)
        yield "many", MeanMatching(rest, 10)  # as many as a window takes
        return
    if family == "quadratic":
        pairs = np.triu_indices(N, 1)
        matrix = SparseMatrix.of_pairs(N, *pairs, -points[pairs[0], 0])
        yield "sparse", restored(matrix, None, K, 0.0, "minimise", None, None, None)
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        rows: NDArray[Any] = points.astype(dtype)
        match family:
            case "vector-mean-matching":
                yield name, MeanMatching(rows, _MANY // 2)
            case "mmd":
                yield name, MMDSelection(rows, _MANY // 2)
            case "quadratic":
                yield name, QuadraticSelection(rows @ rows.T, k=_MANY // 2)
                yield f"{name}, few", QuadraticSelection(rows[:N] @ rows[:N].T, k=K)


def own_solvers() -> Iterator[str]:
    """Yield the names of the solvers of this package that are no backends."""
    for name in catalogue.BUILT_IN:
        if catalogue.solver_class(name).kind is not Kind.BACKEND:
            yield name


def solved(name: str, families: Iterable[str]) -> None:
    """Let a solver solve the problems of those of these families that it handles."""
    solver = catalogue.solver_class(name)
    for family in families:
        if family in solver.handles:
            for _, problem in problems(family):
                answered(name, problem)


def answered(name: str, problem: Problem) -> None:
    """Let a solver solve one problem, in all its ways; raises KeyboardInterrupt at Ctrl-C."""
    for options in ({}, *_FURTHER.get(name, ())):
        solver = catalogue.create(name, **options)
        seconds = _PROOF if options else _SECONDS
        with _tiers.compiled(), suppress(TooLarge):  # a method that is not for such values
            raw = solver._solve(problem, Limits(time_limit=seconds))
            if raw.termination is Termination.INTERRUPTED:
                raise KeyboardInterrupt
