"""What figures of samples share: looks, distribution functions, and the plane of the points."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._figure import Style
from ._figure_axes import Axis
from .charts import Chart, Series
from .row_charts import Forest, Interval
from .sample_charts import Scatter

ALL, TARGET, CHOSEN = "all rows", "target", "chosen"
LOOKS = {
    ALL: Style("#9aa1ab", (), "o"),
    TARGET: Style("#d55e00", (5.0, 1.6), "^"),
    CHOSEN: Style("#0072b2", (), "o"),
}
SHEET: Any = {"width": 620, "tall": 232, "foot": 38}
"""Of a picture with several panels, in pixels: its text can be read at two thirds of it."""
_DRAWN = 5000  # points that are not chosen
_STEPS = 400  # of a distribution function
Points = NDArray[np.float64]


def principal_plane(matrix: Points, *others: Points) -> tuple[list[Points], tuple[float, float]]:
    """Return the first two principal components (n, 2), and their shares of the variance.

    Rows of others are put onto the same plane. O(n d^2); of one column the second is 0.
    """
    centre = matrix.mean(axis=0)
    centred = matrix - centre
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = np.zeros((matrix.shape[1], 2))
    axes[:, : min(2, len(values))] = vectors[:, ::-1][:, :2]
    axes *= np.where(axes.sum(axis=0) < 0, -1.0, 1.0)  # of either sign, one
    largest = np.append(values[::-1] / (values.sum() or 1.0), 0.0)
    planes = [(one - centre) @ axes for one in (matrix, *others)]
    return planes, (float(largest[0]), float(largest[1]))


def principal_scatter(
    title: str, matrix: Points, chosen: NDArray[np.int64], target: Points | None = None
) -> Scatter:
    """Return the chosen among all points, and a target, on the plane in which all lie widest."""
    aims = [] if target is None else [target]
    planes, shares = principal_plane(matrix, *aims)
    x, y = (
        Axis(f"{which} component, {100 * share:.0f} % of the variance")
        for which, share in zip(("first", "second"), shares, strict=True)
    )
    return scatter(title, planes[0], chosen, planes[1] if aims else None, x, y)


def scatter(
    title: str, points: Points, chosen: NDArray[np.int64], target: Points | None, x: Axis, y: Axis
) -> Scatter:
    """Return the chosen among all points, of which at most 5,000 are drawn, and a target."""
    clouds = {ALL: _thinned(points)}
    if target is not None:
        clouds[TARGET] = _thinned(target)
    clouds[CHOSEN] = points[chosen]
    return Scatter(title=title, points=clouds, x=x, y=y, looks=LOOKS)


def _thinned(points: Points) -> Points:
    if len(points) <= _DRAWN:
        return points
    return points[np.sort(np.random.default_rng(0).choice(len(points), _DRAWN, replace=False))]


def distributions(
    title: str, about: str, named: Mapping[str, Points], *, time: bool = False, label: str = ""
) -> Chart:
    """Return the distribution function of each; NaN is no value, times are seconds since 1970."""
    known = {name: np.sort(values[~np.isnan(values)]) for name, values in named.items()}
    ends = [end for values in known.values() if values.size for end in (values[0], values[-1])]
    reach = (min(ends, default=0.0), max(ends, default=1.0))
    series = [
        Series(name, *_steps(values, reach), line="steps", bold=name == ALL)
        for name, values in known.items()
        if values.size
    ]
    x = Axis(label, "time", reach) if time else Axis(label, reach=reach)
    return Chart(title, about, "", series[::-1], x, Axis("", "share"), looks=LOOKS)


def _steps(values: Points, reach: tuple[float, float]) -> tuple[Points, Points]:
    """Return a distribution function at so many values at most, from end to end."""
    at = np.unique(np.linspace(0, values.size - 1, min(_STEPS, values.size)).astype(int))
    levels = np.unique(np.concatenate([values[at], reach]))
    return levels, np.searchsorted(values, levels, side="right") / values.size


def distances_forest(title: str, about: str, rows: Sequence[Interval]) -> Forest:
    """Return a figure of distances, each with its baselines below it."""
    most = max((row.value for row in rows if row.value is not None), default=1.0)
    x = Axis("", reach=(0.0, 1.05 * most or 1.0))
    return Forest(title, about, rows=rows, x=x, width=SHEET["width"])
