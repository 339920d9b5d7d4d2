"""Measure what kernels and scales make of a selection, for the page "How to choose": kernels.py.

Writes docs/figures/kernels.csv: each criterion of the chosen rows over that of the median random
selection, geometric means over four data sets that come with scikit-learn. Equal on any machine, as
the search ends after so many moves. Then run docs/scripts/derived.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import gmean, ks_2samp
from sklearn import datasets

import subsetopt as so
from subsetopt._csv_cells import csv_text
from subsetopt.problems import Kernel

FILE = Path(__file__).parents[1] / "figures" / "kernels.csv"
K = 40
MOVES = 30_000  # of the search
DRAWS = 100
DATA = ("wine", "breast_cancer", "diabetes", "digits")
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
Points = NDArray[np.float64]


def means(chosen: Points, rows: Points) -> float:
    """Return the root mean square difference of the means, in standard deviations."""
    return float(np.sqrt(np.mean((chosen.mean(0) - rows.mean(0)) ** 2)))


def covariances(chosen: Points, rows: Points) -> float:
    """Return the Frobenius norm of the difference of the covariances."""
    return float(np.linalg.norm(np.cov(chosen.T) - np.cov(rows.T)))


def marginals(chosen: Points, rows: Points) -> float:
    """Return the mean Kolmogorov-Smirnov distance of the columns."""
    pairs = zip(chosen.T, rows.T, strict=True)
    return float(np.mean([ks_2samp(a, b).statistic for a, b in pairs]))


def energy(chosen: Points, rows: Points) -> float:
    """Return the energy distance of two samples, which has no scale."""
    inside = cdist(chosen, chosen).mean() + cdist(rows, rows).mean()
    return float(2 * cdist(chosen, rows).mean() - inside)


CRITERIA: dict[str, Callable[[Points, Points], float]] = {
    "means": means,
    "covariances": covariances,
    "columns (KS)": marginals,
    "energy distance": energy,
}


def kernels(rows: Points) -> dict[str, Kernel]:
    """Return what is compared: scales as multiples of the median distance."""
    distances = cdist(rows, rows)
    median = float(np.median(distances[distances > 0]))
    found: dict[str, Kernel] = {
        f"Gaussian, {factor:g} x median": so.Gaussian(scale=factor * median) for factor in SCALES
    }
    return found | {
        "Laplace, median": so.Laplace(scale="median"),
        "polynomial, degree 2": so.Polynomial(degree=2),
        "linear": so.Linear(),
    }


def measured(name: str) -> dict[str, list[float]]:
    """Return the criteria of each kernel's selection over those of random ones."""
    raw = getattr(datasets, f"load_{name}")(return_X_y=True)[0]
    rows = so.scale_columns(raw[:, raw.std(0) > 0], "std")
    rng = np.random.default_rng(0)
    draws = [rng.choice(len(rows), K, replace=False) for _ in range(DRAWS)]
    random = [float(np.median([f(rows[d], rows) for d in draws])) for f in CRITERIA.values()]
    found = {}
    for kernel_name, kernel in kernels(rows).items():
        problem = so.MMDSelection(rows, K, kernel=kernel)
        solution = so.solve(problem, so.solver("tabu", iterations=MOVES), seed=0)
        chosen = rows[solution.indices]
        found[kernel_name] = [
            f(chosen, rows) / r for f, r in zip(CRITERIA.values(), random, strict=True)
        ]
    return found


def main() -> None:
    """Write the file."""
    results = [measured(name) for name in DATA]
    rows = [["kernel", *CRITERIA]]
    for name in results[0]:
        cells = gmean([result[name] for result in results], axis=0)
        rows.append([name, *(f"{cell:.4f}" for cell in cells)])
    FILE.write_text(csv_text(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
