"""Curves of the MMD over the points chosen, several in one figure."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing
from subsetopt.errors import MissingDependency

# Okabe and Ito's colours, told apart by colour-blind readers; grey is for random.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
_STYLE: Any = {"svg.hashsalt": "subsetopt", "font.size": 10.5, "axes.edgecolor": "#6a6a6a"}


class Curve(NamedTuple):
    """The MMD after each batch (batches,), and the points chosen by then."""

    chosen: NDArray[np.int64]
    mmd: NDArray[np.float64]


def plot_curves(curves: Mapping[str, Curve], path: str | os.PathLike[str]) -> None:
    """Write a figure with one line for each curve; the same bytes for the same curves.

    What is called random is drawn in grey, dashed where it is an average, and first, so that the
    others lie on top of it.

    Parameters
    ----------
    curves : dict of str to Curve
    path : path
        Its suffix names the format: .svg, .pdf or .png.

    Raises
    ------
    MissingDependency
        If matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependency("matplotlib is not installed: pip install matplotlib") from error
    suffix = os.fspath(path).rpartition(".")[2].lower()
    with mpl.rc_context(_STYLE):
        figure: Any = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.add_subplot()
        colours = iter(_COLOURS * len(curves))
        for name, curve in sorted(curves.items(), key=lambda item: "random" not in item[0]):
            colour = "#9a9a9a" if "random" in name else next(colours)
            style = "--" if "average" in name else "-"
            axes.plot(curve.chosen, curve.mmd, style, lw=1.3, color=colour, label=name)
        axes.set(xlabel="points chosen", ylabel="MMD of chosen and left", yscale="log")
        axes.grid(alpha=0.25, lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
        with replacing(path) as stream:
            figure.savefig(stream, format=suffix, metadata=metadata, dpi=150)
