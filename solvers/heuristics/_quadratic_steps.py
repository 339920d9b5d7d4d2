"""Building blocks of searches on a quadratic form, in chunks between which deadlines are checked.

Throughout, `parts` are the `arrays` of a form, `chosen` (n,) marks a selection and `potentials`
(n,) belong to it, see `_kernels.quadratic_descent`. Where a function ends with OutOfTime or
KeyboardInterrupt, `chosen` is what it had reached.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._kernels._tiers import Tiers
from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import Check
from subsetopt.solvers._deadline import Deadline

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Keys = tuple[Floats, NDArray[np.int64]]

_ENUMERATING = Tiers("quadratic_descent", kernel="quadratic_descent.enumerate_all")
_ENTRIES = 2**24  # of the matrix that are summed between two checks


class FormArrays(NamedTuple):
    """A form as the kernels take it: A, its diagonal and c."""

    matrix: NDArray[Any]
    diagonal: Floats
    linear: Floats


def seen_as_bits(keys: Floats) -> Keys:
    """Return an array, and its memory as the whole numbers that kernels find the least of."""
    return keys, keys.view(np.int64)


def arrays(form: QuadraticForm) -> FormArrays:
    """Return A as it is, its diagonal and c, read-only or not as the kernels are compiled for."""
    matrix = form.matrix.view()
    matrix.setflags(write=False)
    return FormArrays(matrix, matrix.diagonal().astype(np.float64), form.linear.copy())


def refresh(parts: FormArrays, chosen: Mask, potentials: Floats, deadline: Deadline) -> float:
    """Compute the potentials of a selection afresh; returns its value. O(n k)."""
    np.add(parts.linear, parts.diagonal, out=potentials)
    members = chosen.nonzero()[0]
    _enter(parts, members, chosen, potentials, deadline)
    state = members, np.zeros(3), chosen, potentials, potentials, members
    return float(_kernels.quadratic_descent.descend(*parts, 0, *state))


def greedy(form: QuadraticForm, chosen: Mask, potentials: Floats, deadline: Deadline) -> None:
    """Choose k times the candidate of the least potential, none being chosen; O(n k)."""
    parts, entering = arrays(form), np.full(form.k, -1)
    potentials[:] = parts.diagonal
    for part, linear in growing(form):
        potentials += linear
        _enter(parts, entering[part], chosen, potentials, deadline)
        deadline.check()


def growing(form: QuadraticForm) -> Iterator[tuple[slice, Floats]]:
    """Yield steps of a greedy choice, and what to add to the potentials before each.

    Where the form is the distance to a mean, the square of ``k * || mean of k - mu ||``, the first
    t chosen are to be near mu by themselves: its linear part is that of t, not of k, which would
    outweigh all else at first. Otherwise all is added at once.
    """
    steps = form.k if form.semidefinite else 1
    share = form.linear / steps
    for step in range(steps):
        yield slice(step * form.k // steps, (step + 1) * form.k // steps), share


def _enter(
    parts: FormArrays,
    entering: NDArray[np.int64],
    chosen: Mask,
    potentials: Floats,
    deadline: Deadline,
) -> None:
    none = np.full(len(entering), -1)
    for part in deadline.chunks(len(entering), len(chosen)):
        _kernels.quadratic_descent.exchange_all(
            parts.matrix, parts.diagonal, none[part], entering[part], chosen, potentials
        )


def descend(
    parts: FormArrays,
    most: int,
    chosen: Mask,
    potentials: Floats,
    deadline: Deadline,
    keys: Keys | None = None,
) -> tuple[bool, int, float]:
    """Descend by at most `most` turns of O(n).

    Returns whether no exchange helps any more, the turns, and the value, from the potentials.
    `keys`, n + 1 of them, are room that whoever descends often hands in.
    """
    members, progress = chosen.nonzero()[0], np.zeros(3)
    keys = seen_as_bits(np.empty(len(chosen) + 1)) if keys is None else keys
    for part in deadline.chunks(most, len(chosen)):
        value = _kernels.quadratic_descent.descend(
            *parts, part.stop, members, progress, chosen, potentials, *keys
        )
        if progress[_kernels.quadratic_descent.IDLE] >= len(members):
            break
    turns, idle, _ = progress.tolist()
    return idle >= len(members), int(turns), value


def best_of_all(parts: FormArrays, k: int) -> NDArray[np.int64]:
    """Return a best selection of k by trying all of them, in order."""
    n = len(parts.linear)
    (quadratic,) = _ENUMERATING.choose(math.comb(n, k) * n)
    best, potentials = np.arange(k), np.empty((k, n))
    quadratic.enumerate_all(*parts, np.zeros(k, np.int64), np.zeros(k), potentials, best)
    return best


def complete(chosen: Mask, k: int, generator: np.random.Generator) -> None:
    """Mark candidates at random until k are chosen."""
    free = np.flatnonzero(~chosen)
    missing = k - (len(chosen) - len(free))
    chosen[generator.choice(free, missing, replace=False, shuffle=False)] = True


def row_sums(matrix: NDArray[Any], check: Check) -> Floats:
    """Return the sums of the rows in float64, with a check now and then; O(n^2)."""
    n, step = len(matrix), max(1, _ENTRIES // len(matrix))
    sums = np.empty(n)
    for begin in range(0, n, step):
        check()
        sums[begin : begin + step] = matrix[begin : begin + step].sum(axis=1, dtype=np.float64)
    return sums
