"""The canonical models of mean matching."""

import numpy as np
from numpy.typing import NDArray

from subsetopt.forms import LinearModel, QuadraticModel, SparseRows


def absolute_error_model(
    values: NDArray[np.float64], k: int, target: float, smallest_count: int
) -> LinearModel:
    """Return min u over binaries m with ``|target - values @ m / k| <= u``, as in the listing."""
    n = values.size
    weights = values / k
    everyone = np.arange(n)
    return LinearModel(
        name="mean_matching",
        objective=_unit(n + 1, n),
        lower=np.zeros(n + 1),
        upper=np.append(np.ones(n), np.inf),
        integer=np.append(np.ones(n, dtype=bool), False),
        rows=SparseRows.of(
            [
                (np.append(everyone, n), np.append(weights, 1.0)),
                (np.append(everyone, n), np.append(weights, -1.0)),
                (everyone, np.ones(n)),
            ]
        ),
        row_lower=np.array([target, -np.inf, float(smallest_count)]),
        row_upper=np.array([np.inf, target, float(k)]),
        variable_names=(*(f"m{i}" for i in range(n)), "u"),
        row_names=("error_below", "error_above", "cardinality"),
        selectors=n,
    )


def squared_distance_model(
    values: NDArray[np.float64], k: int, target: NDArray[np.float64], smallest_count: int
) -> QuadraticModel:
    """Return min r'r over binaries m and free r with ``r + values.T @ m / k = target``."""
    n, d = values.shape
    everyone = np.arange(n)
    residual_rows = [
        (np.append(everyone, n + j), np.append(values[:, j] / k, 1.0)) for j in range(d)
    ]
    linear = LinearModel(
        name="vector_mean_matching",
        objective=np.zeros(n + d),
        lower=np.concatenate([np.zeros(n), np.full(d, -np.inf)]),
        upper=np.concatenate([np.ones(n), np.full(d, np.inf)]),
        integer=np.concatenate([np.ones(n, dtype=bool), np.zeros(d, dtype=bool)]),
        rows=SparseRows.of([*residual_rows, (everyone, np.ones(n))]),
        row_lower=np.append(target, float(smallest_count)),
        row_upper=np.append(target, float(k)),
        variable_names=(*(f"m{i}" for i in range(n)), *(f"r{j}" for j in range(d))),
        row_names=(*(f"residual{j}" for j in range(d)), "cardinality"),
        selectors=n,
    )
    diagonal = np.arange(n, n + d)
    return QuadraticModel(linear, diagonal, diagonal, np.ones(d))


def _unit(size: int, position: int) -> NDArray[np.float64]:
    unit = np.zeros(size)
    unit[position] = 1.0
    return unit
