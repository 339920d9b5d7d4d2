"""The metric while rules train: over epochs, cost or seconds."""

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from subsetopt.report.end_labels import height, put, room
from subsetopt.report.figure_style import Style, frame, plain_rc
from subsetopt.report.number_format import counted
from subsetopt.training.analysis import Axis, Course, Family, Judged, courses
from subsetopt.training.reporting.metrics import Format

from .common import Looks, labels, looks, metric_axis, nothing, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: dict[Axis, tuple[str, str]] = {
    "epoch": ("epochs", "epochs"),
    "passes": ("cost", "cost, in epochs of full training, selection passes included"),
    "seconds": ("time", "seconds of training, evaluation left out"),
}
_FIRST = 0.5
"""The share of the course whose start may lie below the picture."""


def against_time(
    family: Family, judged: Judged, axis: Axis = "epoch", style: Looks = None
) -> "Figure":
    """Draw the mean of the metric over the seeds, its 95 % interval shaded.

    Values at the start that would squeeze the rest are cut off. A line ends where a seed diverges.

    Parameters
    ----------
    family : Family
    judged : Judged
        One of its groups.
    axis : {"epoch", "passes", "seconds"}
    style : mapping of str to Style, optional
    """
    shown, form = looks(style, family), Format(family.metric)
    found = [course for course in courses(judged, axis) if course.x]
    ends: dict[str, float | None] = {course.rule: course.mean[-1] for course in found}
    notes = {course.rule: _note(course, form) for course in found}
    short, long = NAMES[axis]
    unplaced = labels(shown, ends, notes)
    about = "mean of the seeds; shaded: its 95 % interval (Student's t); thick: the baseline"
    with plain_rc():
        figure, axes = frame(
            f"{family.metric.capitalize()} against {short}: {title(family, judged)}", about,
            right=room(unplaced), height=height(unplaced),
        )  # fmt: skip
        metric_axis(axes, family, _reach(found))
        axes.set_xlim(0, max((course.x[-1] for course in found), default=1.0))
        axes.set_xlabel(long)
        for course in reversed(found):
            _draw(axes, course, shown[course.rule], course.rule == judged.baseline)
        put(axes, labels(shown, ends, notes, axes))
        if not any(isfinite(end) for end in ends.values() if end is not None):
            nothing(axes, "no rule has a course")
    return figure


def _note(course: Course, form: Format) -> str:
    if course.diverged:
        return f"{counted(course.diverged, 'run')} diverged"
    return form.value(course.mean[-1])


def _reach(found: list[Course]) -> list[float]:
    """Return the values that have to be seen: those after the first part of each course."""
    values = []
    for course in found:
        kept = [i for i, x in enumerate(course.x) if x >= _FIRST * course.x[-1]]
        values += [line[i] for line in (course.low, course.high) for i in kept]
    return values


def _draw(axes: "Axes", course: Course, style: Style, baseline: bool) -> None:
    width = 2.6 if baseline else 1.6
    axes.plot(course.x, course.mean, color=style.colour, linestyle=style.line, linewidth=width)
    known = np.isfinite(course.mean).tolist()
    axes.fill_between(course.x, course.low, course.high, where=known, color=style.colour,
                      alpha=0.14, linewidth=0)  # fmt: skip
