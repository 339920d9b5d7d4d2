"""Where the seconds of training go."""

from typing import TYPE_CHECKING

from subsetopt.report.figure_style import GREY, WIDTH, fitting, frame, plain_rc, text_width
from subsetopt.report.number_format import duration
from subsetopt.training.analysis import Family, Judged, Summary

from .common import nothing, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"data": "#aeb4bc", "selection": "#d55e00", "forward": "#56b4e9", "backward": "#0072b2"}
"""What the seconds go to, and its colours."""
_ROW, _WIDEST = 26, 200


def where_seconds_go(family: Family, judged: Judged) -> "Figure":
    """Draw the seconds of each rule as a bar of parts, the mean over the seeds."""
    lines = judged.lines
    names = [f"{x.rule} (baseline)" if x.baseline else x.rule for x in lines]
    left = 26 + min(_WIDEST, max((text_width(name, 9) for name in names), default=0))
    tall = 74 + 22 + _ROW * max(1, len(lines)) + 46
    most = max((x.seconds.mean or 0.0 for x in lines), default=0.0)
    with plain_rc():
        figure, axes = frame(
            f"Where the time goes: {title(family, judged)}",
            "wall-clock seconds of training, mean of the seeds, evaluation left out",
            height=tall, left=left, right=80, top=96, bottom=46,
        )  # fmt: skip
        axes.set_xlim(0, most * 1.02 or 1.0)
        axes.set_ylim(max(1, len(lines)) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(range(len(names)), [fitting(name, 9, _WIDEST) for name in names])
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("seconds")
        for i, line in enumerate(lines):
            _bar(axes, i, line)
        _legend(axes, left, tall)
        if not lines:
            nothing(axes, "there are no runs")
    return figure


def _bar(axes: "Axes", i: int, line: Summary) -> None:
    start = 0.0
    for part, colour in PARTS.items():
        seconds = line.part(part).mean or 0.0
        axes.barh([i], [seconds], left=[start], height=0.68, color=colour, linewidth=0)
        start += seconds
    axes.annotate(duration(start), (start, i), (6, 0), textcoords="offset points", fontsize=9,
                  va="center", color=GREY, annotation_clip=False)  # fmt: skip


def _legend(axes: "Axes", left: float, tall: float) -> None:
    """Name the colours in a line above the bars."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    x, y = left, 1 - 76 / tall
    for part, colour in PARTS.items():
        figure.text(x / WIDTH, y, "■", color=colour, fontsize=11, va="center")
        figure.text((x + 15) / WIDTH, y, part, color=GREY, fontsize=9, va="center")
        x += 15 + text_width(part, 9) + 22
