"""Tables and figures of `relaxations.py`, from the rows that it has measured."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import csv_text

NAMES = {
    "published": "published LP",
    "mccormick": "McCormick LP",
    "rlt": "RLT LP",
    "convex": "convex QP, as it stands",
    "qp": "convex QP + diagonal, HiGHS",
    "fw": "convex QP + diagonal",
    "sdp": "semidefinite",
    "herding": "herding",
    "greedy": "greedy",
    "swap": "swap",
    "tabu": "tabu",
}
RELAXATIONS = ("published", "mccormick", "rlt", "convex", "fw", "sdp")
SEARCHES = ("herding", "greedy", "swap", "tabu")
COLUMNS = (
    "method",
    "root MMD, random = 1",
    "random subsets as good",
    "after swaps, above best",
    "bound",
    "time",
)

# Okabe and Ito's colours, told apart by colour-blind readers and by shape as well.
ROUNDED, DESCENDED, LIGHT = "#D55E00", "#0072B2", "#8CCBEF"
RANDOM, INK, FAINT = "#9a9a9a", "#222222", "#6a6a6a"
_MARKS = {"linestyle": "none", "markersize": 5.5, "clip_on": False}
_NOTE = {"color": FAINT, "fontsize": 9.5, "style": "italic", "ha": "center", "va": "center"}
_BESIDE = {"textcoords": "offset points", "fontsize": 9}


class Row(NamedTuple):
    """One line of the CSV; an empty field where there is nothing to say."""

    source: str
    setting: str
    instance: int
    method: str
    seconds: str = ""
    bound: str = ""
    root_mmd: str = ""
    after_swaps: str = ""
    as_good: str = ""


def read(path: Path) -> list[Row]:
    """Return the rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))[1:]
    return [Row(source, setting, int(i), *rest) for source, setting, i, *rest in lines]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text([Row._fields, *rows]))


class Results:
    """The rows, looked up, in units that make instances comparable."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.settings = list(dict.fromkeys(row.setting for row in rows))
        self.sources = list(dict.fromkeys(row.source for row in rows))
        self._middle = {row[:3]: float(row.root_mmd) for row in rows if row.method == "random 50 %"}
        self._best = dict.fromkeys(self._middle, np.inf)
        for row in rows:
            for value in filter(None, (row.root_mmd, row.after_swaps)):
                self._best[row[:3]] = min(float(value), self._best[row[:3]])

    def values(self, setting: str, method: str, field: str) -> NDArray[np.float64]:
        """Return one value for each instance that has one.

        "root_mmd" is in units of the median of random subsets, "after_swaps" and "bound" of the
        best known value and its square.
        """
        found = []
        for row in self.rows:
            text = getattr(row, field)
            if row.setting == setting and row.method == method and text:
                best = self._best[row[:3]]
                units = {"root_mmd": self._middle[row[:3]], "after_swaps": best, "bound": best**2}
                found.append(float(text) / units.get(field, 1.0))
        return np.array(found)

    def best(self, setting: str) -> NDArray[np.float64]:
        """Return the best known root MMD of each instance, the median of random subsets being 1."""
        keys = (key for key in self._middle if key[1] == setting)
        return np.array([self._best[key] / self._middle[key] for key in keys])

    def tables(self) -> dict[str, str]:
        """Return one Markdown table for each setting."""
        return {setting: self._table(setting) for setting in self.settings}

    def _table(self, setting: str) -> str:
        lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
        for name, shown in NAMES.items():
            roots = self.values(setting, name, "root_mmd")
            if roots.size:
                cells = (shown, *self._cells(setting, name, roots))
                lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def _cells(self, setting: str, name: str, roots: NDArray[np.float64]) -> Iterable[str]:
        yield f"{np.median(roots):.2f} ({roots.min():.2f} to {roots.max():.2f})"
        yield f"{100 * np.median(self.values(setting, name, 'as_good')):.1f} %"
        yield f"{100 * np.median(self.values(setting, name, 'after_swaps') - 1):.1f} %"
        bounds = self.values(setting, name, "bound")
        yield signed(float(np.median(bounds))) if bounds.size else "-"
        yield duration(float(np.median(self.values(setting, name, "seconds"))))


def signed(bound: float) -> str:
    """Return a bound in units of the best known value as text."""
    return f"{bound:.0f}" if bound < -1 else f"{abs(bound):.2f}"


def duration(seconds: float) -> str:
    """Return seconds with a digit or two and a unit."""
    for unit, size, least in (("s", 1.0, 0.95), ("ms", 1e-3, 1e-4)):
        if seconds >= least:
            digits = 0 if seconds >= 9.95 * size else 1
            return f"{seconds / size:.{digits}f}\N{NO-BREAK SPACE}{unit}"
    return f"{seconds * 1e6:.0f}\N{NO-BREAK SPACE}µs"


# -- figures -----------------------------------------------------------------------------------


def draw(results: Results, folder: Path) -> None:
    """Write the two figures as SVG; the same rows give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    style: Any = {"svg.hashsalt": "subsetopt", "font.size": 10.5, "axes.edgecolor": FAINT}
    style |= {"text.color": INK, "axes.labelcolor": INK, "xtick.color": FAINT}
    with mpl.rc_context(style):
        for name, figure in (("rounding", _rounding(results)), ("bounds", _bounds(results))):
            path = folder / f"relaxations-{name}.svg"
            figure.savefig(path, metadata={"Date": None}, facecolor="white")


