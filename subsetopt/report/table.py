"""Tables: columns declared once, shown on every medium or written to files."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from . import _markup, _terminal
from ._number_format import NOTHING
from ._table_html import table_html
from ._values import plain, to_frame, write_csv, write_parquet

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Column", "Table", "show"]

T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table whose rows are of type T.

    Parameters
    ----------
    heading : str
    value : str or callable, optional
        What a row has there, and what the column is sorted by: an attribute, the key of a mapping,
        or a function of the row. None is sorted by its text.
    format : str or callable, optional
        How a value is written: a format specification such as ``",.3g"``, or a function. What has
        a format is a number: aligned to the right and never folded.
    cell : callable, optional
        The whole text of a row's cell, in place of a formatted value; its own lines are apart.
    group : str
        A heading that it shares with its neighbours.
    unit : str
        Stands behind the heading.
    meaning : str
        For the glossary of a page, and the documentation.
    rank : int
        Where there is no room for all, those of the highest rank give way first, of equal ones the
        last; 0 never does.
    key : str
        Its name in JSON and in files; else `value` where that is a name, else the heading.
    dtype : str
        In files: a nullable dtype of pandas, or ``list[...]`` of one; else by the values.
    style : callable, optional
        How a row's cell is set off: one of `terminal.STYLES`, or nothing.
    least : bool
        Whether the smallest value is set off in HTML.
    is_text : bool, optional
        Whether it is aligned to the left and may be folded; None is where there is no format.
    """

    heading: str = ""
    value: str | Callable[[T], Any] | None = None
    format: str | Callable[[Any], str] | None = None
    _: KW_ONLY
    cell: Callable[[T], str] | None = None
    group: str = ""
    unit: str = ""
    meaning: str = ""
    rank: int = 0
    key: str = ""
    dtype: str = ""
    style: Callable[[T], str] | None = None
    least: bool = False
    is_text: bool = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.is_text is None:
            text = self.format is None and (self.cell is None or self.value is None)
            object.__setattr__(self, "is_text", text)
        if not self.key:
            key = self.value if isinstance(self.value, str) else self.name
            object.__setattr__(self, "key", key)

    @property
    def title(self) -> str:
        """The heading with its unit."""
        return f"{self.heading} {self.unit}".strip()

    @property
    def name(self) -> str:
        """The group and the heading in one line."""
        return f"{self.group} {self.title}".strip()

    def of(self, row: T) -> Any:
        """Return what a row has there."""
        if self.value is None or callable(self.value):
            return None if self.value is None else self.value(row)
        return row.get(self.value) if isinstance(row, Mapping) else getattr(row, self.value)

    def text(self, row: T) -> str:
        """Return what stands in a row's cell; `NOTHING` for what is missing or not a number."""
        if self.cell is not None:
            return self.cell(row)
        value = self.of(row)
        if value is None or (isinstance(value, Real) and value != value):
            return NOTHING
        if callable(self.format):
            return self.format(value)
        return f"{value:{self.format or ''}}" if self.format else str(value)


