"""Greedy: one candidate after another, each the best at its turn."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.forms import QuadraticForm
from subsetopt.limits import Limits
from subsetopt.solution import Termination

from ._centred import Centred
from ._quadratic_search import arrays
from .base import NUMBA, Answer, Kind, Requirement, Solver


@dataclass(frozen=True, kw_only=True)
class Greedy(Solver):
    """Add the best candidate k times.

    Scalars and vectors: the one that minimises ``|| sum (v_i - t) ||`` of those added so far, in
    O(n d k). Quadratic forms: the one that adds the least to ``m'Am + c'm``, in O(n k).
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "adds the best candidate k times"
    choose_when: ClassVar[str] = "a simple deterministic reference is wanted"
    handles: ClassVar[tuple[str, ...]] = (
        "mean-matching",
        "vector-mean-matching",
        "quadratic",
        "mmd",
    )
    requires: ClassVar[tuple[Requirement, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def answer(self, problem: Any, limits: Limits) -> Answer:
        """Return the greedy selection; limits have no bearing on it."""
        start = perf_counter()
        vectors = problem.family in ("mean-matching", "vector-mean-matching")
        data = Centred.of(problem) if vectors else problem.quadratic_form()
        built = perf_counter()
        chosen = _of_rows(data) if isinstance(data, Centred) else _of_form(data)
        return Answer(
            indices=chosen,
            termination=Termination.FINISHED,
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
        )


def _of_rows(centred: Centred) -> NDArray[np.int64]:
    from ._kernels import features

    chosen = np.zeros(len(centred.rows), dtype=np.bool_)
    features.greedy(centred.rows, centred.k, chosen)
    return centred.indices(chosen)


def _of_form(form: QuadraticForm) -> NDArray[np.int64]:
    from ._kernels import quadratic

    chosen, potentials = np.zeros(form.n, dtype=np.bool_), np.empty(form.n)
    quadratic.greedy(*arrays(form), form.k, chosen, potentials)
    return form.indices(np.flatnonzero(chosen))
