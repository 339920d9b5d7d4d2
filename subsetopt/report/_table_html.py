"""Tables as HTML."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from ._markup import Html, element, joined
from ._number_format import NOTHING

if TYPE_CHECKING:
    from .table import Column, Table

T = TypeVar("T")
_LONG = 40  # characters that a page folds


def table_html(table: "Table[T]") -> Html:
    """Return a table as an element; columns without any entry are left out."""
    rows = table.rows
    kept = [c for c in table.columns if not rows or any(c.text(row) != NOTHING for row in rows)]
    least = [_least(column, rows) for column in kept]
    head = joined(element("tr", row) for row in _heads(kept) if row)
    body = (
        element("tr", *_cells(kept, least, row), class_="first" if i in table.breaks else None)
        for i, row in enumerate(rows)
    )
    parts = (element("thead", head), element("tbody", joined(body)))
    return element("table", *parts, class_="sortable")


def _heads(shown: "Sequence[Column[Any]]") -> tuple[Html, Html]:
    """Return the two rows of the head; the second is empty where there are no groups."""
    two = any(column.group for column in shown)
    above: list[Html] = []
    below: list[Html] = []
    for group, members in groupby(enumerate(shown), key=lambda pair: pair[1].group):
        own = list(members)
        cells = below if group else above
        if group:
            span = len(own) if len(own) > 1 else None
            above.append(element("th", group, scope="colgroup", colspan=span, class_="group"))
        for number, column in own:
            rows = 2 if two and not group else None
            kind = "text" if column.is_text and not group else None
            cells.append(
                element(
                    "th", column.title, scope="col", rowspan=rows, data_column=number, class_=kind
                )
            )
    return joined(above), joined(below)


def _least(column: "Column[T]", rows: Sequence[T]) -> str | None:
    """Return what stands in the cells with the least value, where these are set off."""
    if not column.least:
        return None
    found = [(value, column.text(row)) for row in rows if (value := column.of(row)) is not None]
    return min(found)[1] if found else None


def _cells(shown: "Sequence[Column[T]]", least: Sequence[str | None], row: T) -> Iterator[Html]:
    for number, (column, smallest) in enumerate(zip(shown, least, strict=True)):
        text = column.text(row)
        kinds = ["text" if column.is_text else "", "least" if text == smallest else ""]
        kinds += ["wide" if column.is_text and len(text) > _LONG else ""]
        kinds += [column.style(row) if column.style else ""]
        value = None if column.is_text else column.of(row)
        options = {"data_value": value, "class_": " ".join(filter(None, kinds)) or None}
        if number:
            yield element("td", text, **options)
        else:
            yield element("th", text, scope="row", **options)
