"""Documents and tables as HTML."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from typing import Any, TypeVar

from ._document import Block, Document, Facts, Note, Notes, Picture, Section, note_of
from ._markup import Html, element, html, joined
from ._number_format import NOTHING
from .table import Column, Table

T = TypeVar("T")
_LONG = 40  # characters that a page folds
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
"""


def page(document: Document, drawn: Mapping[str, str]) -> str:
    """Return the page; only style and script are not escaped, which are files of ours."""
    name = f"{document.title}: {document.kind.lower()}" if document.kind else document.title
    sections: list[tuple[Section, list[Html]]] = []
    for section in document.shown_in("html"):
        if section.title or not sections:
            sections.append((section, []))
        sections[-1][1].append(_content(section, drawn))
    names = list(_distinct(own.anchor for own, _ in sections))
    parts = [
        element("section", *content, id=anchor)
        for anchor, (_, content) in zip(names, sections, strict=True)
    ]
    return (
        f"{_HEAD}{element('title', name)}\n{element('style', _part('page.css'))}\n</head>\n<body>\n"
        f"{_header(document, dict(zip(names, [own for own, _ in sections], strict=True)))}\n"
        f"{element('main', joined(parts))}\n"
        f"{element('footer', document.footer)}\n{element('script', _part('page.js'))}\n"
        "</body>\n</html>\n"
    )


def _part(name: str) -> Html:
    return Html("\n" + files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _distinct(names: Iterable[str]) -> Iterator[str]:
    """Yield names none of which comes twice."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        yield name if counts[name] == 1 else f"{name}-{counts[name]}"


def _header(document: Document, sections: Mapping[str, Section]) -> Html:
    lede = [element("span", text) for text in document.lede]
    lede += [element("strong", document.badge, class_="badge")] if document.badge else []
    links = [
        element("a", own.link or own.title, href=f"#{anchor}")
        for anchor, own in sections.items()
        if own.link is not None and own.title
    ]
    return element(
        "header",
        *([element("p", document.kind, class_="kind")] if document.kind else []),
        element("h1", document.title),
        *([element("p", *lede, class_="lede")] if lede else []),
        element("nav", *links, aria_label="Contents"),
    )


# -- sections -------------------------------------------------------------------------------------


def _content(own: Section, drawn: Mapping[str, str]) -> Html:
    """Return what stands in its element; pictures in a row share a box."""
    content = [element("h2", own.title)] if own.title and "html" in own.titled else []
    content += [element("p", own.lead, class_="about")] if own.lead else []
    for pictures, blocks in groupby(own.blocks, lambda block: isinstance(block, Picture)):
        parts = [part for block in blocks for part in _block(block, drawn)]
        box = pictures and parts
        content += [element("div", *parts, class_="figures")] if box else parts
    return joined(content)


def _block(block: Block, drawn: Mapping[str, str]) -> Iterator[Html]:
    """Yield elements, given pictures as SVG by their names."""
    match block:
        case str():
            yield element("p", block, class_="note")
        case Facts():
            yield element("dl", *(_fact(block, name) for name in block.lines), class_="facts")
        case Notes() if block.lines:
            kind = "findings" if block.is_main else "notes"
            yield element("ul", *map(_item, block.lines), class_=kind)
        case Table():
            box = {"class_": "scroll", "tabindex": "0", "role": "region", "aria_label": block.name}
            yield element("div", Html(block.to_html()), **box)
        case Picture() if block.name in drawn:
            names = [f"{block.name}.{kind}" for kind in ("svg", "png")]
            files = [
                element("a", kind, href=name, aria_label=f"{block.title}: {kind}")
                for kind, name in zip(("SVG", "PNG"), names, strict=True)
            ]
            formats = element("span", files[0], html(" "), files[1], class_="formats")
            links = [html(" "), formats] if block.linked else []
            caption = element("figcaption", block.caption, *links)
            card = element("div", Html(drawn[block.name]), class_="card")
            yield element("figure", card, caption)


def _fact(block: Facts, name: str) -> Html:
    link = block.links.get(name)
    term = html(name) if link is None else element("a", name, href=link)
    return element("div", element("dt", term), element("dd", block.lines[name]))


def _item(note: Note | str) -> Html:
    one = note_of(note)
    name = [element("b", one.name), html(": ")] if one.name else []
    return element("li", *name, html(one.text), class_=one.kind or None)


# -- tables ----------------------------------------------------------------------------------------


def table_html(table: Table[T]) -> Html:
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


def _heads(shown: Sequence[Column[Any]]) -> tuple[Html, Html]:
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


def _least(column: Column[T], rows: Sequence[T]) -> str | None:
    """Return what stands in the cells with the least value, where these are set off."""
    if not column.least:
        return None
    found = [(value, column.text(row)) for row in rows if (value := column.of(row)) is not None]
    return min(found)[1] if found else None


def _cells(shown: Sequence[Column[T]], least: Sequence[str | None], row: T) -> Iterator[Html]:
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