def _layout() -> Any:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)


def _rounding(results: Results) -> Any:
    """One panel for each setting; a row for each method, a mark for each instance."""
    from matplotlib.figure import Figure

    methods = (*RELAXATIONS, *SEARCHES)
    heights = [i + 0.7 * (name in SEARCHES) for i, name in enumerate(methods)]
    figure = Figure(figsize=(11, 5.8), layout=_layout())
    panels = figure.subplots(1, len(results.settings), sharex=True, sharey=True)
    for axes, setting in zip(panels, results.settings, strict=True):
        _random_band(axes, results, setting)
        for y, name in zip(heights, methods, strict=True):
            _marks(axes, y, results, setting, name)
        first, _, before = setting.partition(", 20 selected")
        before = "20 selected before" if before else "nothing selected before"
        axes.set_title(f"{first}\n{before}", fontsize=11)
        axes.set_xscale("log")
        axes.set_xticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
        axes.set_xticks([], minor=True)
        _plain(axes)
    panels[0].set_yticks(heights, [NAMES[name] for name in methods], color=INK)
    panels[0].set_ylim(heights[-1] + 0.9, -1.8)
    panels[0].set_xlim(0.3, 4.6)
    for x, y, text, colour in (
        (1.65, -0.55, "rounded", ROUNDED),
        (0.5, -0.55, "after swap descent", DESCENDED),
        *(
            (0.47 + 0.18 * i, heights[-1] - 0.6 + 1.2 * i, source, FAINT)
            for i, source in enumerate(results.sources)
        ),
    ):
        panels[0].text(x, y, text, color=colour, ha="center", va="center", fontsize=9.5)
    figure.supxlabel("root MMD; the median of 1000 random subsets is 1", fontsize=11)
    return figure


def _plain(axes: Any) -> None:
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _random_band(axes: Any, results: Results, setting: str) -> None:
    low, q1, q3, high = (
        float(np.median(results.values(setting, f"random {q} %", "root_mmd")))
        for q in (5, 25, 75, 95)
    )
    axes.axvspan(low, high, color=RANDOM, alpha=0.22, linewidth=0)
    axes.axvspan(q1, q3, color=RANDOM, alpha=0.3, linewidth=0)
    axes.axvline(1, color="white", linewidth=1.6)
    axes.text(1, -1.35, "random subsets", ha="center", color=FAINT, fontsize=9.5)


