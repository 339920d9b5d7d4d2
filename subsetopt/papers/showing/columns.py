"""The columns of the table of a part, wherever it is shown."""

from collections.abc import Sequence
from math import floor, isfinite, log10

from subsetopt.papers.measuring import Line
from subsetopt.report.columns import Column
from subsetopt.report.number_format import NOTHING
from subsetopt.training.analysis import Comparison

MARK = "*"
"""Beside the baseline."""


def number(line: Line, value: float | None, sign: str = "") -> str:
    """Return a value with as many decimals as its quantity needs; shares in per cent."""
    if value is None:
        return NOTHING
    if not isfinite(value):
        return str(value)
    scaled = 100 * value if line.quantity.share else value
    return f"{scaled:{sign}.{_decimals(line)}f}"


def _decimals(line: Line) -> int:
    if line.quantity.share:
        return 2
    like = line.published.mean if line.published else line.spread.mean
    power = floor(log10(abs(like))) if like and isfinite(like) else 0
    return min(6, max(0, 3 - power))


def spread(line: Line, mean: float | None, std: float | None) -> str:
    """Return ``91.23 ± 0.12``."""
    text = number(line, mean)
    return text if std is None else f"{text} ± {number(line, std)}"


def published(line: Line) -> str:
    """Return what the paper prints."""
    return NOTHING if line.published is None else spread(line, *line.published)


def measured(line: Line) -> str:
    """Return what was measured; how many runs diverged."""
    if not line.values:
        return "not run"
    found = line.spread
    lost = len(line.values) - found.count
    text = spread(line, found.mean, found.std)
    return f"{text}, {lost} diverged" if lost else text


def difference(line: Line) -> str:
    """Return ``+0.35 (-0.10 to +0.80)``."""
    found = line.comparison
    if found is None:
        return NOTHING
    text = number(line, found.difference, "+")
    if found.low is None or found.high is None:
        return text
    return f"{text} ({number(line, found.low, '+')} to {number(line, found.high, '+')})"


def verdict(line: Line) -> str:
    """Return what may be said of the line."""
    if line.is_baseline:
        return "baseline"
    found: Comparison | None = line.comparison
    return NOTHING if found is None else str(found.verdict)


def columns(lines: Sequence[Line], x: str) -> list[Column[Line]]:
    """Return the columns for the lines of one quantity of a part."""
    unit = " (%)" if lines and lines[0].quantity.share else ""
    found: list[Column[Line]] = [
        Column(heading="method", meaning=f"{MARK} is the baseline", cell=_method),
    ]
    if any(line.cell.column for line in lines):
        found.append(
            Column(
                heading=x or "column",
                meaning="the column of the table",
                cell=lambda line: line.cell.column,
                value=lambda line: _float(line.cell.column),
            )
        )
    if any(line.published for line in lines):
        found.append(
            Column(
                group=f"published{unit}",
                heading="mean ± std",
                meaning="as the paper prints it",
                cell=published,
                value=lambda line: None if line.published is None else line.published.mean,
            )
        )
    return [
        *found,
        Column(
            group=f"measured{unit}",
            heading="mean ± std",
            meaning="over the seeds, runs that diverged left out",
            cell=measured,
            value=lambda line: line.spread.mean,
        ),
        Column(
            heading="seeds",
            meaning="runs",
            cell=lambda line: str(len(line.values)) if line.values else NOTHING,
            value=lambda line: len(line.values),
        ),
        Column(
            group="less the baseline's",
            heading="(95 % interval)",
            meaning="mean difference over seeds, with the interval of Student's t",
            cell=difference,
            value=lambda line: None if line.comparison is None else line.comparison.difference,
        ),
        Column(
            heading="verdict",
            meaning="better or worse where a test says so of all lines together (Holm, 5 %)",
            cell=verdict,
        ),
    ]


def _method(line: Line) -> str:
    return f"{line.cell.row} {MARK}" if line.is_baseline else line.cell.row


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
