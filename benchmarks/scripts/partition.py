"""How near the parts of `partition` come to each other, and what that takes and is worth.

``python -m benchmarks.scripts.partition`` prints five tables: digits in 70/15/15 against the best
of many stratified random partitions; rows by the ten thousand, in units of one pass over the kernel
matrix; `twinning`, where that is installed; the arms of an experiment; and scores of models on a
fifth of the rows. Seconds are of process time. ``--only`` names some of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._dependencies import OptionalDependency
from subsetopt.problems._kernel_matrices import own_sums
from subsetopt.problems._kernel_products import kernel_products

from .script import Row, parser, peak_gib, report, report_machine

SHARES = (0.7, 0.15, 0.15)
Parts = NDArray[np.int64]


def digits() -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the digits of scikit-learn, scaled to 0..1, and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 16, data.target.astype(np.int64)


def mixture(n: int, d: int = 16, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return float32 points of 30 Gaussians, and ten classes of three each."""
    generator = np.random.default_rng(seed)
    centres, own = generator.normal(size=(30, d)) * 2, generator.integers(30, size=n)
    return (centres[own] + generator.normal(size=(n, d))).astype(np.float32), own % 10


def apart(X: NDArray[Any], partitions: Sequence[Parts]) -> NDArray[np.float64]:
    """Return the root MMD of all pairs of parts, of each partition (m, pairs)."""
    p, kernel = int(partitions[0].max()) + 1, so.Gaussian().fitted(X)
    marks = [np.eye(p)[parts] for parts in partitions]
    products = kernel_products(kernel, X, np.concatenate(marks, axis=1))
    pairs, found = np.triu_indices(p, 1), []
    for mark, product in zip(marks, np.split(products, len(marks), axis=1), strict=True):
        sizes = mark.sum(axis=0)
        means = mark.T @ product / np.outer(sizes, sizes)
        own = means.diagonal()
        found.append(np.sqrt(np.maximum(own[:, None] + own - 2 * means, 0))[pairs])
    return np.array(found)


def stratified(sizes: Sequence[int], labels: Parts, seed: int) -> Parts:
    """Return a random partition that scikit-learn stratifies, part after part."""
    from sklearn.model_selection import train_test_split

    parts, left = np.zeros(len(labels), np.int64), np.arange(len(labels))
    for part in range(len(sizes) - 1, 0, -1):
        left, taken = train_test_split(
            left, test_size=sizes[part], random_state=seed, stratify=labels[left]
        )
        parts[taken] = part
    return parts


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and its seconds of process time."""
    begun = process_time()
    result = call()
    return result, process_time() - begun


def of_digits(draws: int) -> Iterator[Row]:
    """Yield the row of digits in three parts, ten classes balanced."""
    X, labels = digits()
    result, seconds = timed(lambda: so.partition(X, SHARES, balance=labels, full_output=True))
    own = apart(X, [result.parts])[0]
    sizes = result.sizes.tolist()
    random = apart(X, [stratified(sizes, labels, seed) for seed in range(draws)])
    for pair, (a, b) in enumerate(zip(*np.triu_indices(3, 1), strict=True)):
        yield {
            "parts": f"{sizes[a]} and {sizes[b]}",
            "MMD": own[pair],
            f"best of {draws} stratified": random[:, pair].min(),
            "ratio": own[pair] / random[:, pair].min(),
            "ratio to the median": own[pair] / np.median(random[:, pair]),
            "classes off by": result.off_balance,
            "s": seconds,
        }


def of_many(sizes: Sequence[int]) -> Iterator[Row]:
    """Yield a row for each number of rows, with and without classes."""
    for n in sizes:
        X, labels = mixture(n)
        kernel = so.Gaussian().fitted(X)
        once = timed(partial(own_sums, kernel, X))[1]
        for balance in (None, labels):
            parts, seconds = timed(partial(so.partition, X, SHARES, balance=balance))
            shuffled = np.random.default_rng(0).permutation(parts)
            classes = labels if balance is not None else np.zeros(n, np.int64)
            counts = np.bincount(parts).tolist()
            others = [stratified(counts, classes, seed) for seed in range(5)]
            mmd = apart(X, [parts, shuffled, *others])
            yield {
                "n": n,
                "classes": 0 if balance is None else 10,
                "s": seconds,
                "passes over the kernel": seconds / once,
                "MMD": mmd[0].max(),
                "ratio to stratified": mmd[0].max() / np.median(mmd[2:].max(axis=1)),
                "ratio to random": mmd[0].max() / mmd[1].max(),
                "peak, GiB": peak_gib(),
            }


def energy(X: NDArray[Any], parts: Parts) -> float:
    """Return the largest energy distance between two parts, which `twinning` lowers."""
    from scipy.spatial.distance import cdist

    marks = np.eye(parts.max() + 1)[parts]
    means = (marks / marks.sum(axis=0)).T @ cdist(X, X) @ (marks / marks.sum(axis=0))
    own = means.diagonal()
    return float((2 * means - own[:, None] - own).max())


def of_twinning() -> Iterator[Row]:
    """Yield rows of digits in 80/20 and in five, none where `twinning` is not installed."""
    dependency = OptionalDependency("twinning", "twinning")
    if not dependency.availability():
        return
    twinning: Any = dependency.load()
    X = digits()[0]
    X = so.scale_columns(X[:, X.std(axis=0) > 0])  # it scales columns, and takes no constant one
    n = len(X)

    def two() -> Parts:
        parts = np.zeros(n, np.int64)
        parts[np.asarray(twinning.twin(X, 5), np.int64)] = 1
        return parts

    makers: Mapping[str, Callable[[], Parts]] = {
        "80/20": two,
        "five": lambda: np.asarray(twinning.multiplet(X, 5, 1), np.int64),
    }
    for name, make in makers.items():
        theirs, seconds = timed(make)
        sizes = np.bincount(theirs)
        ours, own_seconds = timed(partial(so.partition, X, sizes))
        shuffled = np.random.default_rng(0).permutation(theirs)
        for method, parts, took in (
            ("partition", ours, own_seconds),
            ("twinning", theirs, seconds),
            ("random", shuffled, 0.0),
        ):
            yield {
                "parts": name,
                "method": method,
                "largest MMD": apart(X, [parts])[0].max(),
                "largest energy distance": energy(X, parts),
                "s": took,
            }


def of_arms(repeats: int, several: Sequence[int] = (2, 3, 4)) -> Iterator[Row]:
    """Yield how much the difference of two arms without a treatment varies, in its outcome."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    X, outcome, n = so.scale_columns(data.data), data.target, len(data.target)
    for arms in several:
        spread = {}
        for name in ("random", "gaussian", "linear"):
            if name == "random":
                order = np.random.default_rng(0)
                parts = [order.permutation(np.arange(n) % arms) for _ in range(repeats)]
            else:
                parts = [so.partition(X, arms, seed=seed, kernel=name) for seed in range(repeats)]
            gaps = [outcome[one == 0].mean() - outcome[one == 1].mean() for one in parts]
            spread[name] = float(np.std(gaps))
        for name, value in spread.items():
            ratio = (spread["random"] / value) ** 2
            yield {"arms": arms, "method": name, "deviation": value, "rows it is worth": ratio}


