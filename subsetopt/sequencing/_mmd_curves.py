"""Curves of the MMD over the points chosen, several in one figure."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt.report import Axis, Chart, Series, Style, styles
from subsetopt.report._figure import GREY
from subsetopt.report._figure_axes import extent
from subsetopt.report._samples import SHEET

_TALL = 400


class Curve(NamedTuple):
    """The MMD after each batch (batches,), and the points chosen by then."""

    chosen: NDArray[np.int64]
    mmd: NDArray[np.float64]


def plot_curves(curves: Mapping[str, Curve], path: str | os.PathLike[str]) -> None:
    """Write a figure with one line for each curve; the same bytes for the same curves."""
    curves_chart(curves).save(path)


def curves_chart(curves: Mapping[str, Curve]) -> Chart:
    """Return a figure with one line for each curve.

    What is called random is drawn in grey, dashed where it is an average, and below the others.
    """
    ordered = sorted(curves.items(), key=lambda item: "random" in item[0])
    looks = styles(name for name in curves if "random" not in name)
    looks |= {
        name: Style(GREY, (5.0, 1.6) if "average" in name else (), "o")
        for name in curves
        if "random" in name
    }
    reach = extent(x for curve in curves.values() for x in curve.mmd)
    return Chart(
        "MMD of the points chosen and those left",
        "after each batch; further down is better",
        "",
        [Series(name, curve.chosen, curve.mmd, note=_last(curve.mmd)) for name, curve in ordered],
        Axis("points chosen"),
        Axis("", "log", reach),
        looks=looks,
        tall=_TALL,
        width=SHEET["width"],
    )


def _last(mmd: NDArray[np.float64]) -> str:
    known = mmd[np.isfinite(mmd)]
    return f"{known[-1]:.3g}" if known.size else ""
