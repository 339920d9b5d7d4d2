"""Text of other people's, such as names in files: shown, never obeyed by a terminal or a page."""

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, the beginnings of escape sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # that change the direction of what follows
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e007f"  # that break lines, or hide text
    "\ud800-\udfff]"  # bytes of a file's name that are no text, which no stream takes
)
_FIRST_BYTE = 0xDC00  # Python's way to keep them


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
