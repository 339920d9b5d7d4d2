"""Tables and lines on the terminal."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any

from ._markup import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.table import Table as RichTable

    from .table import Column, Table

STYLES = {
    "good": "green",
    "bad": "red",
    "alarm": "bold red",
    "new": "yellow",
    "strong": "bold",
    "dim": "dim",
    "": "",
}
"""How cells, rows and lines are set off, by the names that domains use."""
FOLDS = ("", "text", "words", "all")
"""What a table folds, one after the other: nothing, all text, also within words, numbers too."""
_WORD = 16  # columns of the longest word that is not folded, as long as there is room
_FEW = 8  # columns of text that is folded within words, as long as there is room
_WIDE = 160  # columns where the reader is no window: whoever reads it folds it


@cache
def _console_class() -> "type[Console]":
    from rich.console import Console
    from rich.text import Text

    class SafeConsole(Console):
        """Prints text as it stands, what a terminal would obey in it as escapes."""

        def on_broken_pipe(self) -> None:
            """Leave it to the caller: Rich would exit with a code of its own."""
            raise  # called while BrokenPipeError is handled

        def render_str(self, text: str, **options: Any) -> Text:
            """Return text that is safe before it is measured."""
            return super().render_str(visible(text), **options)

        def render(
            self, renderable: "RenderableType", options: "ConsoleOptions | None" = None
        ) -> "Iterable[Segment]":
            """Yield segments whose text is safe."""
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    return SafeConsole


def console(*, stderr: bool = False, **options: Any) -> "Console":
    """Return a console for text that may be anybody's, wide where it is no terminal's.

    It prints text as it stands, what a terminal would obey in it as escapes.
    """
    plain = _console_class()(stderr=stderr, markup=False, emoji=False, highlight=False, **options)
    if not plain.is_terminal and "COLUMNS" not in os.environ and not options:
        plain.width = _WIDE
    return plain


def to_text(items: Iterable["RenderableType"], width: int) -> str:
    """Return what a terminal of so many columns would show."""
    screen = console(file=StringIO(), width=width)
    for item in items:
        screen.print(item)
    return "".join(f"{line.rstrip()}\n" for line in screen.file.getvalue().splitlines())  # type: ignore[attr-defined]


def print_lines(lines: Iterable[str], console: "Console", style: str = "") -> None:
    """Print each line with a margin."""
    for text in lines:
        console.print(line(text, style))


def line(text: str, style: str = "") -> "RenderableType":
    """Return a line with a margin."""
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(text, style=STYLES.get(style, style)), (0, 0, 0, 1))


def facts(lines: Mapping[str, str], title: str | None = None) -> "RenderableType":
    """Return names and what there is to say of them, in a frame where there is a title."""
    from rich.panel import Panel
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    margin = " " if title is None else ""
    for name, text in lines.items():
        table.add_row(f"{margin}{name}", Text(text))
    return table if title is None else Panel.fit(table, title=Text(title))


def grid_of(table: "Table[Any]", fold: str = "", *, tight: bool = False) -> "RichTable":
    """Return all columns of a table as Rich draws them.

    Text but that of the first column may be folded; `fold` is what else: one of `FOLDS`. With
    `tight` text has as few columns as may be.
    """
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, (column, heading) in enumerate(
        zip(table.columns, _headings(table.columns), strict=True)
    ):
        whole = fold != "all" and not (column.is_text and (number or fold))
        grid.add_column(
            heading if number else f" {heading}",
            justify="left" if column.is_text else "right",
            no_wrap=whole,
            min_width=_least(table, column, whole, fold) + (not number),
            max_width=_FEW if tight and not whole else None,
            overflow="fold",
            vertical="top",
        )
    for number, row in enumerate(table.rows):
        if number in table.breaks:
            grid.add_section()
        cells = [
            Text(visible(column.text(row)), style=STYLES[column.style(row)] if column.style else "")
            for column in table.columns
        ]
        cells[0] = Text(" ").append_text(cells[0])
        grid.add_row(*cells, style=STYLES[table.row_style(row)] if table.row_style else None)
    return grid


def _least(table: "Table[Any]", column: "Column[Any]", whole: bool, fold: str) -> int:
    """Return the least width of a column: of its lines where they stay whole, else of a word."""
    if not whole and not (column.is_text and fold == "text"):
        return 1
    texts = (line for row in table.rows for line in column.text(row).splitlines())
    if whole:
        return max(map(len, texts), default=1)
    return min(_WORD, max((len(word) for text in texts for word in text.split()), default=1))


def _headings(shown: Iterable["Column[Any]"]) -> Iterator[str]:
    """Yield headings of one or two lines, the group on the first of its columns alone."""
    group = ""
    for column in shown:
        above = column.group if column.group != group else ""
        group = column.group
        yield f"{above}\n{column.title}" if group else column.title
