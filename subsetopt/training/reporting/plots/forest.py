"""Differences to the baseline, with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from subsetopt.report.figure_style import (
    FAST,
    GREY,
    INK,
    PAPER,
    SLOW,
    fitting,
    frame,
    plain_rc,
    text_width,
)
from subsetopt.training.analysis import Family, Judged, Summary, Verdict
from subsetopt.training.reporting.metrics import Format

from .common import nothing, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {Verdict.BETTER: FAST, Verdict.WORSE: SLOW, Verdict.DIVERGED: SLOW}
_ROW, _WIDEST = 24, 200


def differences(family: Family, judged: Judged) -> "Figure":
    """Draw each rule's mean difference to the baseline, with its 95 % interval.

    In colour what the tests of the whole report call better or worse.
    """
    lines = [x for x in judged.lines if x.comparison is not None]
    notes = [_note(x, judged, family) for x in lines]
    left = 26 + min(_WIDEST, max((text_width(x.rule, 9) for x in lines), default=0))
    right = 30 + max((text_width(note, 9) for note in notes), default=80)
    tall = 100 + _ROW * max(1, len(lines)) + 54
    about = "mean over pairs of one seed, 95 % intervals (Student's t), each for itself; coloured: "
    about += "holds for all rules together (Holm)"
    with plain_rc():
        figure, axes = frame(
            f"Differences to {judged.baseline or 'the baseline'}: {title(family, judged)}",
            about, height=tall, left=left, right=right, top=88, bottom=54,
        )  # fmt: skip
        axes.set_ylim(max(1, len(lines)) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(range(len(lines)), [fitting(x.rule, 9, _WIDEST) for x in lines])
        axes.tick_params(axis="y", length=0)
        _scale(axes, lines, family, left)
        for i, (line, note) in enumerate(zip(lines, notes, strict=True)):
            _row(axes, i, line, note)
        if not lines:
            nothing(axes, "there is nothing to compare")
    return figure


def _scale(axes: "Axes", lines: Sequence[Summary], family: Family, left: float) -> None:
    from matplotlib.ticker import FuncFormatter

    found = [c for x in lines if (c := x.comparison)]
    ends = [abs(end) for c in found for end in (c.low, c.high, c.difference) if end is not None]
    most = 1.08 * max(ends, default=0.0) or 1.0
    axes.set_xlim(-most, most)
    axes.axvline(0, color=INK, linewidth=1.0)
    scale = 100 if Format(family.metric).is_share else 1
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{round(scale * x, 6):+.4g}" if x else "0")
    )
    unit = ", percentage points" if scale == 100 else ""
    axes.set_xlabel(f"difference in {family.metric}{unit}")
    sides = ("worse", "better") if family.better == "higher" else ("better", "worse")
    for x, text, where in ((0.0, f"← {sides[0]}", "left"), (1.0, f"{sides[1]} →", "right")):
        axes.text(x, 1.0, text, transform=axes.transAxes, ha=where, va="bottom", fontsize=9,
                  color=SLOW if "worse" in text else FAST)  # fmt: skip


def _row(axes: "Axes", i: int, line: Summary, note: str) -> None:
    found = line.comparison
    assert found is not None
    colour = _COLOURS.get(found.verdict, GREY)
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [i, i], color=colour, linewidth=2.0)
    if found.difference is not None:
        hollow = found.low is None
        axes.plot([found.difference], [i], marker="o", markersize=6.2, linestyle="none",
                  markerfacecolor=PAPER if hollow else colour, markeredgecolor=colour)  # fmt: skip
    axes.annotate(note, (1.0, i), (10, 0), xycoords=("axes fraction", "data"), fontsize=9,
                  textcoords="offset points", va="center", annotation_clip=False,
                  color=colour if colour != GREY else INK)  # fmt: skip


def _note(line: Summary, judged: Judged, family: Family) -> str:
    found = line.comparison
    assert found is not None
    if found.verdict is Verdict.DIVERGED or found.difference is None:
        lost = f"{found.diverged} of {found.pairs} diverged"
        return lost if found.verdict is Verdict.DIVERGED else f"{found.verdict}: {lost}"
    return str(found.verdict)
