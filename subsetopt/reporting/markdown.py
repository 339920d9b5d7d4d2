"""Tables, lists and figures as GitHub Markdown."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from .columns import Column
from .visible import visible

T = TypeVar("T")


def escaped(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", visible(text))


def table(shown: Sequence[Column[T]], lines: Iterable[T]) -> str:
    """Return a table."""
    rows = [
        _row(column.name for column in shown),
        _row("---" if column.is_text else "---:" for column in shown),
    ]
    rows += [_row(_cell(column, line) for column in shown) for line in lines]
    return "\n".join(rows)


def bullets(lines: Iterable[str]) -> list[str]:
    """Return a list as one part of a page, or nothing."""
    text = "\n".join(f"- {line}" for line in lines)
    return [text] if text else []


def named(found: Mapping[str, str]) -> list[str]:
    """Return a list of names and what there is to say of them."""
    lines = ((name, text.replace("\n", "; ")) for name, text in found.items())
    return bullets(f"**{name}:** {escaped(text)}" for name, text in lines)


def drawn(links: Mapping[str, str]) -> Iterator[str]:
    """Yield figures, given as titles and where they are."""
    for title, where in links.items():
        yield f"![{escaped(title)}]({f'<{where}>' if ' ' in where else where})"


def _cell(column: Column[T], line: T) -> str:
    return escaped(column.cell(line)).replace("\n", "<br>")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
