"""Documents as HTML."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from ._markup import Html, element, html, joined
from ._sections import Block, Facts, Note, Notes, Picture, Section, note_of
from .table import Table

if TYPE_CHECKING:
    from ._document import Document

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
"""


def page(document: "Document", drawn: Mapping[str, str]) -> str:
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


def _header(document: "Document", sections: Mapping[str, Section]) -> Html:
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
