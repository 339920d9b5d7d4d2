"""What stands beside a sequence: random batches, and how its batches mix the classes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem

from .engines import Engine


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

    Raises
    ------
    InvalidProblem
        If the labels are no array (n,), some are missing, or a batch holds an index beyond it.
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
