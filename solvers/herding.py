"""Kernel herding: one candidate after another, each pulling the running mean to the target."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.solution import Termination

from ._quadratic_search import arrays
from .base import NUMBA, Answer, Kind, Requirement, Solver


@dataclass(frozen=True, kw_only=True)
class Herding(Solver):
    """Take in step t the candidate of the largest ``mu_j - sum(A_ij for i taken) / t``.

    Chen, Welling & Smola, Super-samples from kernel herding, UAI 2010. The form ``m'Am + c'm`` is
    ``k^2 || mean of the chosen - target ||^2`` but for a constant, so ``mu = -c / (2 k)`` are the
    inner products with the target. O(n) a step.

    Parameters
    ----------
    replacement : bool
        A candidate may be taken again, as in the paper; the selection is then the first k
        distinct ones. After 10 k steps no candidate is taken again.
    """

    replacement: bool = False

    name: ClassVar[str] = "herding"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "kernel herding: follows the mean embedding step by step"
    choose_when: ClassVar[str] = "an order is wanted whose beginnings match the mean as well"
    handles: ClassVar[tuple[str, ...]] = ("mmd", "vector-mean-matching", "quadratic")
    requires: ClassVar[tuple[Requirement, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.replacement, bool):
            raise InvalidOption(f"replacement is {self.replacement!r}; True or False is needed")

    def answer(self, problem: Any, limits: Limits) -> Answer:
        """Return the herded selection; limits have no bearing on it."""
        from ._kernels import herding

        start = perf_counter()
        form = problem.quadratic_form()
        built = perf_counter()
        chosen = np.zeros(form.n, dtype=np.bool_)
        matrix, _, linear = arrays(form)
        target = linear / (-2.0 * form.k)
        steps = herding.herd(matrix, target, form.k, 10 * form.k, self.replacement, chosen)
        return Answer(
            indices=form.indices(np.flatnonzero(chosen)),
            termination=Termination.FINISHED,
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
            iterations=steps,
        )
