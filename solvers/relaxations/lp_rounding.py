"""Rounding a relaxation: Algorithm 1 of the mini-batch paper, and relaxations that do more."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from subsetopt._checks import require_one_of
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.errors import InvalidOption, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.problems import Problem
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver
from subsetopt.solvers.backends.highs import HIGHSPY
from subsetopt.solvers.base import Kind, RawResult

from . import _relaxation
from ._feasible_rounding import rounding

__all__ = ["LpRounding"]

Linearisation = Literal["published", "mccormick", "rlt", "qp"]
Engine = Literal["auto", "closed-form", "highs", "cbc", "scip"]


@dataclass(frozen=True, kw_only=True)
class LpRounding(TimedSolver):
    """Solve a relaxation and choose the k highest entries of its m, ties by the lowest index.

    The default is Algorithm 1 as published: the linear relaxation of Eq. 10. Its optimum is
    mostly m = 1/2 at 2k candidates, or any m <= 1/2 at all, so that rounding it says little, and
    which m comes out depends on the engine where there are many. `RawResult.bound` is the bound of
    the relaxation, by duals or gradients and so free of the engine's tolerances; of SCIP, its own
    less these. Constraints are rows of the relaxation, and the highest are kept as far as they fit.

    Parameters
    ----------
    linearisation : {"published", "mccormick", "rlt", "qp"}
        The relaxation; "qp" is the convex quadratic one. RLT rounds and bounds best, and takes
        the longest.
    engine : {"auto", "closed-form", "highs", "cbc", "scip"}
        "auto" takes the closed form of the published relaxation where it holds, and HiGHS
        otherwise; "cbc" is CLP. "qp" is for HiGHS only.

    Raises
    ------
    InvalidOption
        For another word, or an engine that cannot solve the relaxation.
    """

    linearisation: Linearisation = "published"
    engine: Engine = "auto"

    name: ClassVar[str] = "lp-rounding"
    kind: ClassVar[Kind] = Kind.RELAXATION
    summary: ClassVar[str] = "the mini-batch paper's algorithm: its relaxation, k highest kept"
    choose_when: ClassVar[str] = (
        "the published method is to be compared with, or RLT's bound wanted"
    )
    handles: ClassVar[tuple[str, ...]] = QUADRATIC_FAMILIES
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (HIGHSPY, NUMBA)

    def __post_init__(self) -> None:
        known = {"linearisation": Linearisation, "engine": Engine}
        for option, words in known.items():
            require_one_of(option, getattr(self, option), get_args(words))
        if self.engine == "closed-form" and self.linearisation != "published":
            raise InvalidOption(
                f"engine='closed-form' is for linearisation='published', not "
                f"{self.linearisation!r}; use engine='auto'"
            )
        if self.linearisation == "qp" and self.engine not in ("auto", "highs"):
            raise InvalidOption(
                f"engine={self.engine!r} solves no quadratic relaxation; use 'highs' or 'auto'"
            )

    def search(self, problem: Problem, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the rounded selection and the bound of the relaxation."""
        form: QuadraticForm = problem.quadratic_form(deadline.check)  # type: ignore[attr-defined]
        built = deadline.elapsed
        found = self._relaxation(form, limits, deadline)
        if form.side is None:
            rows = np.argsort(-found.m, kind="stable")[: form.k]
        else:
            start = None if limits.start is None else form.rows(limits.start)
            rows = rounding(form, found.m, start, deadline, descend=False).rows
        bound = form.lower_bound(found.bound)
        solved = found.termination is Termination.OPTIMAL
        return RawResult(
            indices=form.indices(rows),
            termination=Termination.FINISHED if solved else found.termination,
            bound=bound if np.isfinite(bound) else None,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=found.iterations,
            message=found.note,
        )

    def _relaxation(
        self, form: QuadraticForm, limits: Limits, deadline: Deadline
    ) -> _relaxation.Relaxation:
        if self.linearisation == "qp":
            return _relaxation.quadratic_relaxation(form, deadline.rest(limits))
        if self.linearisation == "published" and self.engine in ("auto", "closed-form"):
            closed = None
            if form.side is None:
                closed = _relaxation.published_in_closed_form(form, deadline)
            if closed is not None:
                return closed
            if self.engine == "closed-form":
                raise UnsupportedProblem(
                    "the closed form of the published relaxation does not hold here: neither "
                    "halves nor ones are its optimum, or there are constraints; use engine='auto'"
                )
        engine = "highs" if self.engine == "auto" else self.engine
        rest = deadline.rest(limits)
        return _relaxation.linear_relaxation(form, self.linearisation, engine, rest)
