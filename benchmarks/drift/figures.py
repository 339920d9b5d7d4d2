"""The metric over time, what is won over uniform sampling, and the metric against seconds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._significance import t_quantile
from subsetopt.report.end_labels import Label, height, put, room
from subsetopt.report.figure_style import GREY, INK, Style, frame, plain_rc, styles
from subsetopt.training.reporting.metric_format import Format

from .methods import BASELINE, REFERENCES
from .report import Line
from .streams import TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMOOTH = 15
"""Windows of the moving average."""
FAR = 5
"""How many times as far off as the median a curve may end to be seen whole."""
POINTS = 60
"""Of a curve at most, about: it is smooth, and files stay small."""
Values = NDArray[np.float64]


def over_time(task: str, lines: Sequence[Line], budget: float) -> "Figure":
    """Draw the smoothed metric of each window, with 95 % intervals of the means of the seeds."""
    own = [line for line in lines if line.budget in (None, budget)]
    curves = {line.method: _band(_smoothed(_scores(line))) for line in own}
    notes = {line.method: Format(TASKS[task].metric).value(line.value.mean) for line in own}
    kept = [curves[line.method] for line in own if line.method != "none"]
    about = (
        f"moving average over {SMOOTH} windows, mean of the seeds, shaded: 95 % interval; beside "
        "the names: means over the stream"
    )
    title = f"{TASKS[task].metric.capitalize()} before training on each window: {task}"
    return _curves(task, f"{title}, budget {budget:g}", about, curves, notes, kept)


def gains(task: str, lines: Sequence[Line], budget: float) -> "Figure":
    """Draw the difference from uniform sampling so far, with 95 % intervals over the pairs."""
    own = [line for line in lines if line.budget == budget]
    base = {o.seed: o for line in own if line.method == BASELINE for o in line.outcomes}
    form, curves, notes = Format(TASKS[task].metric), {}, {}
    for line in own:
        pairs = [(o.scores, base[o.seed].scores) for o in line.outcomes if o.seed in base]
        if line.comparison is None or not pairs:
            continue
        apart = np.array([np.subtract(*pair) for pair in pairs])
        so_far = np.cumsum(apart, axis=1) / np.arange(1, apart.shape[1] + 1)
        curves[line.method] = _band(so_far)
        notes[line.method] = form.number(line.comparison.difference, line.value.mean, "+")
    about = (
        "mean over all windows so far, and over the seeds; shaded: 95 % interval of the pairs; "
        "what is far off leaves the picture"
    )
    title = f"{TASKS[task].metric.capitalize()} less uniform's, so far: {task}, budget {budget:g}"
    kept = [curve[:, curve.shape[1] // 4 :] for curve in _near(list(curves.values()))]
    return _curves(task, title, about, curves, notes, kept, zero=True)


def against_seconds(task: str, lines: Sequence[Line]) -> "Figure":
    """Draw the mean metric against the seconds of selecting and training, budgets joined."""
    form, looks = Format(TASKS[task].metric), _looks(lines)
    groups: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda x: x.budget or 1.0):
        if line.method != "none" and line.value.mean is not None:
            groups.setdefault(line.method, []).append(line)
    budgets = sorted({line.budget for line in lines if line.budget is not None})
    ends = {name: _middle(own[-1]) for name, own in groups.items()}
    notes = {name: form.value(end) for name, end in ends.items()}
    listed = ", ".join(f"{budget:g}" for budget in budgets)
    about = f"means with 95 % intervals; from left to right: budget {listed}; names: the last"
    with plain_rc():
        unplaced = [Label(name, notes[name], looks[name], 0.0) for name in groups]
        title = f"{TASKS[task].metric.capitalize()} against seconds of training: {task}"
        figure, axes = frame(title, about, right=room(unplaced), height=height(unplaced, 520))
        _metric_axis(axes, task)
        axes.set_xlabel("processor seconds of selecting and training, serving not counted")
        for name, own in groups.items():
            look = looks[name]
            axes.errorbar(
                [line.mean("seconds") for line in own],
                [_middle(line) for line in own],
                yerr=[line.value.half or 0.0 for line in own],
                color=look.colour,
                linestyle=look.line,
                marker=look.marker,
                markersize=6,
                linewidth=1.1,
            )
        axes.set_xlim(left=0)
        put(axes, _labels(axes, looks, ends, notes), markers=True)
    return figure


def _middle(line: Line) -> float:
    return float("nan") if line.value.mean is None else line.value.mean


def _curves(
    task: str,
    title: str,
    about: str,
    curves: dict[str, Values],
    notes: dict[str, str],
    kept: Sequence[Values],
    zero: bool = False,
) -> "Figure":
    looks = _looks_of([BASELINE, *curves])
    with plain_rc():
        unplaced = [Label(name, notes[name], looks[name], 0.0) for name in curves]
        figure, axes = frame(title, about, right=room(unplaced), height=height(unplaced))
        seen = np.concatenate([curve[np.isfinite(curve)] for curve in kept] or [np.empty(0)])
        low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
        margin = 0.04 * (high - low) or 0.1
        axes.set_ylim(low - margin, high + margin)
        _metric_axis(axes, task, points=zero)
        axes.set_xlabel("windows of the stream")
        if zero:
            axes.axhline(0.0, color=INK, linewidth=1.0)
        for name, (mean, below, above) in reversed(curves.items()):
            look = looks[name]
            every = max(1, len(mean) // POINTS)
            x = np.arange(len(mean), 0, -every)[::-1]  # the last one is among them
            mean, below, above = mean[x - 1], below[x - 1], above[x - 1]
            wide = 2.6 if name == BASELINE else 1.2 if name in REFERENCES else 1.6
            axes.plot(x, mean, color=look.colour, linestyle=look.line, linewidth=wide)
            axes.fill_between(x, below, above, color=look.colour, alpha=0.1, linewidth=0)
        axes.set_xlim(1, max((curve.shape[1] for curve in curves.values()), default=2))
        ends = {name: float(curve[0, -1]) for name, curve in curves.items()}
        put(axes, _labels(axes, looks, ends, notes))
    return figure


def _near(curves: Sequence[Values]) -> list[Values]:
    """Return the curves that end not too far off, so that the picture can tell them apart."""
    ends = [abs(float(curve[0, -1])) for curve in curves]
    finite = [end for end in ends if np.isfinite(end)]
    most = FAR * float(np.median(finite)) if finite else 0.0
    return [curve for curve, end in zip(curves, ends, strict=True) if end <= most]


def _labels(
    axes: "Axes", looks: Mapping[str, Style], ends: Mapping[str, float], notes: Mapping[str, str]
) -> list[Label]:
    """Return the labels of lines that end at values; those below the picture at its bottom."""
    low, high = axes.get_ylim()
    found = []
    for name, end in ends.items():
        at = min(1.0, max(0.0, (end - low) / (high - low))) if np.isfinite(end) else None
        found.append(Label(name, notes[name], looks[name], at))
    return found


def _metric_axis(axes: "Axes", task: str, points: bool = False) -> None:
    from matplotlib.ticker import FuncFormatter

    form = Format(TASKS[task].metric)
    scale = 100 if form.is_share else 1
    sign = "+" if points else ""

    def written(value: float, _: Any) -> str:
        value = round(scale * value, 6) + 0.0
        return f"{value:{sign if value else ''}.6g}{' %' if form.is_share and not points else ''}"

    axes.yaxis.set_major_formatter(FuncFormatter(written))
    unit = ", percentage points" if points and form.is_share else ""
    axes.set_ylabel(f"{TASKS[task].metric}{unit} ({TASKS[task].better} is better)")


def _looks(lines: Sequence[Line]) -> dict[str, Style]:
    return _looks_of(line.method for line in lines)


def _looks_of(names: Iterable[str]) -> dict[str, Style]:
    """Return a style for each method, the same in every figure that has the same methods."""
    looks = styles(name for name in names if name not in REFERENCES)
    return looks | {"none": Style(GREY, (1.2, 1.3), "v"), "all": Style(INK, (5.0, 1.6), "*")}


def _scores(line: Line) -> Values:
    return np.array([outcome.scores for outcome in line.outcomes])


def _smoothed(scores: Values) -> Values:
    """Return moving averages, over fewer windows at both ends."""
    around = np.ones(SMOOTH)
    counts = np.convolve(np.ones(scores.shape[1]), around, "same")
    return np.array([np.convolve(row, around, "same") / counts for row in scores])


def _band(values: Values) -> Values:
    """Return the mean over the seeds, and its 95 % interval (Student's t)."""
    mean, count = values.mean(axis=0), len(values)
    half = np.zeros_like(mean)
    if count > 1:
        half = t_quantile(0.975, count - 1) * values.std(axis=0, ddof=1) / np.sqrt(count)
    return np.stack([mean, mean - half, mean + half])
