"""Lines over time: performance profiles, time to target, objective against time."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks.analysis.anytime import Anytime, Course
from subsetopt.benchmarks.analysis.profiles import Profiles
from subsetopt.benchmarks.analysis.reaching import TimesToTarget
from subsetopt.benchmarks.best_known import TOLERANCE
from subsetopt.report import figure_axes as scales
from subsetopt.report.end_labels import Label, height, put, room
from subsetopt.report.figure_style import GREY, Style, frame, plain_rc, styles
from subsetopt.report.number_format import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BANDS = 4
"""Solvers up to which quartiles are drawn; more bands hide each other."""
_MOST_DECADES = 12

Looks = Mapping[str, Style] | None


def looks(given: Looks, solvers: Sequence[str]) -> Mapping[str, Style]:
    """Return the styles given, and those that the solvers would have alone where one lacks."""
    return styles(sorted(solvers)) | dict(given or {})


def performance_profile(profiles: Profiles, style: Looks = None) -> "Figure":
    """Draw the share of cases that each solver solves within a factor of the best time."""
    shown = looks(style, [curve.solver for curve in profiles.curves])
    labels = [
        Label(c.solver, f"{100 * c.solved:.0f} %", shown[c.solver], _share(c.solved))
        for c in profiles.curves
    ]
    worst = max((c.ratios[-1] for c in profiles.curves if c.ratios), default=1.0)
    end = max(10.0, worst * 1.3)
    about = f"{', '.join(profiles.families)}: share of {counted(profiles.cases, 'case')} on which "
    about += "an answer came within a factor of the fastest solver's time"
    if profiles.unsolved:
        about += f"; {profiles.unsolved} more solved by nobody"
    with plain_rc():
        figure, axes = frame(f"Performance profile: answers {profiles.goal}", about,
                             right=room(labels), height=height(labels))  # fmt: skip
        scales.log_axis(axes, "x", 1.0, end, scales.number)
        scales.share_axis(axes)
        for curve in reversed(profiles.curves):
            _stairs(axes, curve.ratios, curve.cases, 1.0, end, shown[curve.solver])
        axes.set_xlabel("times as slow as the fastest")
        put(axes, labels)
        if not profiles.cases:
            nothing(axes, "no solver has met the goal on any case")
    return figure


def time_to_target(targets: TimesToTarget, style: Looks = None) -> "Figure":
    """Draw the share of runs of each solver that have met the goal by a time."""
    shown = looks(style, [curve.solver for curve in targets.curves])
    labels = [
        Label(c.solver, f"{100 * c.reached:.0f} % ({100 * c.interval[0]:.0f}–"
              f"{100 * c.interval[1]:.0f})", shown[c.solver], _share(c.reached))
        for c in targets.curves
    ]  # fmt: skip
    times = [time for curve in targets.curves for time in curve.times]
    low, high = scales.extent([*times, targets.horizon])
    runs = {curve.runs for curve in targets.curves}
    many = counted(runs.pop(), "run") if len(runs) == 1 else "runs"
    about = f"{', '.join(targets.families)}: share of {many} that have such an answer by then; "
    about += "in brackets the 95 % interval of the last share"
    with plain_rc():
        figure, axes = frame(f"Time to target: answers {targets.goal}", about,
                             right=room(labels), height=height(labels))  # fmt: skip
        scales.log_axis(axes, "x", low, high, scales.seconds)
        scales.share_axis(axes)
        for curve in reversed(targets.curves):
            _stairs(axes, curve.times, curve.runs, low, high, shown[curve.solver])
        axes.set_xlabel("time")
        put(axes, labels)
        if not times:
            nothing(axes, "no run has met the goal")
    return figure


def _share(value: float) -> float:
    return (value + 0.012) / 1.037


def _stairs(
    axes: "Axes", ends: Sequence[float], whole: int, low: float, high: float, style: Style
) -> None:
    """Draw the rising share of `whole` that the ends are."""
    x = np.array([low, *ends, high])
    y = np.array([0, *range(1, len(ends) + 1), len(ends)]) / max(1, whole)
    axes.plot(x, y, drawstyle="steps-post", color=style.colour, linestyle=style.line,
              linewidth=1.9, clip_on=False)  # fmt: skip


def nothing(axes: "Axes", text: str) -> None:
    """Say that there is nothing to draw, on axes without numbers."""
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    axes.grid(visible=False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def anytime(course: Anytime, style: Looks = None) -> "Figure":
    """Draw how good the best answer so far is, the median over the cases.

    Values of 0, which a logarithm has none of, lie on the floor, which says so.
    """
    shown = looks(style, [curve.solver for curve in course.curves])
    floor, top, is_needed = _heights(course)
    with_bands = len(course.curves) <= BANDS
    end = course.times[-1]
    low, high = scales.extent(course.times)
    high = max(end * 1.02, min(high, end * 1.05))
    labels = [
        Label(c.solver, _note(course, c), shown[c.solver], _level(c.median[-1], floor, top))
        for c in course.curves
    ]
    cases = max((curve.cases for curve in course.curves), default=0)
    thing = "distance to the best objective" if course.relative else "objective"
    about = f"{thing} of the best answer so far, median of {counted(cases, 'case')}"
    about += ", quartiles shaded" if with_bands else ""
    if course.left_out:
        about += f"; {counted(course.left_out, 'case')} left out, the best being 0"
    with plain_rc():
        figure, axes = frame(f"Objective against time: {course.family}", about,
                             right=room(labels), height=height(labels), left=88)  # fmt: skip
        text = scales.percent if course.relative else scales.number
        scales.log_axis(axes, "x", low, high, scales.seconds)
        scales.log_axis(axes, "y", floor, top, text)
        if is_needed:
            _mark_floor(axes, floor, top, text, "best" if course.relative else "0")
        for curve in reversed(course.curves):
            _course(axes, course.times, curve, floor, shown[curve.solver], with_bands)
        axes.set_xlabel("time")
        put(axes, labels)
        if not any(isfinite(curve.median[-1]) for curve in course.curves):
            nothing(axes, "no solver has an answer on half of the cases")
    return figure


def _note(course: Anytime, curve: Course) -> str:
    last = curve.median[-1]
    if not isfinite(last):
        return "no answer on most"
    if last <= (TOLERANCE if course.relative else 0.0):
        return "best" if course.relative else "0"
    return (scales.percent if course.relative else scales.number)(float(f"{last:.3g}"))


def _heights(course: Anytime) -> tuple[float, float, bool]:
    """Return the ends of the y axis, and whether its lower end stands for all that is below."""
    least = TOLERANCE if course.relative else 0.0
    lines = [line for c in course.curves for line in (c.median, c.lower, c.upper)]
    values = np.array([value for line in lines for value in line if isfinite(value)])
    positive = values[values > least]
    needed = bool((values <= least).any())
    low, high = scales.extent(positive.tolist(), 1.3)
    if needed:
        low = 10.0 ** (np.floor(np.log10(low)) - 0.5)
    return float(max(low, high / 10.0**_MOST_DECADES)), float(high), needed


def _level(value: float, floor: float, top: float) -> float | None:
    if not isfinite(value):
        return None
    return float(np.log(max(value, floor) / floor) / np.log(top / floor))


def _mark_floor(axes: "Axes", floor: float, top: float, text: object, name: str) -> None:
    ticks = [tick for tick in scales.log_ticks(floor, top) if tick > floor * 1.5]
    words = scales.percent if text is scales.percent else scales.number
    scales.log_axis(axes, "y", floor, top, lambda tick: name if tick == floor else words(tick),
                    [floor, *ticks])  # fmt: skip


def _course(
    axes: "Axes", times: Sequence[float], curve: Course, floor: float, style: Style, band: bool
) -> None:
    x = [*times, axes.get_xlim()[1]]
    axes.plot(x, _on_paper(curve.median, floor), drawstyle="steps-post", color=style.colour,
              linestyle=style.line, linewidth=1.9, clip_on=False)  # fmt: skip
    if band:
        lower, upper = _on_paper(curve.lower, floor), _on_paper(curve.upper, floor)
        axes.fill_between(x, lower, upper, step="post", where=np.isfinite(upper).tolist(),
                          color=style.colour, alpha=0.11, linewidth=0)  # fmt: skip


def _on_paper(values: Sequence[float], floor: float) -> NDArray[np.float64]:
    line = np.array([*values, values[-1]])
    return np.where(np.isfinite(line), np.maximum(line, floor), np.nan)
