"""k of very many: the MMD, the time and the memory of `coreset`, beside random rows.

``python -m benchmarks.scripts.coresets`` prints a row for each case and method. The rows are
float32, the kernel a Gaussian of median scale, and there are two kinds of them, since how near k
rows can come is a matter of how many directions rows differ in:

- "clusters", a mixture of twenty normal clusters with centres of twice their spread: all columns
  of a cluster are independent, as nothing is that is embedded, so that rows differ in as many
  directions as there are columns, in each cluster in others;
- "embeddings", such a mixture in 16 dimensions, mapped at random to all columns, with independent
  noise of a tenth of their spread: columns are correlated, and few directions hold most of it.

All methods are judged alike: the root MMD to all rows, by 8,192 witnesses that none has seen, with
the standard error. "lowest" is what no selection is expected below, see `lowest`. "of a product"
are the seconds over those of the product of the pool's features with all rows alone, tile by tile
with NumPy, in the same run, from the first 65,536 rows. Of targets, the data are normal, the target
normal of 0.6 times the spread and so far off; "uniform pool" has as many candidates, none of them
drawn for the target. `benchmarks.scripts.coreset_peers` measures other libraries.
"""

import math
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.coresets._judging import Judge
from subsetopt.coresets._kernel_means import kernel_means
from subsetopt.coresets._row_sources import ArrayRows
from subsetopt.problems._parallel import no_callback
from subsetopt.problems.scaling import Scaling

from .script import Row, parser, report, report_machine

CASES = (
    "4096:64:10:clusters",
    "65536:256:10:clusters",
    "300000:1000:64:clusters",
    "300000:1000:64:embeddings",
    "300000:2000:384:clusters",
    "300000:2000:384:embeddings",
    "1000000:1000:10:clusters",
)
TARGETS = ("200000:100:10:0", "200000:100:10:2", "200000:100:10:4", "200000:100:4:3")
KINDS = ("clusters", "embeddings")
LATENT, NOISE = 16, 0.1
WITNESSES = 8192
TILE, TIMED = 512, 2**16
PROBES, STEPS = 24, 48


