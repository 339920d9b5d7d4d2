"""What a sequence costs beside its kernel matrix, and what it is worth beside a random order.

``python -m benchmarks.scripts.sequences --data DIR`` prints a table for the first digits of
MNIST; ``--json`` prints one object. The machine should have nothing else to do. Peak memory is
that of the process so far, so sizes go up.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._machine import Machine
from subsetopt.formats._array_files import read_mnist
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.report import show
from subsetopt.sequencing import choose, mmd_to_whole

Row = dict[str, Any]
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
    row["peak, GiB"] = _peak()
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


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def exponents(rows: Sequence[Row]) -> dict[str, float]:
    """Return the slopes of logarithms of seconds over that of n, by least squares."""
    sizes = np.log([row["n"] for row in rows])
    return {
        name: float(np.polyfit(sizes, np.log([row[name] for row in rows]), 1)[0])
        for name in _FITTED
    }


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", default="2000,4000,8000", help="sizes, with commas between")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--data", default=os.environ.get("SUBSETOPT_DATA"), help="the folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set SUBSETOPT_DATA")
    sizes = sorted(int(size) for size in options.n.split(","))
    images = read_mnist(Path(options.data))[0][: sizes[-1]]
    if len(images) < sizes[-1]:
        parser.error(f"there are {len(images)} images, not {sizes[-1]}")
    X = np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
    for selector in ("running-herding", "running-swap"):  # compiled, or loaded from the cache
        so.sequence(X[:300], 100, selector=selector)
    rows = [measured(X[:size], options.batch_size) for size in sizes]
    slopes = exponents(rows) if len(rows) > 1 else {}
    if options.json:
        found = {"machine": asdict(Machine.here()), "rows": rows, "exponents": slopes}
        print(json.dumps(found, indent=2))
        return
    show(rows)
    print("exponents:", ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items()))


if __name__ == "__main__":
    main()
