"""Text in Markdown and HTML: what would mean something there is escaped."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from .visible import visible

_UNITS = re.compile(r"(?<=\d) (?=(?:%|s|ms|µs|MiB|GiB)(?!\w))")


class Html(str):
    """Text that is HTML already."""


def escaped(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", visible(text))


def html(text: str) -> Html:
    """Return text that a page shows as it stands; numbers and their units are kept together."""
    if isinstance(text, Html):
        return text
    kept = _UNITS.sub("\N{NO-BREAK SPACE}", visible(text))
    return Html(escape(kept, quote=False).replace("\n", "<br>"))


def element(name: str, *children: str, **attributes: Any) -> Html:
    """Return an element; text and attributes are escaped, attributes of None left out.

    A trailing ``_`` of an attribute's name is dropped, any other becomes a ``-``.
    """
    given = {key.rstrip("_").replace("_", "-"): x for key, x in attributes.items() if x is not None}
    opening = "".join(f' {key}="{escape(visible(str(value)))}"' for key, value in given.items())
    return Html(f"<{name}{opening}>{joined(map(html, children))}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Return elements one after the other."""
    return Html("".join(parts))


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
