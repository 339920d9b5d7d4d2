"""One representative split of rows, as all splitters make it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer, is_number
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.problems.scaling import Method
from subsetopt.sequencing import partition

from ._row_points import outcome_of, points_of


@dataclass(frozen=True)
class Splitting:
    """How rows are compared and how long is searched; see `RepresentativeKFold`."""

    kernel: Any = "gaussian"
    scale_columns: Method = "std"
    time_limit: float | None = None

    def parts(
        self, X: Any, sizes: Sequence[int], *, y: Any = None, groups: Any = None, seed: int = 0
    ) -> NDArray[np.int64]:
        """Return the part of each row (n,), parts that resemble each other and the whole.

        Raises
        ------
        InvalidProblem, InvalidOption
            For data that cannot be compared, and options outside their domains.
        """
        outcome = outcome_of(y, min(sizes))
        if isinstance(self.kernel, str) and self.kernel == "precomputed":
            points = np.asarray(X, np.float64)
        else:
            points = points_of(X, self.scale_columns)
            if outcome.numbers is not None:
                points = np.concatenate([points, outcome.numbers], axis=1)
        return partition(
            points,
            list(sizes),
            balance=outcome.labels,
            keep_together=None if groups is None else _groups(groups),
            kernel=self.kernel,
            scale_columns=None if self.kernel == "precomputed" else "none",
            seed=seed,
            time_limit=self.time_limit,
        )


def _groups(groups: Any) -> NDArray[Any]:
    array = np.asarray(groups.to_pylist() if hasattr(groups, "to_pylist") else groups)
    if array.ndim != 1:
        raise InvalidProblem(f"groups must have one label for each row; got shape {array.shape}")
    return (
        np.unique(array, return_inverse=True)[1].reshape(-1) if array.dtype.kind == "f" else array
    )


def split_sizes(
    n: int, test_size: float | None, train_size: float | None, default: float
) -> tuple[int, int]:
    """Return the rows of train and test data, as scikit-learn counts them.

    A float is a share of n in (0, 1), of which that of the test data is rounded up and that of the
    training data down; an integer is a count; None is the rest, or `default` where both are.

    Raises
    ------
    InvalidOption
        For other sizes, and for those that leave one of them empty.
    """
    if test_size is None and train_size is None:
        test_size = default
    given = {"test_size": test_size, "train_size": train_size}
    counts = {name: _count(name, size, n) for name, size in given.items()}
    test, train = counts["test_size"], counts["train_size"]
    test = n - train if test is None and train is not None else test
    train = n - test if train is None and test is not None else train
    assert test is not None
    assert train is not None
    shares = [size for size in given.values() if size is not None and not is_integer(size)]
    if sum(shares) > 1:
        raise InvalidOption(
            f"train_size and test_size must sum to 1 at most; got {train_size:g} + {test_size:g}"
        )
    if test + train > n:
        raise InvalidOption(
            f"train_size and test_size ask for {train} + {test} rows, more than the {n} that there "
            "are; give less"
        )
    for name, count in (("test", test), ("train", train)):
        if count < 1:
            raise InvalidOption(
                f"with n_samples={n}, test_size={test_size} and train_size={train_size} the {name} "
                "set would be empty; give other sizes or more rows"
            )
    return train, test


def _count(name: str, size: float | None, n: int) -> int | None:
    if size is None:
        return None
    if is_integer(size) and 0 < size < n:
        return int(size)
    if is_number(size) and not is_integer(size) and 0 < size < 1:
        return int(np.ceil(size * n) if name == "test_size" else np.floor(size * n))
    raise InvalidOption(
        f"{name} must be a share in (0, 1), or a number of rows in [1, {n - 1}]; got {size!r}"
    )


def train_and_test(
    X: Any,
    n: int,
    sizes: tuple[int, int],
    how: Splitting,
    *,
    y: Any = None,
    groups: Any = None,
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of train and test data, ascending; rows of neither are left out."""
    rest = n - sum(sizes)
    parts = how.parts(X, [*sizes, *([rest] if rest else [])], y=y, groups=groups, seed=seed)
    return np.flatnonzero(parts == 0), np.flatnonzero(parts == 1)
