"""Figures of an analysis."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from subsetopt.report import Axis, Bars, Chart, Forest, Interval, Series, Style, styles
from subsetopt.report._figure_axes import around
from subsetopt.report._number_format import counted, duration, round_percent
from subsetopt.training.analysis import Axis as Over
from subsetopt.training.analysis import (
    GroupResult,
    LearningCurve,
    RuleVerdict,
    Summary,
    TaskResult,
    learning_curves,
)

from ._rule_table import Format, where

Looks = Mapping[str, Style] | None
NAMES: dict[Over, tuple[str, str]] = {
    "epoch": ("epochs", "epochs"),
    "passes": ("cost", "cost, in epochs of full training, selection passes included"),
    "seconds": ("time", "seconds of training, evaluation left out"),
}
PARTS = {"data": "#aeb4bc", "selection": "#d55e00", "forward": "#56b4e9", "backward": "#0072b2"}
"""Parts of the time, and their colours."""
_APART = 0.011  # between the bars of neighbouring rules, as a share of the width
_FIRST = 0.5  # the share of a curve whose start may lie below the picture


def _metric_axis(result: TaskResult, values: Iterable[float]) -> Axis:
    """Return an axis of the metric, around the values."""
    scale, unit = (100, " %") if Format(result.metric).is_share else (1, "")
    label = f"{result.metric} ({result.better} is better)"
    return Axis(label, "linear", around(values), lambda x: f"{round(scale * x, 6):.6g}{unit}")


def _looks(result: TaskResult, looks: Looks) -> Mapping[str, Style]:
    return styles(result.rules) | dict(looks or {})


# -- against budget and cost -----------------------------------------------------------------------


def against_budget(result: TaskResult, looks: Looks = None, effective: bool = False) -> Chart:
    """Show the metric of each rule at each budget, with 95 % intervals of the means."""
    lines, full = _lines(result), result.full
    points = [x for own in lines.values() for x in own]
    about = "means of the seeds with 95 % intervals (Student's t); thick: the baseline"
    about += "; dashed: full training" if full else ""
    x = _place_axis([_place(line, effective) for line in points], effective)
    aside, middle = (0.0 if effective else _APART), (len(lines) - 1) / 2
    what = "cost" if effective else "budget"
    return Chart(
        f"{result.metric.capitalize()} against {what}: {result.task}",
        about,
        "" if points else "there are no budgets below full training",
        [
            _budgets(result, own, effective, x, aside * (i - middle))
            for i, own in enumerate(lines.values())
        ],
        x,
        _metric_axis(result, _ends([*points, full] if full else points)),
        looks=_looks(result, looks),
        level=full.value.mean if full else None,
        tall=480,
    )


def _lines(result: TaskResult) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = {rule: [] for rule in result.rules}
    for group in result.groups:
        for line in group.lines:
            if group.budget < 1 and line.value.mean is not None:
                found[line.rule].append(line)
    return {rule: own for rule, own in found.items() if own}


def _ends(lines: Sequence[Summary]) -> list[float]:
    spreads = [line.value for line in lines]
    means = [(x.mean, x.half or 0.0) for x in spreads if x.mean is not None]
    return [mean + sign * half for mean, half in means for sign in (-1, 1)]


def _place(line: Summary, effective: bool) -> float:
    return (line.effective_budget.mean or 0.0) if effective else line.budget


def _place_axis(places: Sequence[float], effective: bool) -> Axis:
    if effective:
        reach = (0.0, 1.08 * max(places, default=1.0))
        return Axis("share of full training's cost", "linear", reach, round_percent)
    found = sorted(set(places)) or [0.1]
    wide = max(1.5, (found[-1] / found[0]) ** 0.12)
    label, reach = "budget: share of full training's backward passes", (found[0], found[-1])
    return Axis(label, "log", (reach[0] / wide, reach[1] * wide), round_percent, found)


def _budgets(
    result: TaskResult, own: Sequence[Summary], effective: bool, x: Axis, aside: float
) -> Series:
    assert x.reach is not None
    shift = (x.reach[1] / x.reach[0]) ** aside if aside else 1.0
    means = np.array([line.value.mean or 0.0 for line in own])
    half = np.array([line.value.half or 0.0 for line in own])
    places = [_place(line, effective) * shift for line in own]
    options: Any = {"marks": "filled", "bold": own[0].baseline}
    options["note"] = Format(result.metric).value(own[-1].value.mean)
    return Series(own[0].rule, places, means, means - half, means + half, **options)


# -- against entropy and time ----------------------------------------------------------------------


def against_entropy(result: TaskResult, group: GroupResult, looks: Looks = None) -> Chart:
    """Show the metric of each run against the entropy of how often samples were trained on.

    As Fig. 1 (c, d) of How Important is Importance Sampling for Deep Budgeted Training?
    """
    lines = [x for x in group.lines if x.selected("entropy").mean is not None]
    return Chart(
        f"{result.metric.capitalize()} against entropy: {result.task}, {where(group)}",
        f"{counted(sum(x.seeds for x in lines), 'run')}, small; the means of rules, large",
        "" if lines else "nothing is known of the counts",
        [series for line in lines for series in _cloud(result, line)],
        Axis("entropy of the counts of samples, nats (further right: more evenly)"),
        _metric_axis(result, [v for x in lines for v in x.values.values()]),
        looks=_looks(result, looks),
    )


def _cloud(result: TaskResult, line: Summary) -> Iterator[Series]:
    seeds = {r.run.seed: r.selected["entropy"] for r in line.results if "entropy" in r.selected}
    mean, entropy = line.value.mean, line.selected("entropy").mean
    middle = [] if mean is None or entropy is None else [(entropy, mean)]
    x, y = [x for x, _ in middle], [y for _, y in middle]
    large: Any = {"line": "", "marks": "large", "bold": line.baseline}
    yield Series(line.rule, x, y, note=Format(result.metric).value(mean), **large)
    x = [seeds[seed] for seed in line.values if seed in seeds]
    y = [value for seed, value in line.values.items() if seed in seeds]
    yield Series(line.rule, x, y, line="", marks="small", label=False)


def against_time(
    result: TaskResult, group: GroupResult, over: Over = "epoch", looks: Looks = None
) -> Chart:
    """Show the mean of the metric over the seeds, its 95 % interval shaded.

    Values at the start that would squeeze the rest are cut off. A line ends where a seed diverges.
    """
    found = [curve for curve in learning_curves(group, over) if curve.x]
    short, long = NAMES[over]
    known = any(isfinite(curve.mean[-1]) for curve in found)
    return Chart(
        f"{result.metric.capitalize()} against {short}: {result.task}, {where(group)}",
        "mean of the seeds; shaded: its 95 % interval (Student's t); thick: the baseline",
        "" if known else "no rule has a curve",
        [_curve(curve, result, group) for curve in found],
        Axis(long, "linear", (0.0, max((curve.x[-1] for curve in found), default=1.0))),
        _metric_axis(result, _late(found)),
        looks=_looks(result, looks),
    )


def _curve(curve: LearningCurve, result: TaskResult, group: GroupResult) -> Series:
    note = Format(result.metric).value(curve.mean[-1])
    if curve.diverged:
        note = f"{counted(curve.diverged, 'run')} diverged"
    ends = (curve.low, curve.high)
    options: Any = {"end": curve.mean[-1], "bold": curve.rule == group.baseline}
    return Series(curve.rule, curve.x, curve.mean, *ends, note=note, **options)


def _late(found: Sequence[LearningCurve]) -> list[float]:
    """Return the values that have to be seen: those after the first part of each curve."""
    values = []
    for curve in found:
        kept = [i for i, x in enumerate(curve.x) if x >= _FIRST * curve.x[-1]]
        values += [line[i] for line in (curve.low, curve.high) for i in kept]
    return values


# -- rows of rules ---------------------------------------------------------------------------------


def where_seconds_go(result: TaskResult, group: GroupResult) -> Bars:
    """Show the seconds of each rule as a bar of parts, the mean over the seeds."""
    names = {
        f"{x.rule} (baseline)" if x.baseline else x.rule: {
            part: x.part(part).mean or 0.0 for part in PARTS
        }
        for x in group.lines
    }
    notes = {name: duration(sum(parts.values())) for name, parts in names.items()}
    title = f"Where the time goes: {result.task}, {where(group)}"
    about = "wall-clock seconds of training, mean of the seeds, evaluation left out"
    return Bars(title, about, "" if names else "there are no runs", names, PARTS, notes, "seconds")


def differences(result: TaskResult, group: GroupResult) -> Forest:
    """Show each rule's mean difference to the baseline, with its 95 % interval.

    In colour what the tests of the whole report call better or worse.
    """
    is_share = Format(result.metric).is_share
    scale, unit = (100, ", percentage points") if is_share else (1, "")
    rows = [_interval(line) for line in group.lines if line.comparison is not None]
    ends = [abs(end) for x in rows for end in (x.low, x.high, x.value) if end is not None]
    most = 1.08 * max(ends, default=0.0) or 1.0
    text = lambda x: f"{round(scale * x, 6):+.4g}" if x else "0"  # noqa: E731
    return Forest(
        f"Differences to {group.baseline or 'the baseline'}: {result.task}, {where(group)}",
        "mean over pairs of one seed, 95 % intervals (Student's t), each for itself; coloured: "
        "holds for all rules together (Holm)",
        "" if rows else "there is nothing to compare",
        rows,
        Axis(f"difference in {result.metric}{unit}", "linear", (-most, most), text),
        sides=("worse", "better") if result.better == "higher" else ("better", "worse"),
    )


def _interval(line: Summary) -> Interval:
    found = line.comparison
    assert found is not None
    note, lost = str(found.verdict), f"{found.diverged} of {found.pairs} diverged"
    if found.verdict is RuleVerdict.DIVERGED:
        note = lost
    elif found.difference is None:
        note += f": {lost}"
    worse = found.verdict in (RuleVerdict.WORSE, RuleVerdict.DIVERGED)
    kind = "good" if found.verdict is RuleVerdict.BETTER else "bad" if worse else ""
    return Interval(line.rule, found.difference, found.low, found.high, note, kind)