def of_scores(repeats: int) -> Iterator[Row]:
    """Yield means and deviations of scores on a fifth of the rows, over so many seeds."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier

    X, labels = digits()
    table, outcome = (getattr(load_diabetes(), name) for name in ("data", "target"))
    deciles = np.digitize(outcome, np.quantile(outcome, np.arange(0.1, 1, 0.1)))
    seen = np.column_stack(
        [so.scale_columns(table), 2 * (outcome - outcome.mean()) / outcome.std()]
    )
    cases = (
        ("digits, nearest neighbours", KNeighborsClassifier(), X, labels, X, labels, labels),
        ("digits, logistic", LogisticRegression(max_iter=200), X, labels, X, labels, labels),
        ("diabetes, ridge", Ridge(0.1), table, outcome, seen, None, deciles),
    )
    for name, model, features, target, matched, balance, strata in cases:
        n = len(target)
        sizes = [n - n // 5, n // 5]
        for method in ("partition", "stratified"):
            scores = []
            for seed in range(repeats):
                if method == "partition":
                    parts = so.partition(matched, sizes, balance=balance, seed=seed)
                else:
                    parts = stratified(sizes, strata, seed)
                train, test = parts == 0, parts == 1
                model.fit(features[train], target[train])
                scores.append(model.score(features[test], target[test]))
            spread = float(np.std(scores))
            yield {"score": name, "parts": method, "mean": np.mean(scores), "deviation": spread}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    options = parser(__doc__)
    options.add_argument(
        "--only", nargs="+", choices=["digits", "many", "twinning", "arms", "scores"]
    )
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("-n", type=int, nargs="+", default=[5000, 20000, 50000])
    options.add_argument("--repeats", type=int, default=100)
    given = options.parse_args(arguments)
    for name in ("float32", "float64"):  # compiled, or loaded from the cache
        so.partition(mixture(300)[0].astype(name), 3, balance=np.arange(300) % 2)
    tables: dict[str, Callable[[], Iterator[Row]]] = {
        "digits": lambda: of_digits(given.draws),
        "many": lambda: of_many(given.n),
        "twinning": of_twinning,
        "arms": lambda: of_arms(given.repeats),
        "scores": lambda: of_scores(given.repeats // 5),
    }
    report_machine(given)
    for name in given.only or tables:
        report(given, tables[name](), name)


if __name__ == "__main__":
    main()
