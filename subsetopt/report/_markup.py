"""Text in Markdown and HTML: what would mean something there is escaped."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from ._visible import visible

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
