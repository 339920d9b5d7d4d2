"""Rows, targets and seeds of scikit-learn's users, as points, classes and integers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidProblem
from subsetopt.problems.scaling import Method, Scaling
from subsetopt.tables._row_table import row_table
from subsetopt.tables._table_columns import columns_of
from subsetopt.tables._table_features import Featurisation

from ._node_kernel import is_graph

SKLEARN = OptionalDependency("scikit-learn", "sklearn", ">=1.6", extra="sklearn")

_DENSE = 20_000_000
"""Entries of a sparse matrix up to which it is made dense; a larger one is projected."""
_PROJECTED = 100
_CLASSES = 20
"""Different values up to which floats are classes."""
_BINS = 10
_IN_A_BIN = 5  # rows of the smallest part, on average


def seed_of(random_state: Any) -> int:
    """Return a seed: an integer as it is, else drawn; None from fresh entropy.

    Raises
    ------
    ValueError
        As scikit-learn's check_random_state does.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    made = SKLEARN.load("utils").check_random_state(random_state)
    return int(made.randint(2**31 - 1))


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of pandas or polars, or a table of Arrow."""
    pandas_or_polars = hasattr(X, "iloc") or hasattr(X, "to_arrow")
    return (pandas_or_polars and hasattr(X, "columns")) or (_is_arrow(X) and hasattr(X, "schema"))


def is_dataset(X: Any) -> bool:
    """Whether X is a data set of Hugging Face."""
    return all(hasattr(X, name) for name in ("with_format", "select", "features"))


def _is_arrow(X: Any) -> bool:
    return type(X).__module__.partition(".")[0] == "pyarrow"


def taken(X: Any, indices: NDArray[np.int64]) -> Any:
    """Return rows in the kind that X is; frames of pandas keep their index, graphs give nodes."""
    if is_dataset(X):
        return X.select(indices)
    if is_graph(X):
        nodes = list(X.nodes)
        return [nodes[index] for index in indices.tolist()]
    if _is_arrow(X):
        return X.take(indices)
    return SKLEARN.load("utils")._safe_indexing(X, indices)


def points_of(X: Any, scale: Method = "std") -> NDArray[np.float64]:
    """Return rows as points (n, d) in comparable units.

    Columns of data frames may be numbers, dates or categories; missing numbers are taken as the
    median. Arrays of more than two dimensions are flattened, sparse matrices made dense, or
    projected on 100 principal components where they are large.

    Raises
    ------
    InvalidProblem
        For what is no number, and for infinities.
    """
    if is_dataset(X):
        return _of_arrow(X.with_format("arrow")[:], scale)
    if is_frame(X):
        return _of_arrow(X, scale)
    if hasattr(X, "tocsr"):
        X = _dense(X)
    numbers = _numbers(X)
    for column in numbers.T:
        missing = np.isnan(column)
        if missing.any():
            column[missing] = 0.0 if missing.all() else np.median(column[~missing])
    return np.asarray(Scaling.of(numbers, scale).applied(numbers), np.float64)


def _numbers(X: Any) -> NDArray[np.float64]:
    array = np.asarray(X)
    if array.dtype.kind == "O" or array.dtype.kind in "USM":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise InvalidProblem(
                f"X must be numbers or a data frame; got {array.dtype}, {_shown(array)}: hand "
                "numbers that describe the rows, such as embeddings (features=)"
            ) from None
    if array.ndim == 0:
        raise InvalidProblem(f"X must have rows; got the scalar {X!r}")
    if array.dtype.kind == "c":
        raise InvalidProblem("X must be real; got complex numbers: hand real and imaginary parts")
    numbers = np.array(array, np.float64).reshape(len(array), -1)  # ours: NaN is filled in
    if np.isinf(numbers).any():
        raise InvalidProblem("X contains infinity; replace it, or leave these rows out")
    return numbers


def _shown(array: NDArray[Any]) -> str:
    return f"such as {str(array.flat[0])[:30]!r}" if array.size else "empty"


def _dense(X: Any) -> Any:
    if X.shape[0] * X.shape[1] <= _DENSE:
        return X.toarray()
    svd = SKLEARN.load("decomposition").TruncatedSVD(_PROJECTED, random_state=0)
    return svd.fit_transform(X)


def _of_arrow(X: Any, scale: Method) -> NDArray[np.float64]:
    """Return the columns of a table that are features, and those of vectors."""
    import pyarrow as pa

    table = row_table(X, name="X")
    vectors: list[str] = []
    plain: list[str] = []
    for field in table.data.schema:
        holds = pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type)
        (vectors if holds or pa.types.is_large_list(field.type) else plain).append(field.name)
    parts = []
    if plain:
        found = columns_of(table, wanted=None, ignore=vectors)
        if any(column.is_feature for column in found):
            parts.append(Featurisation(scale).features(found, "X").matrix)
        elif not vectors and any(column.kind == "constant" for column in found):
            parts.append(np.zeros((len(table), 1)))
    for name in vectors:
        try:
            numbers = np.array(table.data[name].to_pylist(), np.float64).reshape(len(table), -1)
        except (TypeError, ValueError):
            raise InvalidProblem(
                f"X: column {name!r} holds lists that are not vectors of one length; leave it out"
            ) from None
        parts.append(Scaling.of(numbers, scale).applied(numbers))
    if not parts:
        raise InvalidProblem(
            "X: no column holds numbers, dates, categories or vectors; hand numbers that describe "
            "the rows, such as embeddings (features=)"
        )
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is known of a target.

    Parameters
    ----------
    labels : ndarray of int64 (n, q) or None
        Classes that are balanced; of numbers bins of equal counts.
    numbers : ndarray (n, q) or None
        Numbers, which are compared too.
    """

    labels: NDArray[np.int64] | None = None
    numbers: NDArray[np.float64] | None = None


def outcome_of(y: Any, smallest: int) -> Outcome:
    """Return what a target is: classes, or numbers.

    Floats of more than 20 values, and integers of more values than half the rows, are numbers;
    they are balanced in up to 10 bins, so many that `smallest`, the rows of the smallest part, has
    5 in each.

    Raises
    ------
    InvalidProblem
        For missing values.
    """
    if y is None:
        return Outcome()
    array = np.asarray(y.to_pylist() if hasattr(y, "to_pylist") else y)
    columns = array.reshape(len(array), -1)
    labels, numbers = [], []
    for values in columns.T:
        kind = values.dtype.kind
        if kind == "O" and all(isinstance(one, float | int) for one in values):
            values = values.astype(np.float64)
            kind = "f"
        if kind == "f" and not np.isfinite(values).all():
            raise InvalidProblem("y contains NaN or infinity; drop these rows")
        found, codes = np.unique(values.astype(str) if kind == "O" else values, return_inverse=True)
        if kind in "iuf" and found.size > (_CLASSES if kind == "f" else len(values) / 2):
            exact = values.astype(np.float64)[:, None]
            numbers.append(Scaling.of(exact, "std").applied(exact))
            bins = int(min(_BINS, max(1, smallest // _IN_A_BIN)))
            ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
            codes = ranks * bins // len(values)
        labels.append(codes.reshape(-1).astype(np.int64))
    return Outcome(np.stack(labels, axis=1), np.concatenate(numbers, axis=1) if numbers else None)
