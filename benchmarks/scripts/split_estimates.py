"""Whether a test set that resembles its training data gives a better estimate of the test error.

``python -m benchmarks.scripts.split_estimates --data DIR`` draws rows of each of twenty data sets,
again and again, puts a quarter of them aside at random, stratified and by
`representative_train_test_split`, trains two models on the rest, and compares their errors on that
quarter with those on all rows that were not drawn. ``--json`` prints one object for each data set,
of which ``docs/scripts/derived.py`` makes the page.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt._significance import t_test
from subsetopt.formats._array_files import read_idx
from subsetopt.sklearn import representative_train_test_split
from subsetopt.tables._row_reading_options import RowReadingOptions

from .script import Row, parser, report, report_machine

SPLITS = ("random", "stratified", "representative")
DRAWN = 400
"""Rows that are divided, at most half of a data set."""
_MOST = 4000  # rows of a data set
_TESTED = 0.25
_STRATA = 10  # of numbers to predict
_COMPONENTS = 20  # of images
Arrays = tuple[NDArray[np.float64], NDArray[Any]]


@dataclass(frozen=True)
class SplitData:
    """A data set, and how it is read."""

    name: str
    task: Literal["classes", "numbers"]
    origin: Literal["measured", "made"]
    load: Callable[[], Arrays]


def data_sets(folder: Path | None) -> Iterator[SplitData]:
    """Yield the data sets; without a folder those of scikit-learn and the package."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        load = getattr(datasets, f"load_{name}")
        yield SplitData(name, "classes", "measured", partial(load, return_X_y=True))
    diabetes = partial(datasets.load_diabetes, return_X_y=True)
    yield SplitData("diabetes", "numbers", "measured", diabetes)
    yield SplitData("earthquakes", "numbers", "measured", _earthquakes)
    if folder is not None:
        for name in ("airfoil_self_noise", "california_housing", "wine_quality_white"):
            load = partial(_table, folder / "regression" / f"{name}.csv")
            yield SplitData(name, "numbers", "measured", load)
        for name in ("mnist", "fashion"):
            yield SplitData(name, "classes", "measured", partial(_images, folder / name))
        yield SplitData("cifar10", "classes", "measured", partial(_cifar, folder / "cifar10"))
    made: Mapping[str, Mapping[str, Any]] = {
        "classification": {"n_features": 20, "n_informative": 5, "n_classes": 3},
        "moons": {"noise": 0.3},
        "circles": {"noise": 0.15, "factor": 0.5},
        "gaussian_quantiles": {"n_features": 5, "n_classes": 3},
        "regression": {"n_features": 10, "n_informative": 5, "noise": 50.0},
        "friedman1": {"noise": 1.0},
        "friedman2": {"noise": 100.0},
        "friedman3": {"noise": 0.1},
    }
    for name, options in made.items():
        make = getattr(datasets, f"make_{name}")
        load = partial(make, n_samples=_MOST, random_state=0, **options)
        numbers = name.startswith(("regression", "friedman"))
        yield SplitData(f"make_{name}", "numbers" if numbers else "classes", "made", load)


def _table(path: Path) -> Arrays:
    """Return the last column of numbers, which the others are to predict."""
    read = RowReadingOptions()
    columns = read.reading(read.read(path)).found
    numbers = [one for one in columns if one.kind == "number"]
    features = read.featurisation.features([one for one in columns if one is not numbers[-1]], path)  # type: ignore[arg-type]
    assert numbers[-1].numbers is not None
    return features.matrix, numbers[-1].numbers


def _earthquakes() -> Arrays:
    """Return magnitudes, to be predicted from places, depths and the network that measured."""
    path = Path(so.__file__).parent / "examples" / "earthquakes.csv"
    read = RowReadingOptions(columns=("longitude", "latitude", "depth_km", "magnitude", "network"))
    columns = read.reading(read.read(path)).found
    target = next(one for one in columns if one.name == "magnitude")
    features = read.featurisation.features([one for one in columns if one is not target], "")
    assert target.numbers is not None
    return features.matrix, target.numbers


def _images(folder: Path) -> Arrays:
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz", 3)[:_MOST]
    return _components(images), read_idx(folder / "t10k-labels-idx1-ubyte.gz", 1)[:_MOST]


def _cifar(folder: Path) -> Arrays:
    with np.load(folder / "cifar10_subset.npz") as held:
        return _components(held["x_train"][:_MOST]), held["y_train"][:_MOST].astype(np.int64)


def _components(images: NDArray[Any]) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    flat = images.reshape(len(images), -1) / 255.0
    return np.asarray(PCA(_COMPONENTS, random_state=0).fit_transform(flat))


# -- one repeat ------------------------------------------------------------------------------------


