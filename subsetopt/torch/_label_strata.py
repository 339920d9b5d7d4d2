"""Strata: which samples are alike, by label, by a measured target or by features."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

_MOST = 2**16
"""Strata; numbers of two bytes are sorted in linear time."""


Codes = NDArray[np.uint16]


def strata(
    size: int,
    labels: ArrayLike | None,
    bins: int | None = None,
    features: ArrayLike | None = None,
    cells: int = 32,
    *,
    seed: int = 0,
) -> tuple[Codes, Codes]:
    """Return the stratum of each sample, and its cell within, (size,), numbered without gaps.

    Parameters
    ----------
    size : int
    labels : array_like, (size,) or (size, c)
    bins : int, optional
        Divide `labels`, numbers, at their quantiles.
    features : array_like, (size, d)
        For k-means: the strata, or with labels the cells within them; else the strata themselves.
    cells : int
        At most so many; fewer where there are fewer different rows.
    seed : int
        Of k-means.

    Raises
    ------
    InvalidOption
        For neither labels nor features, another number of rows, labels that are missing, or more
        than 65,536 strata or cells.
    """
    require_integer("cells", cells, f"[1, {_MOST}]")  # also where no features use it
    if labels is None and features is None:
        raise InvalidOption(
            "stratified needs a label for each sample, labels=, or features= whose cells are the "
            "strata; got neither"
        )
    if labels is None and bins is not None:
        raise InvalidOption("bins divide labels, but there are only features; say cells=")
    columns = []
    if labels is not None:
        columns.append(_of_labels(rows_of("labels", labels, size), bins))
    if features is not None:
        columns.append(_cells(rows_of("features", features, size), cells, seed))
    return _codes(columns[0]), _codes(_combined(columns))


def _codes(numbers: NDArray[np.int64]) -> Codes:
    found, codes = np.unique(numbers, return_inverse=True)
    if len(found) > _MOST:
        raise InvalidOption(
            f"there are {len(found):,} strata, {_MOST:,} at most; bins= divides a measured target, "
            "a smaller cells= makes fewer of features"
        )
    return codes.reshape(-1).astype(np.uint16)


def rows_of(name: str, values: Any, size: int) -> NDArray[Any]:
    """Return what has a row for each sample as an array; raises InvalidOption where it has not."""
    array = values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
    if array.ndim not in (1, 2) or len(array) != size or not array.size:
        raise InvalidOption(
            f"{name} must have a row for each of the {size} samples, shape ({size},) or "
            f"({size}, columns); got shape {array.shape}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidOption(
            f"{name} hold {int((~np.isfinite(array)).sum())} values that are NaN or infinite; fill "
            "them in, or give what is missing a label of its own"
        )
    return array


def _of_labels(labels: NDArray[Any], bins: int | None) -> NDArray[Any]:
    if bins is None:
        different = len(np.unique(labels)) if labels.dtype.kind == "f" else 0
        if different > len(labels) // 2:
            raise InvalidOption(
                f"labels are {different:,} different numbers of {len(labels):,} samples; "
                "bins=10 divides a measured target into ten strata"
            )
        columns = labels.reshape(len(labels), -1).T
        return _combined([np.unique(column, return_inverse=True)[1] for column in columns])
    require_integer("bins", bins, f"[1, {_MOST}]")
    if labels.dtype.kind not in "iufb":
        raise InvalidOption(f"bins divide numbers; labels have dtype {labels.dtype}")
    inner = np.arange(1, bins) / bins
    columns = labels.reshape(len(labels), -1).T
    return _combined([np.searchsorted(np.quantile(c, inner), c, side="right") for c in columns])


def _combined(columns: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Return a number for each combination of the columns' values."""
    numbers = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        # Numbered anew each time, so that the product never overflows.
        numbers = np.unique(numbers * (int(column.max()) + 1) + column, return_inverse=True)[1]
    return numbers


def _cells(features: NDArray[Any], cells: int, seed: int) -> NDArray[np.int64]:
    if features.dtype.kind not in "iufb":
        raise InvalidOption(f"features must be numbers; got dtype {features.dtype}")
    points = features.reshape(len(features), -1)
    cluster = OptionalDependency("scikit-learn", "sklearn", extra="sklearn").load("cluster")
    means = cluster.MiniBatchKMeans(min(cells, len(points)), random_state=seed, n_init=3)
    numbers: NDArray[np.int64] = means.fit_predict(points)
    return numbers
