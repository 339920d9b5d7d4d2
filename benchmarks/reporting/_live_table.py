"""The table that is shown while a comparison runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from subsetopt.benchmarks._best_known import relative_gap
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks.analysis._row_groups import medians
from subsetopt.benchmarks.results import Row
from subsetopt.report import Column, Table
from subsetopt.report._number_format import duration, error, gap

Run = tuple[str, int]


@dataclass
class LiveLine:
    """What is known so far of one solver on one family; a run is a case and a repeat."""

    family: str
    solver: str
    objectives: dict[Run, float] = field(default_factory=dict)
    seconds: dict[Run, float] = field(default_factory=dict)
    done: int = 0
    failed: int = 0


class LiveTable:
    """One line for each solver and family: runs, failures, quality, time.

    It begins with rows measured before. Adding a row is O(1), drawing is O(rows). The longest time
    limit of each run counts, as rows come in the order of their time limits.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._lines: dict[tuple[str, str], LiveLine] = {}
        self._best: dict[str, float] = {}
        self._drawn: Table[LiveLine] | None = None
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take one more row into account."""
        key = (row.family, row.solver)
        line = self._lines.setdefault(key, LiveLine(*key))
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

    def table(self) -> Table[LiveLine]:
        """Return the table as it stands; the same one until a row is added."""
        if self._drawn is None:
            lines = sorted(self._lines.values(), key=lambda line: line.family)
            first = {line.family: line for line in reversed(lines)}
            columns: list[Column[LiveLine]] = [
                Column("family", lambda x: x.family if first[x.family] is x else ""),
                Column("solver", "solver"),
                Column("runs", "done", "d"),
                Column("failed", lambda x: x.failed or None, "d"),
                Column("gap %", self._quality, str, group="error or"),
                Column("median", lambda x: _typical(x.seconds), duration, group="time"),
            ]
            self._drawn = Table(columns, lines)
        return self._drawn

    def _quality(self, line: LiveLine) -> str | None:
        if not line.objectives:
            return None
        if FAMILIES[line.family].absolute:
            return error(_typical(line.objectives))
        found = {
            run: relative_gap(objective, self._best[run[0]])
            for run, objective in line.objectives.items()
        }
        return gap(_typical({run: value for run, value in found.items() if value is not None}))


def _typical(values: Mapping[Run, float]) -> float | None:
    """Return the median over the cases of the medians over the repeats."""
    of_case = medians((case, value) for (case, _), value in values.items())
    return median(of_case.values()) if of_case else None
