"""Untrusted text made safe for terminals, Markdown and HTML."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, the beginnings of escape sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # that change the direction of what follows
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e007f"  # that break lines, or hide text
    "\ud800-\udfff]"  # bytes of a file's name that are no text, which no stream takes
)
_FIRST_BYTE = 0xDC00  # Python's way to keep them
_UNITS = re.compile(r"(?<=\d) (?=(?:%|s|ms|µs|MiB|GiB)(?!\w))")


def visible(text: str) -> str:
    r"""Return text with what acts instead of being seen written as an escape.

    A carriage return becomes ``\r``, an escape character ``\x1b``, a right-to-left override
    ``\u202e``; letters of all scripts, tabs and line feeds stay.
    """
    return _ACTING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if _FIRST_BYTE + 0x80 <= code <= _FIRST_BYTE + 0xFF:
        return f"\\x{code - _FIRST_BYTE:02x}"
    return found[0].encode("unicode_escape").decode("ascii")


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
