"""Cost of a sequence relative to its kernel matrix, and its MMD relative to random orders.

``python -m benchmarks.scripts.sequence_cost --data DIR`` prints a table for the first digits of
MNIST. The machine should have nothing else to do. Peak memory is
that of the process so far, so sizes go up.
"""

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.formats._array_files import read_mnist
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.sequencing import choose, mmd_to_whole

from .script import Row, parser, peak_gib, report, report_machine

_FITTED = ("matrix, s", "running-herding, s", "running-swap, s", "total, s")
_PERMUTATIONS = 3


def measured(X: NDArray[np.float32], batch_size: int) -> Row:
    """Return the row of these points: seconds, memory, and areas under the curves of the MMD."""
    kernel = so.Gaussian().fitted(X)
    start = perf_counter()
    kernel_matrix(kernel, X)
    matrix = perf_counter() - start
    start = perf_counter()
    engine = choose(X, engine="matrix")
    engine.row_sums()
    built = perf_counter() - start
    matrix = min(matrix, built)  # the first one also pays for pages that were never used before
    row: Row = {"n": len(X), "matrix, s": matrix, "matrix, median and sums, s": built}
    curves = {}
    for selector in ("running-herding", "running-swap"):
        start = perf_counter()
        found = so.sequence(X, batch_size, selector=selector, engine=engine)
        row[f"{selector}, s"] = perf_counter() - start
        curves[selector] = _area(found.mmd2_to_whole, found.boundaries)
    row["total, s"] = built + row["running-swap, s"]
    row["total / matrix"] = row["total, s"] / matrix
    row["peak, GiB"] = peak_gib()
    chance = []
    for seed in range(_PERMUTATIONS):
        order = np.random.default_rng(seed).permutation(len(X))
        with one_blas_thread():
            chance.append(_area(mmd_to_whole(engine, order, found.boundaries), found.boundaries))
    for solver, area in curves.items():
        row[f"{solver} / random"] = area / float(np.mean(chance))
    return row


def _area(to_whole: NDArray[np.float64], boundaries: NDArray[np.int64]) -> float:
    """Return the area under the MMD to what is left, over the share of the points chosen."""
    n, taken = boundaries[-1], boundaries[1:-1]
    mmd = np.sqrt(np.maximum(to_whole[:-1], 0)) * n / (n - taken)
    return float(np.trapezoid(mmd, taken / n))


def exponents(rows: Sequence[Row]) -> dict[str, float]:
    """Return the slopes of logarithms of seconds over that of n, by least squares."""
    sizes = np.log([row["n"] for row in rows])
    return {
        name: float(np.polyfit(sizes, np.log([row[name] for row in rows]), 1)[0])
        for name in _FITTED
    }


def main() -> None:
    """Print the table, and how each time grows with n."""
    options = parser(__doc__, data=True)
    options.add_argument("--n", default="2000,4000,8000", help="sizes, with commas between")
    options.add_argument("--batch-size", type=int, default=100)
    given = options.parse_args()
    if given.data is None:
        options.error("give --data DIR, or set SUBSETOPT_DATA")
    sizes = sorted(int(size) for size in given.n.split(","))
    images = read_mnist(given.data)[0][: sizes[-1]]
    if len(images) < sizes[-1]:
        options.error(f"--n must be at most {len(images)}; got {sizes[-1]}")
    X = np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
    for selector in ("running-herding", "running-swap"):  # compiled, or loaded from the cache
        so.sequence(X[:300], 100, selector=selector)
    report_machine(given)
    rows = [measured(X[:size], given.batch_size) for size in sizes]
    report(given, rows)
    if len(rows) > 1:
        report(given, [exponents(rows)], "exponents")


if __name__ == "__main__":
    main()
