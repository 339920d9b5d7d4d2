"""The metric against the budget, and against how evenly samples were trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from subsetopt.report.end_labels import height, put, room
from subsetopt.report.figure_axes import log_axis, percent
from subsetopt.report.figure_style import GREY, INK, Style, frame, plain_rc
from subsetopt.report.number_format import counted
from subsetopt.training.analysis import Family, Judged, Summary
from subsetopt.training.reporting.metrics import Format

from .common import Looks, dot, labels, looks, metric_axis, nothing, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_APART = 0.011
"""Between the bars of neighbouring rules, as a share of the width."""


def against_budget(family: Family, style: Looks = None, effective: bool = False) -> "Figure":
    """Draw the metric of each rule at each budget, with 95 % intervals of the means.

    Parameters
    ----------
    family : Family
    style : mapping of str to Style, optional
    effective : bool
        Against the share of full training's cost, selection passes included, instead of the share
        of its backward passes.
    """
    shown, full = looks(style, family), family.full
    lines = _lines(family)
    form = Format(family.metric)
    ends = {rule: own[-1].value.mean for rule, own in lines.items()}
    notes = {rule: form.value(end) for rule, end in ends.items()}
    about = "means of the seeds with 95 % intervals (Student's t); thick: the baseline"
    about += "; dashed: full training" if full else ""
    what = f"{family.metric.capitalize()} against {'cost' if effective else 'budget'}"
    unplaced = labels(shown, ends, notes)
    with plain_rc():
        figure, axes = frame(f"{what}: {title(family)}", about,
                             right=room(unplaced), height=height(unplaced, 480))  # fmt: skip
        points = [x for own in lines.values() for x in own]
        metric_axis(axes, family, _reach([*points, full] if full else points))
        places = [_place(x, effective) for x in points]
        (_cost_axis if effective else _budget_axis)(axes, places)
        axes.set_xlabel("share of full training's cost" if effective else
                        "budget: share of full training's backward passes")  # fmt: skip
        if full and full.value.mean is not None:
            axes.axhline(full.value.mean, color=INK, linestyle=(0, (6.0, 3.0)), linewidth=1.1)
        for i, (rule, own) in enumerate(lines.items()):
            aside = 0.0 if effective else _APART * (i - (len(lines) - 1) / 2)
            _line(axes, own, shown[rule], aside, effective)
        put(axes, labels(shown, ends, notes, axes), markers=True)
        if not points:
            nothing(axes, "there are no budgets below full training")
    return figure


def _lines(family: Family) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = {rule: [] for rule in family.rules}
    for group in family.groups:
        for line in group.lines:
            if group.budget < 1 and line.value.mean is not None:
                found[line.rule].append(line)
    return {rule: own for rule, own in found.items() if own}


def _reach(lines: Sequence[Summary]) -> list[float]:
    means = [(x.value.mean, x.value.half or 0.0) for x in lines]
    return [m + sign * half for m, half in means if m is not None for sign in (-1, 1)]


def _place(line: Summary, effective: bool) -> float:
    return (line.effective_budget.mean or 0.0) if effective else line.budget


def _budget_axis(axes: "Axes", budgets: Sequence[float]) -> None:
    """Make the axis logarithmic, with ticks at the budgets."""
    found = sorted(set(budgets)) or [0.1]
    wide = max(1.5, (found[-1] / found[0]) ** 0.12)
    log_axis(axes, "x", found[0] / wide, found[-1] * wide, percent, found)


def _cost_axis(axes: "Axes", costs: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_xlim(0, 1.08 * max(costs, default=1.0))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x)))


def _line(axes: "Axes", own: list[Summary], style: Style, aside: float, effective: bool) -> None:
    low, high = axes.get_xlim()
    shift = (high / low) ** aside if aside else 1.0
    x = [_place(line, effective) * shift for line in own]
    y = [line.value.mean or 0.0 for line in own]
    width = 2.6 if own[0].baseline else 1.5
    axes.plot(x, y, color=style.colour, linestyle=style.line, linewidth=width, alpha=0.9)
    for a, b, line in zip(x, y, own, strict=True):
        if half := line.value.half:
            axes.plot([a, a], [b - half, b + half], color=style.colour, linewidth=1.1)
        dot(axes, a, b, style)


def against_entropy(family: Family, judged: Judged, style: Looks = None) -> "Figure":
    """Draw the metric of each run against the entropy of how often samples were trained on.

    As Fig. 1 (c, d) of How Important is Importance Sampling for Deep Budgeted Training?
    """
    shown, form = looks(style, family), Format(family.metric)
    lines = [x for x in judged.lines if x.selected("entropy").mean is not None]
    ends = {x.rule: x.value.mean for x in lines}
    notes = {rule: form.value(end) for rule, end in ends.items()}
    about = f"{counted(sum(x.seeds for x in lines), 'run')}, small; the means of rules, large"
    unplaced = labels(shown, ends, notes)
    with plain_rc():
        figure, axes = frame(
            f"{family.metric.capitalize()} against entropy: {title(family, judged)}", about,
            right=room(unplaced), height=height(unplaced),
        )  # fmt: skip
        metric_axis(axes, family, [v for x in lines for v in x.values.values()])
        axes.set_xlabel("entropy of the counts of samples, nats (further right: more evenly)")
        axes.margins(x=0.08)
        for line in lines:
            _cloud(axes, line, shown[line.rule])
        put(axes, labels(shown, ends, notes, axes), markers=True)
        if not lines:
            nothing(axes, "nothing is known of the counts")
            axes.set_xlabel("")
    return figure


def _cloud(axes: "Axes", line: Summary, style: Style) -> None:
    seeds = {r.run.seed: r for r in line.results if "entropy" in r.selected}
    found = [(seeds[seed].selected["entropy"], value) for seed, value in line.values.items()
             if seed in seeds]  # fmt: skip
    axes.scatter([x for x, _ in found], [y for _, y in found], s=11, color=style.colour, alpha=0.45,
                 marker=style.marker, linewidth=0)  # fmt: skip
    mean, entropy = line.value.mean, line.selected("entropy").mean
    if mean is not None and entropy is not None:
        axes.plot([entropy], [mean], marker=style.marker, color=style.colour, markersize=9,
                  markeredgecolor=INK if line.baseline else GREY, linestyle="none",
                  markeredgewidth=1.4 if line.baseline else 0.5)  # fmt: skip
