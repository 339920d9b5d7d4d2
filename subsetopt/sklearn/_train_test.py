"""Training and test data that resemble each other."""

from typing import Any

from subsetopt.errors import InvalidOption
from subsetopt.problems.scaling import Method

from ._row_points import SKLEARN, seed_of, taken
from ._splitting import Splitting, split_sizes, train_and_test

_TEST = 0.25


def representative_train_test_split(
    *arrays: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    stratify: Any = None,
    groups: Any = None,
    features: Any = None,
    kernel: Any = "gaussian",
    scale_columns: Method = "std",
    time_limit: float | None = None,
    random_state: Any = None,
) -> list[Any]:
    """Split arrays into training and test data that resemble each other.

    In place of scikit-learn's ``train_test_split``: the rows of the two parts are chosen by
    `subsetopt.partition`, so that their distributions are as near as swaps make them.

    Parameters
    ----------
    *arrays : sequence
        Of one length: arrays, lists, sparse matrices, data frames and series of pandas and polars,
        tables of Arrow, data sets of Hugging Face. Rows are compared by the first.
    test_size, train_size : float or int, optional
        Shares in (0, 1) or numbers of rows; None is the rest, and a quarter is tested without both.
    stratify : array_like (n,) or (n, q), optional
        Classes that are as frequent in both parts: every count is within one of proportional.
        Numbers, which scikit-learn refuses, are balanced in bins and compared as further columns.
    groups : array_like (n,), optional
        Rows of one group go into the same part; sizes are then as near as that allows.
    features : array_like (n, d), optional
        What rows are compared by, in place of the first array, such as embeddings of texts.
    kernel, scale_columns
        As `subsetopt.partition` takes them.
    time_limit : float, optional
        Seconds for the search; None searches until no swap helps.
    random_state : int, RandomState, Generator or None
        None draws from fresh entropy.

    Returns
    -------
    list
        Training and test part of each array, in their kinds, frames of pandas with their index; in
        the order of the rows.

    Raises
    ------
    InvalidOption, InvalidProblem
        Both of them are ValueError.
    MissingDependency
        Without scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> X_train, X_test, y_train, y_test = representative_train_test_split(
    ...     X, y, test_size=30, stratify=y, random_state=0
    ... )
    >>> len(X_train), len(X_test), int(abs(y_test.value_counts() - 10).max()) <= 1
    (120, 30, True)
    """
    if not arrays:
        raise InvalidOption("give at least one array to split")
    utils = SKLEARN.load("utils")
    several = utils.indexable(*arrays)
    n = SKLEARN.load("utils.validation")._num_samples(several[0])
    seen = several[0] if features is None else features
    utils.check_consistent_length(several[0], seen, stratify, groups)
    train, test = train_and_test(
        seen,
        n,
        split_sizes(n, test_size, train_size, _TEST),
        Splitting(kernel, scale_columns, time_limit),
        y=stratify,
        groups=groups,
        seed=seed_of(random_state),
    )
    return [taken(one, rows) for one in several for rows in (train, test)]
