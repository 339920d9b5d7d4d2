"""Tables, sentences and figure of what `benchmarks.scripts.split_estimates` has measured.

``python -m benchmarks.scripts.split_estimates_shown RESULTS FIGURE`` draws the figure from the
lines of ``--json``; ``docs/scripts/derived.py`` writes the rest into the page.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from subsetopt._significance import sign_test, t_quantile
from subsetopt.report import Axis, Chart, Series, Style
from subsetopt.training.analysis import holm

from .split_estimates import SPLITS

LEVEL = 0.05
KINDS = ("linear", "forest")
_OTHERS = SPLITS[:2]
_OWN = SPLITS[2]
_MARKS = {True: "**", False: ""}
Rows = Sequence[Mapping[str, Any]]


def read(path: Path) -> Rows:
    """Return a mapping for each data set."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [one for one in lines if one["measured"] == "split estimates"]


def verdicts(rows: Rows) -> dict[tuple[str, str, str], bool]:
    """Return which comparisons hold, all together by Holm: by data set, model and other split."""
    keys = [(row["data"], kind, other) for row in rows for kind in KINDS for other in _OTHERS]
    found = [row[f"{kind} p {other}"] for row in rows for kind in KINDS for other in _OTHERS]
    return {key: p < LEVEL for key, p in zip(keys, holm(found), strict=True)}


def ratio(row: Mapping[str, Any], kind: str, other: str) -> float:
    """Return how far estimates are off, in units of those of another split; of KS likewise."""
    return float(row[f"{kind} {_OWN}"] / row[f"{kind} {other}"])


def shown(path: Path) -> str:
    """Return the sentences and the tables, as Markdown."""
    rows = read(path)
    marginals, misses = tables(rows)
    return "\n\n".join(
        [
            "\n".join(f"- {one}" for one in sentences(rows)),
            "The mean over the columns of the KS distance of the test set and all rows that were "
            "drawn:",
            marginals,
            "The mean miss in %; bold differs significantly from *stratified*, all tests together:",
            misses,
        ]
    )


def sentences(rows: Rows) -> Iterator[str]:
    """Yield what the rows say."""
    for other in reversed(_OTHERS):
        below = [row for row in rows if row[f"KS {_OWN}"] < row[f"KS {other}"]]
        measured = sum(row["origin"] == "measured" for row in below)
        yield (
            f"**Marginals.** The mean KS distance of the columns of the test set is below that of "
            f"{other} splits on {len(below)} of {len(rows)} data sets ({measured} measured, "
            f"{len(below) - measured} made), {_mean(rows, 'KS', other)}."
        )
    held = verdicts(rows)
    for other in reversed(_OTHERS):
        signs = [(row["data"], kind, ratio(row, kind, other)) for row in rows for kind in KINDS]
        tests = f"paired t tests, all {2 * len(signs)} together by Holm, {100 * LEVEL:.0f} %"
        better = [held[name, kind, other] for name, kind, value in signs if value < 1]
        worse = [held[name, kind, other] for name, kind, value in signs if value >= 1]
        p = sign_test(*_sides(rows, other))
        yield (
            f"**Estimates of the test error** against {other} splits: nearer in {len(better)} of "
            f"{len(signs)} cases, {sum(better)} of them significantly, further off in "
            f"{len(worse)}, {sum(worse)} of them significantly ({tests}); the miss, "
            f"both models of a data set together, is {_mean(rows, KINDS, other)}; "
            f"signs of {len(rows)} data sets: p = {p:.2g}."
        )
    for kind in KINDS:
        low = sum(row[f"{kind} {_OWN} bias"] < 0 for row in rows)
        random = sum(row[f"{kind} random bias"] < 0 for row in rows)
        yield (
            f"**Direction**, {kind} model: the mean estimate is below the error on the other rows "
            f"on {low} of {len(rows)} data sets, of random splits on {random}."
        )


def _logs(rows: Rows, kinds: str | Sequence[str], other: str) -> list[float]:
    named = [kinds] if isinstance(kinds, str) else kinds
    return [float(np.mean([log(ratio(row, kind, other)) for kind in named])) for row in rows]


def _sides(rows: Rows, other: str) -> tuple[int, int]:
    logs = _logs(rows, KINDS, other)
    return sum(one > 0 for one in logs), sum(one < 0 for one in logs)


def _mean(rows: Rows, kinds: str | Sequence[str], other: str) -> str:
    """Return the geometric mean of ratios, with its interval over data sets."""
    logs = np.array(_logs(rows, kinds, other))
    half = t_quantile(0.975, len(logs) - 1) * float(logs.std(ddof=1)) / sqrt(len(logs))
    low, middle, high = (exp(float(logs.mean()) + side * half) for side in (-1, 0, 1))
    interval = f"95 % interval over data sets {low:.2f} to {high:.2f}"
    return f"{middle:.2f} times as large on average ({interval})"


def tables(rows: Rows) -> tuple[str, str]:
    """Return a row for each data set: of the marginals, and of the misses."""
    held = verdicts(rows)
    marginals, misses = [["data", "rows", "columns", *SPLITS]], [["data"]]
    misses[0] += [f"{kind}, {name}" for kind in KINDS for name in SPLITS]
    for lines in (marginals, misses):
        lines.append(["---"] * len(lines[0]))
    for row in rows:
        sizes = [row["data"], f"{row['rows']:,}", str(row["columns"])]
        marginals.append([*sizes, *(f"{row[f'KS {name}']:.3f}" for name in SPLITS)])
        cells = [row["data"]]
        for kind in KINDS:
            mark = _MARKS[held[row["data"], kind, "stratified"]]
            values = [f"{100 * row[f'{kind} {name}']:.2f}" for name in SPLITS]
            cells += [*values[:2], f"{mark}{values[2]}{mark}"]
        misses.append(cells)
    return _markdown(marginals), _markdown(misses)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figure(rows: Rows) -> Chart:
    """Return the ratios to stratified splits."""
    ordered = sorted(rows, key=lambda row: -ratio(row, "KS", "stratified"))
    places = np.arange(len(ordered))
    names = {"KS": "marginals", "linear": "estimate, linear", "forest": "estimate, forest"}
    series = [
        Series(
            name, [ratio(row, kind, "stratified") for row in ordered], places,
            line="", marks="large" if kind == "KS" else "hollow",
        )
        for kind, name in names.items()
    ]  # fmt: skip
    values = [ratio(row, kind, "stratified") for row in rows for kind in names]
    return Chart(
        "Representative test sets in units of stratified ones: further left is better",
        "KS distance of the columns, and how far the estimated error is from that on other rows",
        series=series,
        x=Axis("ratio", "log", (min(values) / 1.1, max(2.0, max(values) * 1.1))),
        y=Axis("", ticks=list(places), text=lambda place: str(ordered[int(place)]["data"])),
        looks={
            "marginals": Style("#0072b2", (), "o"),
            "estimate, linear": Style("#d55e00", (), "s"),
            "estimate, forest": Style("#444a52", (), "^"),
        },
        left=195,
        tall=560,
    )


if __name__ == "__main__":
    figure(read(Path(sys.argv[1]))).save(sys.argv[2])
