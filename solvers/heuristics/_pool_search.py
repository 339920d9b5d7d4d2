"""Searches without a stored matrix: on a pool of candidates at a time, the chosen included."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import QuadraticForm, RowsForm
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, stoppable
from subsetopt.solvers.base import RawResult

Rows = NDArray[np.int64]
Searched = Callable[[QuadraticForm, Rows, int, Deadline], RawResult]
"""Returns what it makes of a form, a selection to begin with and a seed, in rows of the form."""

_POOL = 8192  # candidates whose matrix is held


def rows_form(problem: Any) -> RowsForm | None:
    """Return the form of a problem whose matrix is not held, None for all others."""
    form: RowsForm | None = getattr(problem, "rows_form", None)
    return form


def require_matrix(problem: Any) -> None:
    """Raise TooLarge, which names what does without, where the matrix is not held."""
    if rows_form(problem) is not None:
        problem.quadratic_form()


def over_pools(
    form: RowsForm, begun: RawResult, searched: Searched, most: float, seed: int, deadline: Deadline
) -> RawResult:
    """Return the best that a search reaches on one random pool after another.

    A pool holds the chosen, or half as many as it has room for, and random others; the rest of the
    chosen stays in the linear terms. What a search returns is where the next one begins.

    Parameters
    ----------
    form : RowsForm
    begun : RawResult
        A selection; where its search was stopped, it is returned as it is.
    searched : callable
    most : float
        How many pools.
    seed : int
    deadline : Deadline
    """
    if begun.termination in (Termination.TIME_LIMIT, Termination.INTERRUPTED):
        return begun
    assert begun.indices is not None
    chosen: Rows = begun.indices.astype(np.int64)
    moves = turn = 0
    generator, reason = np.random.default_rng(seed), None
    with stoppable() as stopped:
        while turn < most and reason is None:
            deadline.check()
            free, taken = _pool(form, chosen, generator)
            pool = form.fixed(free, taken).held()
            deadline.check()
            start = np.searchsorted(free, np.setdiff1d(chosen, taken))
            raw = searched(pool, start, seed + turn, deadline)
            chosen = np.sort(np.concatenate([free[raw.indices], taken]))
            turn, moves = turn + 1, moves + (raw.iterations or 0)
            if raw.termination in (Termination.TIME_LIMIT, Termination.INTERRUPTED):
                reason = raw.termination
    return RawResult(
        indices=chosen,
        termination=reason or stopped.reason or Termination.ITERATION_LIMIT,
        build_seconds=begun.build_seconds,
        solve_seconds=deadline.elapsed - (begun.build_seconds or 0.0),
        iterations=moves,
    )


def _pool(form: RowsForm, chosen: Rows, generator: np.random.Generator) -> tuple[Rows, Rows]:
    """Return candidates to choose from, and the chosen that stay."""
    size = min(_POOL, form.matrix.most_stored_rows, form.n)
    count = min(form.k, size // 2)
    moving = generator.choice(chosen, count, replace=False, shuffle=False)
    mask = np.ones(form.n, np.bool_)
    mask[chosen] = False
    others = np.flatnonzero(mask)
    most = min(size - count, len(others))
    entering = generator.choice(others, most, replace=False, shuffle=False)
    return np.sort(np.concatenate([moving, entering])), np.setdiff1d(chosen, moving)
