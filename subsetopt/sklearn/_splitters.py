"""Cross-validation on parts that resemble each other."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_flag, require_integer
from subsetopt.problems.scaling import Method

from ._row_points import SKLEARN, seed_of
from ._splitting import Splitting, split_sizes, train_and_test

_model_selection: Any = SKLEARN.load("model_selection")
_validation: Any = SKLEARN.load("utils.validation")

__all__ = ["RepresentativeKFold", "RepresentativeShuffleSplit"]

_TEST = 0.1


class RepresentativeKFold(_model_selection.BaseCrossValidator):  # type: ignore[misc]
    """Folds that resemble each other and the whole, for ``cv=`` of scikit-learn.

    Parameters
    ----------
    n_splits : int
        Number of folds, at least 2; their sizes differ by at most one row.
    stratify : bool
        Whether `y` counts: classes are as frequent in each fold, every count within one of
        proportional; numbers are balanced in up to ten bins and compared as a further column.
        Without it `y` is not looked at.
    kernel, scale_columns
        As `subsetopt.partition` takes them.
    time_limit : float, optional
        Seconds for the search; None searches until no swap helps.
    random_state : int, RandomState, Generator or None
        None draws from fresh entropy in each call.

    Notes
    -----
    ``split(X, y, groups)`` looks at X, which may be an array, a sparse matrix, or a data frame of
    numbers, dates and categories. Rows of one group go into the same fold.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([0.0, 0.1, 5.0, 5.1])
    >>> for train, test in RepresentativeKFold(2, random_state=0).split(X):
    ...     print(sorted(X[test] > 1))
    [np.False_, np.True_]
    [np.False_, np.True_]
    """

    # Groups are passed on where they are given, with routing of metadata too.
    __metadata_request__split = {"groups": True}  # noqa: RUF012 - as scikit-learn declares it

    def __init__(
        self,
        n_splits: int = 5,
        *,
        stratify: bool = True,
        kernel: Any = "gaussian",
        scale_columns: Method = "std",
        time_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        require_integer("n_splits", n_splits, "[2, inf)")
        require_flag("stratify", stratify)
        self.n_splits = n_splits
        self.stratify = stratify
        self.kernel = kernel
        self.scale_columns = scale_columns
        self.time_limit = time_limit
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        return int(self.n_splits)

    def _iter_test_indices(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> Iterator[NDArray[np.int64]]:
        n = _validation._num_samples(X)
        require_integer("n_splits, of n_samples rows,", self.n_splits, f"[2, {n}]")
        sizes = [n // self.n_splits + (fold < n % self.n_splits) for fold in range(self.n_splits)]
        how = Splitting(self.kernel, self.scale_columns, self.time_limit)
        folds = how.parts(
            X,
            sizes,
            y=y if self.stratify else None,
            groups=groups,
            seed=seed_of(self.random_state),
        )
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds == fold)


class RepresentativeShuffleSplit(_model_selection.BaseShuffleSplit):  # type: ignore[misc]
    """Several splits in training and test data that resemble each other, each from another start.

    Parameters
    ----------
    n_splits : int
        At least 1.
    test_size, train_size : float or int, optional
        Shares in (0, 1) or numbers of rows; None is the rest, and a tenth is tested without both.
    stratify, kernel, scale_columns, time_limit, random_state
        As `RepresentativeKFold` takes them.

    Notes
    -----
    Test data of different splits overlap, as those of scikit-learn's ShuffleSplit do.
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - as scikit-learn declares it

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        stratify: bool = True,
        kernel: Any = "gaussian",
        scale_columns: Method = "std",
        time_limit: float | None = None,
        random_state: Any = None,
    ) -> None:
        require_integer("n_splits", n_splits, "[1, inf)")
        require_flag("stratify", stratify)
        super().__init__(
            n_splits=n_splits,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
        )
        self.stratify = stratify
        self.kernel = kernel
        self.scale_columns = scale_columns
        self.time_limit = time_limit

    def _iter_indices(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        n = _validation._num_samples(X)
        sizes = split_sizes(n, self.test_size, self.train_size, _TEST)
        how = Splitting(self.kernel, self.scale_columns, self.time_limit)
        generator = np.random.default_rng(seed_of(self.random_state))
        for _ in range(self.n_splits):
            seed = int(generator.integers(2**31 - 1))
            target = y if self.stratify else None
            yield train_and_test(X, n, sizes, how, y=target, groups=groups, seed=seed)
