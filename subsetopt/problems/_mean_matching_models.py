"""The canonical models of mean matching."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT
from subsetopt.models import LinearModel, QuadraticForm, QuadraticModel, SparseRows

from ._centring import Centring
from ._memory import require_memory
from ._parallel import Check, no_callback

if TYPE_CHECKING:
    from .mean_matching import MeanMatching

_AT_ONCE = 2**29  # multiplications that need no check: some 50 ms
_ENTRIES = 2**22  # those of a matrix that is mirrored at once
_PRODUCTS = 2**26  # multiplications between two checks


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


def residual_model(problem: "MeanMatching") -> QuadraticModel:
    """Return the squared distance in residuals, from the mean of the values where that can be."""
    values = problem.values.reshape(problem.n, -1)
    target = np.atleast_1d(np.asarray(problem.target_value, dtype=np.float64))
    rows: NDArray[np.float64]
    if problem.cardinality == "exactly":
        origin = Centring.of(values, None if problem.target is None else target)
        rows, target = origin.rows(values), origin.target
    else:
        rows = values.astype(np.float64)
    return squared_distance_model(rows, problem.k, target, problem.smallest_count)


def gram_form(
    values: NDArray[Any],
    k: int,
    origin: Centring,
    smallest_count: int,
    check: Check = no_callback,
) -> QuadraticForm:
    """Return ``|| sum of the chosen (v_i - t) ||**2 / k**2`` as a form in inner products.

    Where fewer than k may be chosen, k rows follow that stand for choosing nothing.
    O(n^2 d), and n^2 float64 of memory, which TooLarge is raised for before anything is done.
    """
    n = len(values) + (k if smallest_count < k else 0)
    require_memory(
        f"the {n} x {n} matrix of inner products",
        8 * n * n,
        "the solvers 'swap' and 'frank-wolfe' need none",
    )
    rows = origin.rows(values)
    doubt = UNIT * np.maximum(rows.max(axis=0), -rows.min(axis=0)) + origin.doubt
    rows -= origin.target
    positions = None
    if smallest_count < k:
        nothing = -(origin.shift + origin.target)
        doubt += UNIT * (np.abs(nothing) + np.abs(origin.shift))
        positions = np.concatenate([np.arange(len(rows)), np.full(k, -1)])
        rows = np.concatenate([rows, np.broadcast_to(nothing, (k, nothing.size))])
    # So that neither the products nor the scale come near the ends of the range of float64.
    exponent = min(max(int(np.frexp(float(np.abs(rows).max()))[1]), -460), 510)
    gram = inner_products(np.ldexp(rows, -exponent, out=rows), check)
    unit = math.ldexp(1.0, 2 * exponent)
    return QuadraticForm(
        gram,
        np.zeros(n),
        k,
        scale=unit / k**2,
        semidefinite=True,
        positions=positions,
        error=unit * _gram_error(gram, rows.shape[1], np.ldexp(doubt, -exponent)),
    )


def _gram_error(gram: NDArray[np.float64], d: int, doubt: NDArray[np.float64]) -> float:
    """Return how far entries of a matrix of inner products may be off.

    The products and sums in any order by ``d + 2`` units relative to the norms, and the rows, which
    are differences, by `doubt` in each coordinate. The mean of k^2 such entries is no further off.
    """
    square = float(gram.diagonal().max())
    off = float(np.linalg.norm(doubt + UNIT * math.sqrt(square)))
    return (d + 8) * UNIT * square + 2 * math.sqrt(square) * off + off * off


def inner_products(rows: NDArray[np.float64], check: Check = no_callback) -> NDArray[np.float64]:
    """Return ``rows @ rows.T``, read-only and symmetric to the last bit.

    A large one block by block, with a check between two of them: of few columns the mirroring is
    what takes time, five times as long for 10,000 rows where it is done at once.
    """
    n, d = rows.shape
    if n * n * d <= _AT_ONCE and n * n <= _ENTRIES:
        gram = rows @ rows.T
        gram = np.maximum(gram, gram.T)  # products may differ from their mirror image by rounding
    else:
        gram = np.empty((n, n))
        size = min(1024, max(64, int((_PRODUCTS / d) ** 0.5)))
        parts = [slice(begin, begin + size) for begin in range(0, n, size)]
        for at, some in enumerate(parts):
            for others in parts[at:]:
                check()
                block = rows[some] @ rows[others].T
                gram[some, others] = block if some != others else np.maximum(block, block.T)
                gram[others, some] = gram[some, others].T
    gram.setflags(write=False)
    return gram


def _unit(size: int, position: int) -> NDArray[np.float64]:
    unit = np.zeros(size)
    unit[position] = 1.0
    return unit
