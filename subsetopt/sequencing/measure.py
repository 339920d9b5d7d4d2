"""MMD of an order of points, and measures of the baseline: random batches, class balance."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem, InvalidSelection
from subsetopt.problems import _validation

from ._state import State
from .engines import Engine

__all__ = ["mmd_to_whole"]


def mmd_to_whole(engine: Engine, order: ArrayLike, boundaries: ArrayLike) -> NDArray[np.float64]:
    """Return the squared MMD to all points after each batch; one row of K for each point.

    Parameters
    ----------
    engine : Engine
    order : array_like of int (m,)
        Different points, in the order in which they are taken.
    boundaries : array_like of int (batches + 1,)
        Batch b is ``order[boundaries[b]:boundaries[b + 1]]``.

    Raises
    ------
    InvalidProblem
        If it is no order of points of the engine in batches.
    """
    points, ends = np.asarray(order), np.asarray(boundaries, np.int64)
    try:
        _validation.selection(points, engine.n, 0, engine.n)
    except InvalidSelection as error:
        raise InvalidProblem(f"order is none of the engine's points: {error}") from error
    if ends.ndim != 1 or len(ends) < 2 or ends[0] or ends[-1] != len(points):
        raise InvalidProblem(f"boundaries {ends} do not go from 0 to {len(points)}")
    if (np.diff(ends) < 1).any():
        raise InvalidProblem("boundaries do not ascend")
    state = State(engine)
    for start, end in pairwise(ends.tolist()):
        state.add(points[start:end].astype(np.int64))
        state.close(0.0)
    return np.array(state.mmd2_to_whole)


def random_mmd2(engine: Engine, boundaries: ArrayLike) -> NDArray[np.float64]:
    """Return the squared MMD to what is left that random batches have on average, after each.

    In closed form: of s points drawn out of n without replacement, the squared MMD to all has the
    mean ``(1/s) (n - s)/(n - 1) (mean of K_ii - mean of K_ij)``. NaN where nothing is left.
    """
    n = engine.n
    variance = float(engine.diagonal().mean() - engine.row_sums().mean() / n)
    s = np.asarray(boundaries, np.float64)[1:]
    left = np.where(s < n, n - s, np.nan)
    return np.asarray(variance * n * n / (s * left * max(1, n - 1)))


def relative_area(mmd: NDArray[np.float64], random: NDArray[np.float64]) -> float:
    """Return the area under a curve of MMD relative to that under another, NaN left out."""
    whole = np.isfinite(mmd) & np.isfinite(random)
    below = float(random[whole].sum())
    return float(mmd[whole].sum()) / below if below else float("nan")


class Balance(NamedTuple):
    """How far the classes of batches are from those of all, in total variation, 0 to 1."""

    mean: float
    worst: float
    worst_batch: int


def class_balance(batches: Sequence[NDArray[np.int64]], labels: ArrayLike) -> Balance:
    """Compare the class frequencies of each batch with those of all labels.

    The total-variation distance is half the sum of the absolute differences: the share of a batch
    that would have to be exchanged.
    """
    named = np.asarray(labels)
    if named.ndim != 1 or not named.size:
        raise InvalidProblem(f"labels must be one for each point; got shape {named.shape}")
    if named.dtype.kind == "f" and np.isnan(named).any():
        missing = np.flatnonzero(np.isnan(named))
        raise InvalidProblem(
            f"labels hold {len(missing)} missing values (NaN), the first for point {missing[0]}; "
            "give each point a class"
        )
    most = max(int(batch.max()) for batch in batches)
    if most >= len(named):
        raise InvalidProblem(f"there are {len(named)} labels, but point {most} is in a batch")
    classes, codes = np.unique(named, return_inverse=True)
    whole = np.bincount(codes, minlength=len(classes)) / len(codes)
    found = [np.bincount(codes[batch], minlength=len(classes)) / len(batch) for batch in batches]
    distances = np.abs(np.array(found) - whole).sum(axis=1) / 2
    worst = int(distances.argmax())
    return Balance(float(distances.mean()), float(distances[worst]), worst)
