"""Tables: columns are declared once, then shown on a terminal, in Markdown, HTML, JSON, or kept."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from . import markup, terminal
from .number_format import NOTHING
from .plain_values import plain

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")
_LONG = 40  # characters that a page folds


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
        In files: a nullable dtype of pandas, or ``list[...]`` of one.
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
    dtype: str = "string"
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
        if value is None or value != value:
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
        """Yield it with as many columns as there is room for; else text is folded, then all."""
        table, fold = self, ""
        drawn = terminal.grid_of(table)
        wide = options.update(width=10_000)
        while console.measure(drawn, options=wide).maximum > options.max_width:
            last = max(reversed(table.columns), key=lambda column: column.rank, default=None)
            if last is not None and last.rank:
                kept = [column for column in table.columns if column is not last]
                table = replace(table, columns=kept)
            elif fold == "" or console.measure(drawn, options=wide).minimum > options.max_width:
                if fold == "all":
                    break
                fold = "all" if fold else "text"
            else:
                break
            drawn = terminal.grid_of(table, fold)
        yield drawn

    def to_terminal(self, width: int = 80) -> str:
        """Return lines of at most `width` characters, as far as columns may give way or fold."""
        return terminal.to_text([self], width).strip("\n") + "\n"

    def to_markdown(self) -> str:
        """Return the table as GitHub Markdown."""
        table = self if self.markdown_rank is None else self.up_to(self.markdown_rank)
        shown = table.columns
        lines = [
            [markup.escaped(column.name) for column in shown],
            ["---" if column.is_text else "---:" for column in shown],
        ]
        for row in table.rows:
            cells = (markup.escaped(column.text(row)) for column in shown)
            lines.append([cell.replace("\n", "<br>") for cell in cells])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_html(self) -> str:
        """Return the table as an element; columns without any entry are left out.

        Headings carry ``data-column`` and cells ``data-value``, which the script of a `Document`
        sorts by.
        """
        kept = [
            c for c in self.columns if not self.rows or any(c.text(r) != NOTHING for r in self.rows)
        ]
        above, below = _heads(kept)
        head = markup.joined(markup.element("tr", row) for row in (above, below) if row)
        least = [_least(column, self.rows) for column in kept]
        body = markup.joined(
            markup.element(
                "tr", *_html_cells(kept, least, row), class_="first" if i in self.breaks else None
            )
            for i, row in enumerate(self.rows)
        )
        parts = [markup.element("thead", head), markup.element("tbody", body)]
        return markup.element("table", *parts, class_="sortable")

    _repr_html_ = to_html

    # -- for programs ----------------------------------------------------------------------------

    def to_records(self) -> list[dict[str, Any]]:
        """Return a mapping for each row, of what JSON can hold; None for what is not finite."""
        return [{c.key: plain(_content(c, row)) for c in self.columns} for row in self.rows]

    def to_json(self) -> str:
        """Return `to_records` as text."""
        return json.dumps(self.to_records(), allow_nan=False)

    def to_frame(self) -> "DataFrame":
        """Return a table of pandas, with the dtypes of the columns; raises MissingDependency."""
        from .frames import to_frame

        dtypes = {column.key: column.dtype for column in self.columns}
        rows = ([_content(column, row) for column in self.columns] for row in self.rows)
        return to_frame(dtypes, rows)

    def to_parquet(
        self, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write a Parquet file; raises MissingDependency and OSError."""
        from .frames import write_parquet

        dtypes = {column.key: column.dtype for column in self.columns}
        write_parquet(self.to_frame(), dtypes, path, metadata or {})

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with lists as JSON; raises MissingDependency and OSError."""
        from .frames import write_csv

        write_csv(self.to_frame(), path)


def show(rows: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Print a table of mappings, below a title where there is one."""
    screen = terminal.console()
    terminal.print_lines([title] if title else [], screen, "strong")
    screen.print(Table.of_records(rows))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _content(column: Column[T], row: T) -> Any:
    return column.text(row) if column.value is None else column.of(row)


def _heads(shown: Sequence[Column[Any]]) -> tuple[markup.Html, markup.Html]:
    """Return the two rows of the head; the second is empty where there are no groups."""
    two = any(column.group for column in shown)
    above: list[markup.Html] = []
    below: list[markup.Html] = []
    for group, members in groupby(enumerate(shown), key=lambda pair: pair[1].group):
        own = list(members)
        cells = below if group else above
        if group:
            span = len(own) if len(own) > 1 else None
            above.append(
                markup.element("th", group, scope="colgroup", colspan=span, class_="group")
            )
        for number, column in own:
            rows = 2 if two and not group else None
            kind = "text" if column.is_text and not group else None
            cells.append(
                markup.element(
                    "th", column.title, scope="col", rowspan=rows, data_column=number, class_=kind
                )
            )
    return markup.joined(above), markup.joined(below)


def _least(column: Column[T], rows: Sequence[T]) -> str | None:
    """Return what stands in the cells with the least value, where these are set off."""
    if not column.least:
        return None
    found = [(value, column.text(row)) for row in rows if (value := column.of(row)) is not None]
    return min(found)[1] if found else None


def _html_cells(
    shown: Sequence[Column[T]], least: Sequence[str | None], row: T
) -> Iterator[markup.Html]:
    for number, (column, smallest) in enumerate(zip(shown, least, strict=True)):
        text = column.text(row)
        kinds = ["text" if column.is_text else "", "least" if text == smallest else ""]
        kinds += ["wide" if column.is_text and len(text) > _LONG else ""]
        kinds += [column.style(row) if column.style else ""]
        value = None if column.is_text else column.of(row)
        options = {"data_value": value, "class_": " ".join(filter(None, kinds)) or None}
        if number:
            yield markup.element("td", text, **options)
        else:
            yield markup.element("th", text, scope="row", **options)
