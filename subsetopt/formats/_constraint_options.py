"""What a selection has to keep besides its size, in the words of the command line and of suites."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from subsetopt import problems
from subsetopt._options import option
from subsetopt._registry import nearest
from subsetopt.errors import InvalidOption, InvalidProblem

from ._constraint_words import (
    COMMAND_LINE,
    ConstraintReading,
    GroupCount,
    NamedRows,
    Pairs,
    Rows,
    Wording,
    cells_of,
    is_file,
    require_compatible,
    require_rereadable,
)
from ._table_options import TableOptions, index_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subsetopt.problems import Constraints


def _quota(help: str) -> Any:  # noqa: A002
    return option(
        help,
        (),
        metavar="LABELS=N",
        repeatable=True,
        parse=lambda word, text: [GroupCount.parsed(word, text)],
    )


@dataclass(frozen=True, kw_only=True)
class ConstraintOptions:
    """What a selection has to keep besides its size."""

    include: Rows | None = option(
        "Rows that must be chosen: ids of the table, else indices from 0, separated by commas, "
        "or a file with one on each line.",
        None,
        metavar="ROWS",
    )
    exclude: Rows | None = option("Rows that must not be chosen, likewise.", None, metavar="ROWS")
    exactly: tuple[GroupCount, ...] = _quota(
        "Quota: exactly N rows of each group. LABELS is a column of the table, or a file with the "
        "group of each row; N an integer, a .csv file of groups and integers, or 'proportional' "
        "for as large a share of K as the group has of all rows. Repeatable."
    )
    at_least: tuple[GroupCount, ...] = _quota(
        "Quota: at least N rows of each group, likewise, but for 'proportional'."
    )
    at_most: tuple[GroupCount, ...] = _quota("Quota: at most N rows of each group, likewise.")
    cost: str | None = option(
        "Cost of each row: a column of the table, or a file.",
        None,
        metavar="COLUMN|FILE",
        needs="budget",
    )
    budget: float | None = option(
        "Most that the chosen may cost together.", None, ge=0, metavar="B", needs="cost"
    )
    conflicts: Pairs | None = option(
        "File of pairs of rows that may not be chosen together, two on each line.",
        None,
        metavar="FILE",
    )

    @property
    def quotas(self) -> list[tuple[str, GroupCount]]:
        """All quotas, each with its word."""
        words = ("exactly", "at_least", "at_most")
        return [(word, one) for word in words for one in getattr(self, word)]

    @property
    def labels(self) -> list[str]:
        """The columns of the table that are labels or costs, not features."""
        named = (name for _, name in self._named)
        return [name for name in dict.fromkeys(named) if not is_file(name)]

    @property
    def _named(self) -> list[tuple[str, str]]:
        """What holds labels or costs, each with its word."""
        named = [(word, one.labels) for word, one in self.quotas]
        return named if self.cost is None else [*named, ("cost", self.cost)]

    def features(
        self, file: str, table: TableOptions, wording: Wording = COMMAND_LINE
    ) -> TableOptions:
        """Return how the table is read: without the columns that are labels or costs."""
        if not self.labels or table.columns is not None:
            return table
        first = next(word for word, name in self._named if name == self.labels[0])
        require_rereadable(file, wording.spelled(first), self.labels[0])
        names, _ = cells_of(file)
        unknown = next((name for name in self.labels if name not in names), None)
        if unknown is not None:
            raise InvalidOption(
                f"labels and costs must be columns of {file}, which has {', '.join(names)}, or "
                f"files; got {unknown!r}{nearest(unknown, names)}"
            )
        others = set(self.labels)
        if table.id is not None:
            others.add(names[index_of(table.id, tuple(names), True, file)])
        return replace(table, header=True, columns=[name for name in names if name not in others])

    def kept(
        self,
        problem: Any,
        file: str,
        ids: Sequence[str] | None,
        wording: Wording = COMMAND_LINE,
    ) -> tuple[Any, NamedRows]:
        """Return the problem with the constraints, and its rows by their names.

        Parameters
        ----------
        problem : Problem
        file : str
            The table or graph that it was read from.
        ids : sequence of str or None
            Of the rows of the table; without them rows are named as the problem names them.
        wording : Wording
        """
        names = getattr(problem, "names", None) if ids is None else ids
        rows = NamedRows(problem.n, file, names)
        rules = self.made(rows, problem.k, wording)
        return (problem if rules is None else problem.constrained(rules)), rows

    def made(
        self, rows: NamedRows, k: int, wording: Wording = COMMAND_LINE
    ) -> "Constraints | None":
        """Read what the words name; None where nothing is constrained.

        Parameters
        ----------
        rows : NamedRows
        k : int
            What "proportional" shares out.
        wording : Wording

        Raises
        ------
        InvalidOption, InvalidFile, InvalidProblem
            Naming the word, the column or the file, and what it has to hold.
        """
        reading = ConstraintReading(rows, wording)
        include = reading.indices("include", self.include) or ()
        exclude = reading.indices("exclude", self.exclude) or ()
        if both := set(include).intersection(exclude):
            words = " and ".join(map(wording.spelled, ("include", "exclude")))
            raise InvalidProblem(f"{words} both name {rows.called(min(both))}; drop one")
        quotas = [
            (wording.spelled(word), one, reading.quota(word, one, k)) for word, one in self.quotas
        ]
        require_compatible(quotas)
        made = problems.Constraints(
            include=include,
            exclude=exclude,
            quotas=[quota for *_, quota in quotas],
            costs=None if self.cost is None else reading.costs(self.cost),
            budget=self.budget,
            conflicts=() if self.conflicts is None else reading.pairs(self.conflicts),
        )
        return None if made == problems.Constraints() else made


@dataclass(frozen=True, kw_only=True)
class ConstraintAndStartOptions(ConstraintOptions):
    """What a selection has to keep, and what the search begins with."""

    start: Rows | None = option(
        "Rows to begin with, as for --include; repaired where they break a constraint.",
        None,
        metavar="ROWS",
    )

    def begin(self, rows: NamedRows, wording: Wording = COMMAND_LINE) -> "NDArray[Any] | None":
        """Return the start as indices, None where there is none."""
        import numpy as np

        found = ConstraintReading(rows, wording).indices("start", self.start)
        return None if found is None else np.array(found, np.int64)
