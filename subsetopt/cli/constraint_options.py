"""The options that constrain a selection, and what it begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subsetopt._options import option
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subsetopt.problems import Constraints

    from .problem_options import Tables

_SUFFIXES = (".csv", ".tsv", ".txt", ".npy", ".npz", ".gz")


@dataclass(frozen=True)
class NamedRows:
    """The rows that a selection is made of, as people name them.

    Parameters
    ----------
    count : int
    file : str
        The table that they are from.
    names : sequence of str or None
        Their ids, or names of nodes; None if they have none but their indices from 0.
    """

    count: int
    file: str
    names: Sequence[str] | None = None
    positions: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = range(self.count) if self.names is None else self.names
        object.__setattr__(self, "positions", {str(name): i for i, name in enumerate(names)})

    def index(self, flag: str, name: str) -> int:
        """Return the index of a row, given its name."""
        if name not in self.positions:
            what = "an index in [0, {}]" if self.names is None else "one of the rows of {1}"
            raise InvalidOption(
                f"{flag} must name {what.format(self.count - 1, self.file)}; got {name!r}"
            )
        return self.positions[name]


def _quota(help: str) -> Any:  # noqa: A002
    return option(help, (), metavar="LABELS=N", repeatable=True, parse=lambda name, text: [text])


@dataclass(frozen=True, kw_only=True)
class ConstraintOptions:
    """What a selection has to keep besides its size."""

    include: str | None = option(
        "Rows that must be chosen: ids of the table, else indices from 0, separated by commas, "
        "or a file with one on each line.",
        None,
        metavar="ROWS",
    )
    exclude: str | None = option("Rows that must not be chosen, likewise.", None, metavar="ROWS")
    exactly: tuple[str, ...] = _quota(
        "Quota: exactly N rows of each group. LABELS is a column of the table, or a file with the "
        "group of each row; N an integer, or a .csv file of groups and integers. Repeatable."
    )
    at_least: tuple[str, ...] = _quota("Quota: at least N rows of each group, likewise.")
    at_most: tuple[str, ...] = _quota("Quota: at most N rows of each group, likewise.")
    cost: str | None = option(
        "Cost of each row: a column of the table, or a file.",
        None,
        metavar="COLUMN|FILE",
        needs="budget",
    )
    budget: float | None = option(
        "Most that the chosen may cost together.", None, ge=0, metavar="B", needs="cost"
    )
    conflicts: str | None = option(
        "File of pairs of rows that may not be chosen together, two on each line.",
        None,
        metavar="FILE",
    )

    @property
    def labels(self) -> list[str]:
        """The columns of the table that are labels or costs, not features."""
        named = [text.rpartition("=")[0] for text in (*self.exactly, *self.at_least, *self.at_most)]
        named += [] if self.cost is None else [self.cost]
        return [name for name in dict.fromkeys(named) if name and not _is_file(name)]

    def features(self, file: str, table: TableOptions) -> TableOptions:
        """Return how the table is read: without the columns that are labels or costs."""
        if not self.labels or table.columns is not None:
            return table
        from dataclasses import replace

        names, _ = _texts(file)
        unknown = next((name for name in self.labels if name not in names), None)
        if unknown is not None:
            raise InvalidOption(
                f"labels and costs must be columns of {file}, which has {', '.join(names)}, or "
                f"files; got {unknown!r}"
            )
        rest = [name for name in names if name not in self.labels and name != table.id]
        return replace(table, header=True, columns=rest)

    def kept(self, problem: Any, file: str, tables: "Tables") -> tuple[Any, NamedRows]:
        """Return the problem with the constraints, and its rows by their names."""
        main = next(iter(tables.values()), None)
        names = getattr(problem, "names", None) if main is None or main.ids is None else main.ids
        rows = NamedRows(problem.n, file, names)
        rules = self.made(rows)
        return (problem if rules is None else problem.constrained(rules)), rows

    def made(self, rows: NamedRows) -> "Constraints | None":
        """Read what the options name; None where nothing is constrained."""
        from subsetopt.problems import Constraints

        quotas = [
            self._read_quota(rows, f"--{kind.replace('_', '-')}", kind, text)
            for kind in ("exactly", "at_least", "at_most")
            for text in getattr(self, kind)
        ]
        conflicts: list[list[int]] = []
        if self.conflicts is not None:
            conflicts = [
                [rows.index("--conflicts", name) for name in pair]
                for pair in _pairs(self.conflicts)
            ]
        made = Constraints(
            include=_indices("--include", self.include, rows) or (),
            exclude=_indices("--exclude", self.exclude, rows) or (),
            quotas=quotas,
            costs=None if self.cost is None else _costs(self.cost, rows),
            budget=self.budget,
            conflicts=conflicts,
        )
        return None if made == Constraints() else made

    def _read_quota(self, rows: NamedRows, flag: str, kind: str, text: str) -> Any:
        from subsetopt.problems import Quota

        name, sign, number = text.rpartition("=")
        if not sign or not name:
            raise InvalidOption(f"{flag} must be LABELS=N, such as region=5; got {text!r}")
        labels = _column(flag, name, rows)
        if _is_file(number):
            numbers: Any = {group: _integer(flag, count) for group, count in _pairs(number)}
        else:
            numbers = _integer(flag, number)
        return Quota(labels, **{kind: numbers})


@dataclass(frozen=True, kw_only=True)
class ConstraintAndStartOptions(ConstraintOptions):
    """What a selection has to keep, and what the search begins with."""

    start: str | None = option(
        "Rows to begin with, as for --include; repaired where they break a constraint.",
        None,
        metavar="ROWS",
    )

    def begin(self, rows: NamedRows) -> "NDArray[Any] | None":
        """Return the start as indices, None where there is none."""
        import numpy as np

        found = _indices("--start", self.start, rows)
        return None if found is None else np.array(found, np.int64)


def _is_file(text: str) -> bool:
    return Path(text).suffix.lower() in _SUFFIXES


def _integer(flag: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidOption(
            f"{flag} must end with an integer or a .csv file of groups and integers; got {text!r}"
        ) from None


def _indices(flag: str, text: str | None, rows: NamedRows) -> list[int] | None:
    if text is None:
        return None
    names = text.split(",")
    if _is_file(text):
        header, lines = _texts(text)
        cells = [cells[0] for cells in lines]
        names = cells if header[0] not in rows.positions else [header[0], *cells]
    return [rows.index(flag, name.strip()) for name in names]


def _column(flag: str, name: str, rows: NamedRows) -> list[str]:
    """Return the texts of a column of the table, or of a file with one on each line."""
    if not _is_file(name) and rows.file == "-":
        raise InvalidOption(
            f"{flag} must name a file where the table is standard input, which is read once; got "
            f"{name!r}"
        )
    header, lines = _texts(name if _is_file(name) else rows.file)
    if _is_file(name):
        texts = [cells[0] for cells in lines]
        texts = texts if len(texts) == rows.count else [header[0], *texts]
    else:
        if name not in header:
            raise InvalidOption(
                f"{flag} must name a column of {rows.file}, which has {', '.join(header)}, or a "
                f"file; got {name!r}"
            )
        at = header.index(name)
        texts = [cells[at] for cells in lines]
    if len(texts) != rows.count:
        raise InvalidFile(
            f"{name}: must have a line for each of the {rows.count} rows; got {len(texts)}"
        )
    return texts


def _costs(name: str, rows: NamedRows) -> list[float]:
    try:
        return [float(text) for text in _column("--cost", name, rows)]
    except ValueError as error:
        raise InvalidFile(f"{name}: costs must be numbers ({error})") from None


def _pairs(file: str) -> list[tuple[str, str]]:
    """Return the two cells of each line of a file, which may begin with a header of words."""
    header, lines = _texts(file)
    every = [header, *lines]
    odd = next((cells for cells in every if len(cells) != 2), None)
    if odd is not None:
        raise InvalidFile(f"{file}: every line must have two cells; got {len(odd)} in {odd}")
    is_header = not any(cell.lstrip("-").isdigit() for cell in header)
    return [(a, b) for a, b in (lines if is_header else every)]


def _texts(file: str) -> tuple[list[str], list[list[str]]]:
    """Return the cells of line 1 of a text file, and of the others."""
    from subsetopt.formats import read_texts

    first, *rest = read_texts(file)
    return first, rest


def what_is_kept(
    constraints: "Constraints | None", indices: "NDArray[Any] | None"
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return how a selection keeps its constraints: lines for people, and keys for ``--json``."""
    if constraints is None or indices is None:
        return {}, {}
    lines: dict[str, str] = {}
    keys: dict[str, Any] = {}
    groups = [
        {str(g): int(c) for g, c in zip(quota.groups, quota.counts(indices), strict=True)}
        for quota in constraints.quotas
    ]
    if groups:
        keys["quotas"] = groups
        shown = [", ".join(f"{group} {c}" for group, c in list(one.items())[:12]) for one in groups]
        lines["chosen of groups"] = "; ".join(dict.fromkeys(shown))
    if constraints.priced is not None:
        keys |= {"cost": constraints.priced.total(indices), "budget": constraints.budget}
        lines["cost"] = f"{keys['cost']!r} of {constraints.budget!r}"
    return lines, keys