@dataclass(frozen=True, eq=False)
class ManyRows:
    """Points, and what judges a selection of them."""

    X: NDArray[Any]
    k: int

    @classmethod
    def drawn(cls, n: int, k: int, d: int, kind: str = "clusters") -> "ManyRows":
        """Return n points of a kind in d dimensions."""
        generator = np.random.default_rng([n, d])
        inner = LATENT if kind == "embeddings" else d
        centres = 2.0 * generator.normal(size=(20, inner)).astype(np.float32)
        X = generator.standard_normal((n, inner), np.float32)
        X += centres[generator.integers(0, 20, n)]
        if kind == "embeddings":
            X = X @ generator.standard_normal((inner, d), np.float32)
            X += NOISE * X.std() * generator.standard_normal((n, d), np.float32)
        return cls(X, k)

    def judge(self, kernel: Any) -> "RowsJudge":
        """Return what gives the MMD of indices, and of random ones."""
        return RowsJudge(self, kernel)

    def means(self, kernel: Any, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean kernel of some rows with all."""
        source, points = ArrayRows(self.X), self.X[rows]
        unscaled = Scaling.of(points, "none")
        return kernel_means(kernel, points, source, unscaled, None, no_callback, len(self.X))

    def product_seconds(self, pool: int) -> float:
        """Return how long the products of `pool` rows with all take, with NumPy's own threads."""
        timed = self.X[:TIMED]
        left, out = self.X[:pool], np.empty((pool, TILE), np.float32)
        start = perf_counter()
        for first in range(0, len(timed) - TILE + 1, TILE):
            np.matmul(left, timed[first : first + TILE].T, out=out)
        return (perf_counter() - start) * len(self.X) / len(timed)


class RowsJudge:
    """The root MMD of chosen rows with its standard error, and that expected of random ones."""

    def __init__(self, rows: ManyRows, kernel: Any) -> None:
        n = len(rows.X)
        seen = np.random.default_rng(7).choice(n, min(n, WITNESSES), replace=False)
        self._rows, self._kernel = rows, kernel
        self._judge = Judge(kernel, rows.X[seen], rows.means(kernel, seen), n, None)
        self.random = math.sqrt(self._judge.of_random(rows.k, n))

    def __call__(self, indices: NDArray[Any]) -> Row:
        """Return those of some rows."""
        means = self._rows.means(self._kernel, indices)
        estimate = self._judge.mmd_squared(self._rows.X[indices], means)
        return {"root MMD": estimate.root, "error": estimate.root_error}


def lowest(kernel: Any, pool: NDArray[Any], k: int) -> float:
    r"""Return the root MMD that not one selection of k from the pool is expected below.

    A first moment: the number of selections times the chance that a random one is so near, which
    is 1 there. For the chance the mean of k random ones is taken as normal, with the covariance
    of the pool in the space of the kernel, and so the square as a sum of chi squared; its chance
    to be at most e is bounded as Chernoff does, by the least of
    :math:`e t - \frac12 \sum_i \log(1 + 2 t \lambda_i / k)` over t. The eigenvalues are those of
    the centred kernel matrix, by Lanczos quadrature from random signs (Ubaru, Chen & Saad, SIAM
    J. Matrix Anal. Appl. 38(4), 2017). An estimate and no proof, and no method need reach it.
    """
    m = len(pool)
    values, counts = spectrum(kernel(pool, pool))
    shares = values / m / k
    left = -math.lgamma(m + 1) + math.lgamma(k + 1) + math.lgamma(m - k + 1)

    def square(t: float) -> float:
        return float(counts @ (shares / (1.0 + 2.0 * t * shares)))

    def chance(t: float) -> float:
        return t * square(t) - 0.5 * float(counts @ np.log1p(2.0 * t * shares))

    low, high = 0.0, 1e300
    for _ in range(200):  # the chance falls with t
        middle = math.sqrt(max(low, 1e-300) * high)
        low, high = (middle, high) if chance(middle) > left else (low, middle)
    return math.sqrt(square(high))


def spectrum(K: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values, and how many eigenvalues of the centred matrix each of them stands for."""
    m, generator = len(K), np.random.default_rng(0)
    V = generator.choice(np.array([-1.0, 1.0], np.float32), (m, PROBES)) / np.float32(m**0.5)
    before, off = np.zeros_like(V), np.zeros(PROBES)
    diagonals, offs = [], []
    for _ in range(STEPS):
        W = V - V.mean(axis=0)
        W = K @ W
        W -= W.mean(axis=0) + off.astype(np.float32) * before
        diagonals.append(np.einsum("ij,ij->j", W, V, dtype=np.float64))
        W -= diagonals[-1].astype(np.float32) * V
        off = np.sqrt(np.einsum("ij,ij->j", W, W, dtype=np.float64))
        offs.append(off)
        before, V = V, W / np.maximum(off, 1e-30).astype(np.float32)
    values, counts = [], []
    for probe in range(PROBES):
        own = np.diag([one[probe] for one in diagonals])
        side = np.diag([one[probe] for one in offs[:-1]], 1)
        nodes, vectors = np.linalg.eigh(own + side + side.T)
        values.append(np.maximum(nodes, 0.0))
        counts.append(vectors[0] ** 2 * m / PROBES)
    return np.concatenate(values), np.concatenate(counts)


def rows_of(case: ManyRows, kind: str, products: bool, lowest_too: bool) -> Iterator[Row]:
    """Yield a row for each method."""
    n, d = case.X.shape
    about: Row = {"n": n, "d": d, "k": case.k, "rows": kind}
    start, used = perf_counter(), process_time()
    result = so.coreset(case.X, case.k, scale_columns="none")
    seconds, processors = perf_counter() - start, process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    judge = case.judge(result.kernel)
    ours = about | {"method": "coreset"} | judge(result.indices)
    if lowest_too:
        pool = np.random.default_rng(3).choice(n, result.pool, replace=False)
        ours["lowest"] = lowest(result.kernel, case.X[pool], case.k)
    ours |= {
        "of random": ours["root MMD"] / judge.random,
        "seconds": seconds,
        "processors": processors,
    }
    ours |= {f"{phase} s": spent for phase, spent in result.seconds.items()}
    if products:
        ours["of a product"] = seconds / case.product_seconds(result.pool)
    yield ours | {"peak GiB": peak}
    yield about | {"method": "random", "root MMD": judge.random, "of random": 1.0}


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
    made.add_argument("--cases", nargs="*", default=CASES, metavar="N:K:D:KIND")
    made.add_argument("--targets", nargs="*", default=TARGETS, metavar="N:K:D:SHIFT")
    made.add_argument("--no-products", action="store_true", help="leave out the products")
    made.add_argument("--no-lowest", action="store_true", help="leave out what is lowest")
    given = made.parse_args(arguments)
    report_machine(given)
    so.coreset(ManyRows.drawn(9000, 20, 3).X, 20, scale_columns="none")  # compiles what it takes
    for text in given.cases:
        *sizes, kind = text.split(":")
        n, k, d = map(int, sizes)
        if kind not in KINDS:
            made.error(f"rows are of the kinds {', '.join(KINDS)}; got {kind!r}")
        rows = rows_of(
            ManyRows.drawn(n, k, d, kind), kind, not given.no_products, not given.no_lowest
        )
        report(given, rows, f"{k} of {n} rows of {kind}, d={d}")
    for text in given.targets:
        *sizes, shift = text.split(":")
        n, k, d = map(int, sizes)
        report(given, target_rows(n, k, d, float(shift)), f"a target {shift} from {n} rows, d={d}")


if __name__ == "__main__":
    main()
