"""A document as one HTML page."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from .markup import Html, element, joined

if TYPE_CHECKING:
    from .document import Document, Section

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
        sections[-1][1].append(section.to_html(drawn))
    parts = [element("section", *content, id=own.anchor) for own, content in sections]
    return (
        f"{_HEAD}{element('title', name)}\n{element('style', _part('page.css'))}\n</head>\n<body>\n"
        f"{_header(document, [own for own, _ in sections])}\n{element('main', joined(parts))}\n"
        f"{element('footer', document.footer)}\n{element('script', _part('page.js'))}\n"
        "</body>\n</html>\n"
    )


def _part(name: str) -> Html:
    return Html("\n" + files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _header(document: "Document", sections: "Sequence[Section]") -> Html:
    lede = [element("span", text) for text in document.lede]
    lede += [element("strong", document.badge, class_="badge")] if document.badge else []
    links = [
        element("a", own.link or own.title, href=f"#{own.anchor}")
        for own in sections
        if own.link is not None and own.title
    ]
    return element(
        "header",
        *([element("p", document.kind, class_="kind")] if document.kind else []),
        element("h1", document.title),
        *([element("p", *lede, class_="lede")] if lede else []),
        element("nav", *links, aria_label="Contents"),
    )
