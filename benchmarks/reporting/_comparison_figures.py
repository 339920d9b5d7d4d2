"""Figures of a comparison."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from subsetopt.benchmarks._best_known import TOLERANCE
from subsetopt.benchmarks.analysis._anytime import Anytime, AnytimeCurve, anytime
from subsetopt.benchmarks.analysis._changes import TimeChange, changed
from subsetopt.benchmarks.analysis._comparison import Comparison
from subsetopt.benchmarks.analysis._heat_map import heat_map as measured_heat_map
from subsetopt.benchmarks.analysis._size_scaling import Growth, scaling
from subsetopt.benchmarks.analysis._target_curves import performance_profiles, times_to_target
from subsetopt.benchmarks.analysis._target_values import Level, target
from subsetopt.benchmarks.results import Row
from subsetopt.report import Axis, Chart, Forest, Interval, Matrix, Series, Shade, Style
from subsetopt.report._figure_axes import extent, log_ticks
from subsetopt.report._number_format import (
    counted,
    duration,
    round_number,
    round_percent,
    round_seconds,
)

Looks = Mapping[str, Style] | None
Reach = tuple[float, float]
_BANDS = 4  # solvers up to which quartiles are drawn; more bands hide each other
_MOST_DECADES = 12
_MANY = 30  # rows of a comparison
_FARTHEST = 8.0  # the ratio at which its intervals are cut off


def _stairs(name: str, ends: Sequence[float], whole: int, reach: Reach, note: str) -> Series:
    """Return the rising share of `whole` that the ends are."""
    share = np.array([0, *range(1, len(ends) + 1), len(ends)]) / max(1, whole)
    return Series(name, [reach[0], *ends, reach[1]], share, line="steps", note=note)


def performance_profile(rows: Sequence[Row], looks: Looks = None) -> Chart:
    """Show the share of cases that each solver solves within a factor of the best time."""
    found = performance_profiles(rows)
    worst = max((c.ratios[-1] for c in found.curves if c.ratios), default=1.0)
    reach = (1.0, max(10.0, worst * 1.3))
    about = f"{', '.join(found.families)}: share of {counted(found.cases, 'case')} on which "
    about += "an answer came within a factor of the fastest solver's time"
    if found.unsolved:
        about += f"; {found.unsolved} more solved by nobody"
    curves = [
        _stairs(c.solver, c.ratios, c.cases, reach, f"{100 * c.solved:.0f} %") for c in found.curves
    ]
    empty = "" if found.cases else "no solver has met the target on any case"
    title = f"Performance profile: answers {found.target}"
    x = Axis("times as slow as the fastest", "log", reach)
    return Chart(title, about, empty, curves, x, Axis(scale="share"), looks=looks)


def time_to_target(rows: Sequence[Row], looks: Looks = None, level: Level = "good") -> Chart:
    """Show the share of runs of each solver that have met the target by a time."""
    found = times_to_target(rows, level)
    times = [time for curve in found.curves for time in curve.times]
    reach = extent([*times, found.horizon])
    runs = {curve.runs for curve in found.curves}
    many = counted(runs.pop(), "run") if len(runs) == 1 else "runs"
    about = f"{', '.join(found.families)}: share of {many} that have such an answer by then; "
    about += "in brackets the 95 % interval of the last share"
    curves = []
    for c in found.curves:
        low, high = (f"{100 * end:.0f}" for end in c.interval)
        note = f"{100 * c.reached:.0f} % ({low}–{high})"
        curves.append(_stairs(c.solver, c.times, c.runs, reach, note))
    empty = "" if times else "no run has met the target"
    title, x = f"Time to target: answers {found.target}", Axis("time", "log", reach, round_seconds)
    return Chart(title, about, empty, curves, x, Axis(scale="share"), looks=looks)


# -- objective against time ------------------------------------------------------------------------


def objective_against_time(rows: Sequence[Row], looks: Looks = None) -> Chart:
    """Show how good the best answer so far is, the median over the cases.

    Values of 0, which a logarithm has none of, lie on the floor, which says so.
    """
    found = anytime(rows)
    floor, top, is_needed = _heights(found)
    text, name = (round_percent, "best") if found.relative else (round_number, "0")
    low, high = extent(found.times)
    high = max(found.times[-1] * 1.02, min(high, found.times[-1] * 1.05))
    bands = len(found.curves) <= _BANDS
    ticks = log_ticks(floor, top)
    if is_needed:
        ticks = [floor, *(tick for tick in ticks if tick > floor * 1.5)]
    written = lambda tick: name if is_needed and tick == floor else text(tick)  # noqa: E731
    answered = any(isfinite(curve.median[-1]) for curve in found.curves)
    return Chart(
        f"Objective against time: {found.family}",
        _about(found, bands),
        "" if answered else "no solver has an answer on half of the cases",
        [_course(found, curve, floor, high, bands) for curve in found.curves],
        Axis("time", "log", (low, high), round_seconds),
        Axis("", "log", (floor, top), written, ticks),
        looks=looks,
        left=88,
    )


def _about(found: Anytime, bands: bool) -> str:
    cases = max((curve.cases for curve in found.curves), default=0)
    thing = "distance to the best objective" if found.relative else "objective"
    about = f"{thing} of the best answer so far, median of {counted(cases, 'case')}"
    about += ", quartiles shaded" if bands else ""
    if found.left_out:
        about += f"; {counted(found.left_out, 'case')} left out, the best being 0"
    return about


def _course(found: Anytime, curve: AnytimeCurve, floor: float, end: float, band: bool) -> Series:
    median, low, high = (
        np.maximum([*line, line[-1]], floor) for line in (curve.median, curve.lower, curve.upper)
    )
    quartiles = (low, high) if band else ()
    options: Any = {"line": "steps", "note": _note(found, curve), "end": float(median[-1])}
    return Series(curve.solver, [*found.times, end], median, *quartiles, **options)


def _note(found: Anytime, curve: AnytimeCurve) -> str:
    last = curve.median[-1]
    if not isfinite(last):
        return "no answer on most"
    if last <= (TOLERANCE if found.relative else 0.0):
        return "best" if found.relative else "0"
    return (round_percent if found.relative else round_number)(float(f"{last:.3g}"))


def _heights(found: Anytime) -> tuple[float, float, bool]:
    """Return the ends of the y axis, and whether its lower end stands for all that is below."""
    least = TOLERANCE if found.relative else 0.0
    lines = [line for c in found.curves for line in (c.median, c.lower, c.upper)]
    values = np.array([value for line in lines for value in line if isfinite(value)])
    needed = bool((values <= least).any())
    low, high = extent(values[values > least].tolist(), 1.3)
    if needed:
        low = 10.0 ** (np.floor(np.log10(low)) - 0.5)
    return float(max(low, high / 10.0**_MOST_DECADES)), float(high), needed


# -- time against size -----------------------------------------------------------------------------


def time_against_size(rows: Sequence[Row], looks: Looks = None) -> Chart:
    """Show the time of each case against its size, and the fits; hollow where a limit cut it."""
    found = scaling(rows)
    points = [point for curve in found.curves for point in curve.points]
    sizes = sorted({point.n for point in points})
    about = "a mark for each case; power laws with the 95 % intervals of their exponents"
    if not all(point.ended for point in points):
        about += "; hollow: stopped by a limit, not fitted"
    middle = (len(found.curves) - 1) / 2
    grown = [_growth(c, 1.0 + 0.005 * (i - middle)) for i, c in enumerate(found.curves)]
    reach, ticks = extent((p.n for p in points), 1.15), _apart(sizes) if sizes else None
    return Chart(
        f"Time against size: {', '.join(found.families)}",
        about,
        "" if points else "nothing was timed",
        [series for own in grown for series in own],
        Axis("n, candidates", "log", reach, lambda n: f"{n:,.0f}".replace(",", " "), ticks),
        Axis("", "log", extent(p.seconds for p in points), round_seconds),
        looks=looks,
        left=88,
    )


def _growth(curve: Growth, aside: float) -> list[Series]:
    last, fit, name, note = curve.points[-1], curve.fit, curve.solver, "no fit"
    series = []
    if fit is not None:
        note = f"n^{fit.exponent:.2f} ({fit.low:.1f}–{fit.high:.1f})"
        ended = [point.n for point in curve.points if point.ended]
        ends = [min(ended), max(ended)]
        series = [Series(name, ends, [fit.seconds(n) for n in ends], label=False)]
    end = fit.seconds(last.n) if fit and last.ended else last.seconds
    for marks in ("filled", "hollow"):
        own = [point for point in curve.points if point.ended is (marks == "filled")]
        x, y = [point.n * aside for point in own], [point.seconds for point in own]
        options: Any = {"line": "", "marks": marks, "label": marks == "filled"}
        series.append(Series(name, x, y, note=note, end=end, **options))
    return series


def _apart(sizes: list[int]) -> list[float]:
    """Return the sizes that have room for their numbers."""
    ratio = sizes[-1] / sizes[0]
    chosen = [float(sizes[0])]
    for n in sizes[1:]:
        if n / chosen[-1] >= max(1.02, ratio**0.09):
            chosen.append(float(n))
    return chosen


# -- rows of solvers -------------------------------------------------------------------------------


def heat_map(rows: Sequence[Row]) -> Matrix:
    """Show, for each solver and family, the share of cases with a good answer, and the time."""
    found = measured_heat_map(rows)
    cells = {}
    for cell in found.cells:
        below = duration(cell.seconds)
        if cell.answered < cell.cases:
            missing = f"answers {cell.answered}/{cell.cases}"
            below = missing if cell.seconds is None else f"{below}, {missing}"
        cells[cell.solver, cell.family] = Shade(cell.good, f"{100 * cell.good:.0f} %", below)
    about = "share of the cases with an answer as good as said below the family, and mean time "
    about += "(geometric)"
    targets = {family: target(family, "good").text for family in found.families}
    empty = "" if found.cells else "there are no results"
    return Matrix("What each solver is good at", about, empty, found.solvers, targets, cells)


def comparison(found: Comparison) -> Forest:
    """Show the ratio of times after to before with its interval, for each solver and family.

    Where that is more than 30 rows, single families are shown only if they have changed.
    """
    changes = found.times
    if len(changes) > _MANY:
        changes = tuple(c for c in changes if c.family is None or _kind(c))
    ends = [x for c in changes for x in (c.low, c.high, c.ratio) if x is not None]
    far = min(_FARTHEST, max([1.3, *(max(x, 1 / x) * 1.08 for x in ends if x > 0)]))
    about = f"{found.pairs} pairs of runs; intervals hold all together with 95 %; shaded: less "
    about += f"than {100 * found.threshold:g} % of change"
    about += "" if found.same_machine else "; NOT THE SAME MACHINE"
    label = "faster  ←   ratio of times   →  slower"
    return Forest(
        "Time after over time before",
        about,
        "" if changes else "there is nothing in common to compare",
        [_interval(change) for change in changes],
        Axis(label, "log", (1 / far, far), _factor, _factors(far)),
        zero=1.0,
        shade=(1 / (1 + found.threshold), 1 + found.threshold),
    )


def _interval(change: TimeChange) -> Interval:
    name, is_part = change.family or change.solver, change.family is not None
    ends = (change.low, change.high)
    return Interval(name, change.ratio, *ends, _words(change), _kind(change), is_part)


def _kind(change: TimeChange) -> str:
    return {"slower": "bad", "faster": "good"}.get(change.verdict, "")


def _words(change: TimeChange) -> str:
    if change.ratio is None or change.low is None or change.high is None:
        return f"{change.verdict} ({change.pairs})"
    text = changed(change.ratio) if _kind(change) else change.verdict
    low, high = (f"{100 * (end - 1):+,.0f}".replace("-", "−") for end in (change.low, change.high))
    return f"{text}  ({low} to {high} %), {counted(change.pairs, 'pair')}"


def _factor(ratio: float) -> str:
    return f"{ratio:.2f}".rstrip("0").rstrip(".") + "×" if ratio != 1 else "same"


def _factors(far: float) -> Sequence[float]:
    up = [1.1, 1.2, 1.5] if far < 1.7 else [1.25, 1.5, 2, 3] if far < 3.5 else [2, 4, 8]
    up = [ratio for ratio in up if ratio <= far]
    return [*(1 / ratio for ratio in reversed(up)), 1.0, *up]
