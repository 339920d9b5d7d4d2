"""Facility location by lazy greedy, compared with apricot-select in the same process.

``python -m benchmarks.scripts.facility_speed`` prints the table. Both are given the same n x n
similarity, in float32 and in float64 as each wants it; neither the matrix nor the conversion is
timed. apricot compiles anew in every fit, so it is timed twice: as it is, and with its compiled
functions kept from fit to fit. Where apricot is missing its columns are too. The machine should
have nothing else to do.
"""

import importlib
import statistics
from collections.abc import Callable
from functools import cache, partial
from importlib import metadata
from importlib.util import find_spec
from time import perf_counter
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.sequencing.baselines import facility_location

from .script import Row, parser, report, report_machine


def similarity(n: int, d: int = 16, seed: int = 0) -> NDArray[np.float32]:
    """Return the Gaussian kernel matrix of n normal points."""
    points = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return kernel_matrix(so.Gaussian().fitted(points), points)


def compare(n: int, k: int, runs: int = 5) -> Row:
    """Time both on one matrix, turn by turn; returns medians and how far the gains are apart."""
    single = similarity(n)
    gains: dict[str, NDArray[Any]] = {}
    contenders: dict[str, Callable[[], NDArray[Any]]] = {"seconds": partial(_ours, single, k)}
    if _present():
        double = single.astype(np.float64)
        contenders["apricot"] = partial(_apricot, double, k)
        contenders["apricot, compiled"] = partial(_compiled_apricot, double, k)
    for call in contenders.values():
        call()  # compiled, or loaded
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, call in contenders.items():
            start = perf_counter()
            gains[name] = call()
            times[name].append(perf_counter() - start)
    median = {name: statistics.median(values) for name, values in times.items()}
    row: Row = {"n": n, "k": k, "value": float(gains["seconds"].sum())} | median
    if _present():
        row["ratio"] = median["apricot"] / median["seconds"]
        row["ratio, compiled"] = median["apricot, compiled"] / median["seconds"]
        apart = np.abs(gains["seconds"] - gains["apricot"]) / gains["apricot"]
        row["gains apart"] = float(apart.max())
    return row


def _present() -> bool:
    return find_spec("apricot") is not None


def _ours(matrix: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    return facility_location.greedy(matrix, k)[1]


def _apricot(matrix: NDArray[np.float64], k: int) -> NDArray[Any]:
    from apricot import FacilityLocationSelection  # type: ignore[import-not-found,unused-ignore]

    fitted = FacilityLocationSelection(k, metric="precomputed", optimizer="lazy").fit(matrix)
    return np.asarray(fitted.gains)


def _compiled_apricot(matrix: NDArray[np.float64], k: int) -> NDArray[Any]:
    with mock.patch.multiple("apricot.functions.facilityLocation", **_kept()):
        return _apricot(matrix, k)


@cache
def _kept() -> dict[str, Any]:
    """Return what makes apricot's compiled functions, each made only once."""
    module = importlib.import_module("apricot.functions.facilityLocation")
    return {
        name: cache(getattr(module, name)) for name in ("calculate_gains", "calculate_gains_sieve")
    }


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--n", type=int, nargs="+", default=[1000, 10_000])
    options.add_argument("--k", type=int, default=100)
    given = options.parse_args()
    versions = {"apricot-select": metadata.version("apricot-select")} if _present() else {}
    report_machine(given, **versions)
    report(given, (compare(n, given.k) for n in given.n), "facility location, seconds")


if __name__ == "__main__":
    main()
