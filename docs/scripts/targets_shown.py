"""The figures of the page on targets: matched controls, and points to label for another domain.

``python docs/scripts/targets_shown.py`` writes them; scikit-learn brings the data.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

import subsetopt as so
from subsetopt.report import Axis, Chart, Series, Style

FIGURES = Path(__file__).parents[1] / "figures" / "targets"


def controls() -> Chart:
    """Return how far the means of each covariate are apart, matched and at random."""
    data = load_diabetes(scaled=False)
    heavy = data.data[:, 2] > np.quantile(data.data[:, 2], 0.8)
    names = [name for name in data.feature_names if name != "bmi"]
    table = np.delete(data.data, 2, axis=1)
    problem = so.MMDSelection(
        table[~heavy], k=int(heavy.sum()), target=table[heavy], scale_columns="std"
    )
    chosen = so.solve(problem).indices
    assert chosen is not None
    rows = so.marginals(table[~heavy], chosen, names=names, target=table[heavy])
    rows = tuple(sorted(rows, key=lambda row: row.random_shift))
    places = np.arange(len(rows))
    return Chart(
        "Each covariate: distance of the mean of 88 controls from that of the 88 treated",
        "In standard deviations of the treated; random: median of 101 random choices of 88",
        series=[
            Series("matched", [row.shift for row in rows], places, line="", marks="large"),
            Series("random", [row.random_shift for row in rows], places, line="", marks="hollow"),
        ],
        x=Axis("shift of the mean", reach=(0, 1.0)),
        y=Axis("", ticks=list(places), text=lambda place: rows[int(place)].name),
    )


def domain() -> Chart:
    """Return a cloud of points, those of another domain, and the choice that resembles these."""
    generator = np.random.default_rng(0)
    pool = generator.normal(size=(600, 2)) * [1.5, 1.0]
    target = generator.normal(size=(60, 2)) @ [[0.5, 0.3], [0.0, 0.4]] + [1.2, 0.6]
    chosen = so.solve(so.MMDSelection(pool, k=25, target=target)).indices
    assert chosen is not None
    return Chart(
        "25 of 600 points, chosen to be distributed as the 60 of another domain",
        "",
        series=[
            Series("chosen", *pool[chosen].T, line="", marks="filled"),
            Series("target", *target.T, line="", marks="hollow"),
            Series("pool", *pool.T, line="", marks="small"),
        ],
        x=Axis("first feature"),
        y=Axis("second feature"),
        looks={"pool": Style("#b9bec6", (), "s"), "target": Style("#d55e00", (), "^")},
    )


if __name__ == "__main__":
    controls().save(FIGURES / "controls.svg")
    domain().save(FIGURES / "domain.svg")
