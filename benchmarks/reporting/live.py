"""The table that is drawn while a comparison goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from rich import box
from rich.table import Table

from subsetopt.benchmarks.best_known import relative_gap
from subsetopt.benchmarks.families import FAMILIES
from subsetopt.benchmarks.results import Row
from subsetopt.report.number_format import NOTHING, duration

from .words import error, gap

Run = tuple[str, int]


@dataclass
class _Line:
    """What is known so far of one solver on one family; a run is a case and a repeat."""

    objectives: dict[Run, float] = field(default_factory=dict)
    seconds: dict[Run, float] = field(default_factory=dict)
    done: int = 0
    failed: int = 0


class LiveTable:
    """One line for each solver and family, for `rich.live.Live`: runs, failures, quality, time.

    Adding a row is O(1), drawing is O(rows) and happens again only when rows have been added. The
    longest time limit of each run counts, as rows come in the order of their time limits.

    Parameters
    ----------
    rows : iterable of Row
        Those measured before.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._lines: dict[tuple[str, str], _Line] = {}
        self._best: dict[str, float] = {}
        self._drawn: Table | None = None
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take one more row into account."""
        line = self._lines.setdefault((row.family, row.solver), _Line())
        line.done += 1
        line.failed += bool(row.failure)
        run = (row.case, row.repeat)
        if row.objective is not None:
            aim = row.objective if row.best_known is None else row.best_known
            self._best[row.case] = min(aim, self._best.get(row.case, aim))
            line.objectives[run] = row.objective
        if row.typical_seconds is not None:
            line.seconds[run] = row.typical_seconds
        self._drawn = None

    def __rich__(self) -> Table:
        """Return the table as it stands."""
        if self._drawn is None:
            self._drawn = self._draw()
        return self._drawn

    def _draw(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column(" family", no_wrap=True)
        table.add_column("solver", no_wrap=True)
        for heading in ("runs", "failed", "error or\ngap %", "time\nmedian"):
            table.add_column(heading, justify="right", no_wrap=True)
        last = None
        for (family, solver), line in sorted(self._lines.items(), key=lambda item: item[0][0]):
            table.add_row(
                f" {family}" if family != last else "",
                solver,
                str(line.done),
                str(line.failed) if line.failed else NOTHING,
                self._quality(family, line),
                duration(_typical(line.seconds)),
            )
            last = family
        return table

    def _quality(self, family: str, line: _Line) -> str:
        if not line.objectives:
            return NOTHING
        if FAMILIES[family].absolute:
            return error(_typical(line.objectives))
        found = {
            run: relative_gap(objective, self._best[run[0]])
            for run, objective in line.objectives.items()
        }
        return gap(_typical({run: value for run, value in found.items() if value is not None}))


def _typical(values: Mapping[Run, float]) -> float | None:
    """Return the median over the cases of the medians over the repeats."""
    of_case: dict[str, list[float]] = {}
    for (case, _), value in values.items():
        of_case.setdefault(case, []).append(value)
    return median(map(median, of_case.values())) if of_case else None
