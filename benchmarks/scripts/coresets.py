"""k of very many: the MMD, the time and the memory of `coreset`, beside random rows.

``python -m benchmarks.scripts.coresets`` prints a row for each case and method. The data are
mixtures of twenty Gaussians in float32, the kernel a Gaussian of median scale. All methods are
judged alike: the root MMD to all rows, by 16,384 witnesses that none has seen, with the standard
error. "of a product" are the seconds over those of the product of the pool's features with all
rows alone, tile by tile with NumPy, in the same run. Of targets, the data are normal, the target
normal of 0.6 times the spread and so far off; "uniform pool" has as many candidates, none of them
drawn for the target. `benchmarks.scripts.coreset_peers` measures other libraries.
"""

import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.coresets._judging import Judge
from subsetopt.coresets._kernel_means import kernel_means
from subsetopt.coresets._row_sources import ArrayRows
from subsetopt.problems.scaling import Scaling

from .script import Row, parser, report, report_machine

CASES = ("4096:64:10", "65536:256:10", "300000:1000:64", "1000000:1000:10")
TARGETS = ("200000:100:10:0", "200000:100:10:2", "200000:100:10:4", "200000:100:4:3")
WITNESSES = 16_384
TILE = 512


@dataclass(frozen=True, eq=False)
class ManyRows:
    """Points, and what judges a selection of them."""

    X: NDArray[Any]
    k: int

    @classmethod
    def drawn(cls, n: int, k: int, d: int) -> "ManyRows":
        """Return n points of a mixture in d dimensions."""
        generator = np.random.default_rng([n, d])
        centres = 2.0 * generator.normal(size=(20, d)).astype(np.float32)
        X = generator.standard_normal((n, d), np.float32)
        X += centres[generator.integers(0, 20, n)]
        return cls(X, k)

    def judge(self, kernel: Any) -> Callable[[NDArray[Any]], Row]:
        """Return what gives the MMD of indices, and its standard error."""
        n = len(self.X)
        seen = np.random.default_rng(7).choice(n, min(n, WITNESSES), replace=False)
        judge = Judge(kernel, self.X[seen], self.means(kernel, seen), n)

        def judged(indices: NDArray[Any]) -> Row:
            S = self.X[indices]
            estimate = judge.mmd_squared(S, self.means(kernel, indices))
            return {"root MMD": estimate.root, "error": estimate.root_error}

        return judged

    def means(self, kernel: Any, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean kernel of some rows with all."""
        source, points = ArrayRows(self.X), self.X[rows]
        unscaled = Scaling.of(points, "none")
        return kernel_means(kernel, points, source, unscaled, None, _nobody, len(self.X))

    def product_seconds(self, pool: int) -> float:
        """Return how long the products of `pool` rows with all take, with NumPy's own threads."""
        left, out = self.X[:pool], np.empty((pool, TILE), np.float32)
        start = perf_counter()
        for first in range(0, len(self.X) - TILE, TILE):
            np.matmul(left, self.X[first : first + TILE].T, out=out)
        return perf_counter() - start


def _nobody(*step: Any) -> None:
    pass


def rows_of(case: ManyRows, products: bool) -> Iterator[Row]:
    """Yield a row for each method."""
    n, d = case.X.shape
    about = {"n": n, "d": d, "k": case.k}
    start = perf_counter()
    result = so.coreset(case.X, case.k, scale_columns="none")
    seconds = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    judged = case.judge(result.kernel)
    random = [
        judged(np.random.default_rng(seed).choice(n, case.k, replace=False))["root MMD"]
        for seed in range(5)
    ]
    expected = float(np.sqrt(np.mean(np.square(random))))
    ours = about | {"method": "coreset"} | judged(result.indices)
    ours |= {"of random": ours["root MMD"] / expected, "seconds": seconds, "peak GiB": peak}
    if products:
        ours["of a product"] = seconds / case.product_seconds(result.pool)
    yield ours
    yield about | {"method": "random", "root MMD": expected, "of random": 1.0}


def target_rows(n: int, k: int, d: int, shift: float) -> Iterator[Row]:
    """Yield a row for each pool of candidates for a target that is so far from the data."""
    generator = np.random.default_rng([n, d])
    X = generator.standard_normal((n, d), np.float32)
    T = np.float32(0.6) * generator.standard_normal((20_000, d), np.float32)
    T += np.float32(shift / d**0.5)
    aimed = so.coreset(X, k, target=T, scale_columns="none")
    some = generator.choice(n, aimed.pool, replace=False)
    uniform = so.coreset(X[some], k, target=T, kernel=aimed.kernel, scale_columns="none")
    for method, result in (("coreset", aimed), ("uniform pool", uniform)):
        ratio, seconds = result.mmd / result.random_mmd, sum(result.seconds.values())
        about: Row = {"n": n, "d": d, "k": k, "shift": shift, "method": method}
        yield about | {
            "root MMD": result.mmd,
            "error": result.mmd_error,
            "of random": ratio,
            "seconds": seconds,
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each case."""
    made = parser(__doc__)
    made.add_argument("--cases", nargs="*", default=CASES, metavar="N:K:D")
    made.add_argument("--targets", nargs="*", default=TARGETS, metavar="N:K:D:SHIFT")
    made.add_argument("--no-products", action="store_true", help="leave out the products")
    given = made.parse_args(arguments)
    report_machine(given)
    so.coreset(ManyRows.drawn(9000, 20, 3).X, 20, scale_columns="none")  # compiles what it takes
    for text in given.cases:
        n, k, d = (int(part) for part in text.split(":"))
        case = ManyRows.drawn(n, k, d)
        report(given, rows_of(case, not given.no_products), f"{k} of {n} rows, d={d}")
    for text in given.targets:
        *sizes, shift = text.split(":")
        n, k, d = map(int, sizes)
        report(given, target_rows(n, k, d, float(shift)), f"a target {shift} from {n} rows, d={d}")


if __name__ == "__main__":
    main()