def _marks(axes: Any, y: float, results: Results, setting: str, name: str) -> None:
    rounded = results.values(setting, name, "root_mmd")
    if not rounded.size:
        axes.text(1, y, "not run at this size", **_NOTE)
        return
    after = results.values(setting, name, "after_swaps") * results.best(setting)
    groups = np.array_split(np.arange(rounded.size), len(results.sources))
    places = y + np.linspace(-0.22, 0.22, rounded.size)
    for group in groups:
        ends = np.median(after[group]), np.median(rounded[group])
        axes.plot(ends, [places[group].mean()] * 2, color="#bbbbbb", linewidth=1)
    axes.plot(rounded, places, marker="D", mfc="white", mec=ROUNDED, mew=1.2, **_MARKS)
    axes.plot(after, places, marker="o", mfc=DESCENDED, mec="white", mew=0.4, **_MARKS)


def _bounds(results: Results) -> Any:
    """Bars from 0 to the bound, the negative ones as numbers; seconds beside them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout=_layout())
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.7))
    kinds = zip(
        results.settings,
        (LIGHT, DESCENDED),
        (INK, "white"),
        ("nothing selected before", "20 selected before"),
        strict=False,
    )
    for turn, (setting, colour, ink, label) in enumerate(kinds):
        for row, name in enumerate(RELAXATIONS):
            y = row + 0.38 * turn - 0.19
            _bar(left, y, results.values(setting, name, "bound"), colour)
        left.text(0.02, y, label, color=ink, va="center", fontsize=9.5)
    left.axvline(0, color=FAINT, linewidth=0.8)
    left.axvline(1, color=INK, linewidth=1.2)
    left.text(0.99, -0.4, "best known", ha="right", va="center", fontsize=9.5)
    left.set_xlim(-0.02, 1.1)
    left.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    left.set_yticks(range(len(RELAXATIONS)), [NAMES[name] for name in RELAXATIONS], color=INK)
    left.set_ylim(len(RELAXATIONS) - 0.4, -0.65)
    left.set_title("lower bound on MMD², the best known being 1; n = 200", fontsize=11)
    _seconds(right, results)
    for axes in (left, right):
        _plain(axes)
    return figure


def _bar(axes: Any, y: float, bounds: NDArray[np.float64], colour: str) -> None:
    """One bar to the median, with a line from the least to the greatest."""
    middle = float(np.median(bounds))
    if middle < -0.01:
        text = signed(middle).replace("-", "\N{MINUS SIGN}")
        axes.text(0.012, y, f"{text}, below zero: says nothing", **(_NOTE | {"ha": "left"}))
        return
    axes.barh(y, middle, height=0.34, color=colour)
    axes.plot([bounds.min(), bounds.max()], [y, y], color=INK, linewidth=1.2)
    beside = bounds.max() + 0.012
    axes.text(1.012 if beside > 0.95 else beside, y, signed(middle), va="center", fontsize=9.5)


def _seconds(axes: Any, results: Results) -> None:
    """Mark the processor's time at the smallest n and at the largest."""
    for setting, marker, aside in ((results.settings[0], "o", -5), (results.settings[-1], "s", 5)):
        for row, name in enumerate(RELAXATIONS):
            seconds = results.values(setting, name, "seconds")
            if seconds.size:
                at = float(np.median(seconds))
                axes.plot(at, row, marker=marker, mec=INK, mfc="white", **_MARKS)
                axes.annotate(duration(at), (at, row), (aside, 6), ha="center", **_BESIDE)
                if name == "fw":
                    size = setting.partition(",")[0]
                    axes.annotate(size, (at, row), (0, -14), ha="center", color=FAINT, **_BESIDE)
    axes.set_xscale("log")
    axes.set_xlim(6e-5, 30)
    axes.set_xticks([1e-4, 1e-2, 1], ["0.1 ms", "10 ms", "1 s"])
    axes.set_xticks([], minor=True)
    axes.set_title("processor time, one thread", fontsize=11)