@dataclass(frozen=True)
class Table(Generic[T]):
    """Rows under columns.

    Parameters
    ----------
    columns : sequence of Column
    rows : sequence
    name : str
        Whatever reads a page aloud calls it so.
    breaks : sequence of int
        Rows with a gap above them; see `in_sections`.
    row_style : callable, optional
        How a whole row is set off on a terminal, likewise.
    markdown_rank : int, optional
        Columns from this rank on are left out of Markdown.
    """

    columns: Sequence[Column[T]]
    rows: Sequence[T]
    _: KW_ONLY
    name: str = ""
    breaks: Sequence[int] = ()
    row_style: Callable[[T], str] | None = None
    markdown_rank: int | None = None

    @classmethod
    def in_sections(
        cls, columns: Sequence[Column[T]], sections: Iterable[Sequence[T]], **options: Any
    ) -> Self:
        """Return a table with a gap between sections."""
        rows: list[T] = []
        breaks = []
        for section in sections:
            breaks.append(len(rows))
            rows += section
        return cls(columns, rows, breaks=breaks[1:], **options)

    @classmethod
    def of_records(cls, rows: Sequence[Mapping[str, Any]]) -> "Table[Mapping[str, Any]]":
        """Return a table of mappings: a column for each key of the longest, three digits."""
        longest = max(rows, key=len, default={})
        columns: list[Column[Mapping[str, Any]]] = [
            Column(key, key, None if isinstance(value, str) else _short)
            for key, value in longest.items()
        ]
        return Table(columns, rows)

    def up_to(self, rank: int) -> Self:
        """Return the table with the columns of smaller ranks."""
        return replace(self, columns=[column for column in self.columns if column.rank < rank])

    # -- for people ------------------------------------------------------------------------------

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Yield it with as many columns as there is room for; else text is folded, then all.

        A line names the columns that were left out.
        """
        table, fold, wide = self, "", options.update(width=10_000)
        while True:
            drawn = _terminal.grid_of(table, fold)
            tight = _terminal.grid_of(table, fold, tight=True) if fold == "words" else drawn
            least, most = console.measure(tight, options=wide)
            if fold == "all" or (least if fold else most) <= options.max_width:
                break
            last = max(reversed(table.columns), key=lambda column: column.rank, default=None)
            if last is not None and last.rank:
                kept = [column for column in table.columns if column is not last]
                table = replace(table, columns=kept)
            else:
                fold = _terminal.FOLDS[_terminal.FOLDS.index(fold) + 1]
        yield drawn
        shown = {id(column) for column in table.columns}
        absent = [column.name for column in self.columns if id(column) not in shown]
        if absent and self.rows:
            yield _terminal.line(f"no room for {', '.join(absent)}: a wider window has it", "dim")

    def to_terminal(self, width: int = 80) -> str:
        """Return lines of at most `width` characters, as far as columns may give way or fold."""
        return _terminal.to_text([self], width).strip("\n") + "\n"

    def to_markdown(self) -> str:
        """Return the table as GitHub Markdown."""
        table = self if self.markdown_rank is None else self.up_to(self.markdown_rank)
        shown = table.columns
        lines = [
            [_markup.escaped(column.name) for column in shown],
            ["---" if column.is_text else "---:" for column in shown],
        ]
        for row in table.rows:
            cells = (_markup.escaped(column.text(row)) for column in shown)
            lines.append([cell.replace("\n", "<br>") for cell in cells])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_html(self) -> str:
        """Return the table as an element; columns without any entry are left out.

        Headings carry ``data-column`` and cells ``data-value``, which the script of a `Document`
        sorts by.
        """
        return table_html(self)

    _repr_html_ = to_html

    # -- for programs ----------------------------------------------------------------------------

    def to_records(self) -> list[dict[str, Any]]:
        """Return a mapping for each row, of what JSON can hold; None for what is not finite."""
        contents = {column.key: self._contents(column) for column in self.columns}
        return [
            dict(zip(contents, row, strict=True)) for row in zip(*contents.values(), strict=True)
        ]

    def _contents(self, column: Column[T]) -> list[Any]:
        of = column.text if column.value is None else column.of
        return [plain(of(row)) for row in self.rows]

    def to_json(self) -> str:
        """Return `to_records` as text."""
        return json.dumps(self.to_records(), allow_nan=False)

    def to_frame(self) -> "DataFrame":
        """Return a table of pandas, with the dtypes of the columns; raises MissingDependency."""
        return to_frame({c.key: (c.dtype, self._contents(c)) for c in self.columns})

    def to_parquet(
        self, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write a Parquet file; raises MissingDependency and OSError."""
        lists = {c.key: c.dtype for c in self.columns if c.dtype.startswith("list")}
        write_parquet(self.to_frame(), lists, path, metadata or {})

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with lists as JSON; raises MissingDependency and OSError."""
        write_csv(self.to_frame(), path)


def show(rows: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Print a table of mappings, below a title where there is one."""
    screen = _terminal.console()
    _terminal.print_lines([title] if title else [], screen, "strong")
    screen.print(Table.of_records(rows))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
