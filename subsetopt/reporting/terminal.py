"""Tables and lines on the terminal."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from .columns import Column
from .visible import visible

T = TypeVar("T")
_WIDE = 160  # columns where the reader is no window: whoever reads it folds it


class _Safe(Console):
    """Prints text as it stands, what a terminal would obey in it as escapes."""

    def on_broken_pipe(self) -> None:
        raise  # called while BrokenPipeError is handled; Rich would exit with a code of its own

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)  # before it is measured

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console(*, stderr: bool = False) -> Console:
    """Return a console for text that may be anybody's, wide where it is no terminal's."""
    plain = _Safe(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not plain.is_terminal and "COLUMNS" not in os.environ:
        plain.width = _WIDE
    return plain


def print_lines(lines: Iterable[str], console: Console) -> None:
    """Print each line with a margin."""
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 1)))


def grid(lines: Mapping[str, str]) -> Table:
    """Return names and what there is to say of them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines.items():
        table.add_row(f" {name}", Text(text))
    return table


def fitted(
    columns: Iterable[Column[T]], sections: Sequence[Sequence[T]], console: Console
) -> Table:
    """Return the table with as many columns as there is room for, a rule between sections."""
    shown = list(columns)
    table = _of_columns(shown, sections)
    wide = console.options.update(width=10_000)
    while console.measure(table, options=wide).maximum > console.width:
        last = max(reversed(shown), key=lambda column: column.rank)
        if not last.rank:
            break
        shown.remove(last)
        table = _of_columns(shown, sections)
    return table


def _of_columns(shown: Sequence[Column[T]], sections: Sequence[Sequence[T]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, (column, heading) in enumerate(zip(shown, _headings(shown), strict=True)):
        table.add_column(
            heading if number else f" {heading}",
            justify="left" if column.is_text else "right",
            no_wrap=not column.is_text or number == 0,
            overflow="fold",
            vertical="top",
        )
    for lines in sections:
        for line in lines:
            first, *others = (column.cell(line) for column in shown)
            table.add_row(f" {first}", *others)
        table.add_section()
    return table


def _headings(shown: Iterable[Column[T]]) -> Iterator[str]:
    """Yield headings of one or two lines, the group on the first of its columns alone."""
    group = ""
    for column in shown:
        above = column.group if column.group != group else ""
        group = column.group
        yield f"{above}\n{column.heading}" if group else column.heading