def models(task: str) -> Mapping[str, Any]:
    """Return a linear model and a forest."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if task == "classes":
        linear: Any = LogisticRegression(max_iter=500)
        forest: Any = RandomForestClassifier(40, random_state=0)
    else:
        linear, forest = Ridge(1.0), RandomForestRegressor(40, max_features=0.5, random_state=0)
    return {"linear": make_pipeline(StandardScaler(), linear), "forest": forest}


def divided(name: str, X: Any, y: Any, task: str, seed: int) -> tuple[Any, Any]:
    """Return the rows of training and test data."""
    from sklearn.model_selection import train_test_split

    rows, options = np.arange(len(y)), {"test_size": _TESTED, "random_state": seed}
    if name == "representative":
        train, test = representative_train_test_split(rows, features=X, stratify=y, **options)  # type: ignore[arg-type]
        return train, test
    strata = y if task == "classes" else np.argsort(np.argsort(y)) * _STRATA // len(y)
    train, test = train_test_split(
        rows, stratify=strata if name == "stratified" else None, **options
    )
    return train, test


def error(model: Any, X: Any, y: Any, task: str, variance: float) -> float:
    """Return the share of wrong classes, or the mean squared error in units of the variance."""
    predicted = model.predict(X)
    return float(
        (predicted != y).mean() if task == "classes" else ((predicted - y) ** 2).mean() / variance
    )


@dataclass
class SplitErrors:
    """What all repeats of a data set have given, by split: lists of one number a repeat."""

    estimates: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    truths: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    ks: dict[str, list[float]] = field(default_factory=dict)

    def repeat(self, case: SplitData, X: Any, y: Any, seed: int) -> None:
        """Draw rows, divide them in each way, train, and add the errors."""
        drawn = np.random.default_rng([17, seed]).permutation(len(y))
        n = min(DRAWN, len(y) // 2)
        ours, others, variance = drawn[:n], drawn[n:], float(np.var(y))
        for name in SPLITS:
            train, test = divided(name, X[ours], y[ours], case.task, seed)
            columns = so.marginals(X[ours], test, draws=1)
            self.ks.setdefault(name, []).append(float(np.mean([one.ks for one in columns])))
            for kind, model in models(case.task).items():
                model.fit(X[ours][train], y[ours][train])
                for found, rows in ((self.estimates, ours[test]), (self.truths, others)):
                    value = error(model, X[rows], y[rows], case.task, variance)
                    found.setdefault((name, kind), []).append(value)

    def misses(self, name: str, kind: str) -> NDArray[np.float64]:
        """Return how far each estimate was from the error on the rows that were not drawn."""
        return np.subtract(self.estimates[name, kind], self.truths[name, kind], dtype=np.float64)


# -- rows of the table -----------------------------------------------------------------------------


def measured(case: SplitData, repeats: int) -> Row:
    """Return what came out for a data set."""
    X, y = case.load()
    X, y = np.asarray(X, np.float64)[: _MOST * 6], np.asarray(y)[: _MOST * 6]
    if case.task == "numbers":
        y = y.astype(np.float64)
    kept = X.std(axis=0) > 0
    X, found = X[:, kept], SplitErrors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of models that have not converged
        for seed in range(repeats):
            found.repeat(case, X, y, seed)
    row: Row = {"data": case.name, "task": case.task, "origin": case.origin, "rows": len(y),
                "columns": X.shape[1], "repeats": repeats}  # fmt: skip
    row |= {f"KS {name}": float(np.mean(found.ks[name])) for name in SPLITS}
    for kind in ("linear", "forest"):
        for name in SPLITS:
            off = found.misses(name, kind)
            row[f"{kind} {name}"] = float(np.abs(off).mean())
            row[f"{kind} {name} bias"] = float(off.mean())
            row[f"{kind} {name} error"] = float(np.mean(found.truths[name, kind]))
        own = np.abs(found.misses("representative", kind))
        for name in SPLITS[:2]:
            row[f"{kind} p {name}"] = paired(own, np.abs(found.misses(name, kind)))
    return row


def paired(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the p of the paired t test, of both sides; 1 where nothing differs."""
    gaps = own - other
    spread = float(gaps.std(ddof=1))
    if spread == 0.0:
        return 1.0
    return t_test(float(gaps.mean()) / (spread / np.sqrt(len(gaps))), len(gaps) - 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each data set."""
    options = parser(__doc__, data=True)
    options.add_argument("--repeats", type=int, default=25)
    options.add_argument("--only", nargs="+", default=[], metavar="NAME")
    given = options.parse_args(arguments)
    report_machine(given)
    cases = [one for one in data_sets(given.data) if not given.only or one.name in given.only]
    report(given, (measured(case, given.repeats) for case in cases), "split estimates")


if __name__ == "__main__":
    main()
