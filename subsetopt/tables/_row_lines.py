"""Lines of a table in text: the sign between their cells, and those that are no rows."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidFile
from subsetopt.formats._table_text import (
    SEPARATORS,
    first_lines,
    separator_of,
    without_quoted,
)

NEWLINE = b"\x1e"
"""Stands for a newline within quotes while the lines are told apart."""
_QUOTED = re.compile(rb'(?<![^;\t,|^ \n])"(?:[^"]|"")*"')  # 5" within a cell are inches
_DECLARED = re.compile(rb'"?sep=([^\n"])"?[;,\t ]*\n', re.IGNORECASE)  # as Excel takes it
_ABOVE = re.compile(rb"(?:#[^\n]*\n)*")
_RARE = ("|", "^")
_PACKED = (".gz", ".xz", ".bz2")
_MOST = 0.9  # share of lines with as many cells from which on blanks are taken to separate them


@dataclass(frozen=True)
class RowLines:
    """The content of a file, the sign between its cells, and how many lines were left out."""

    content: bytes
    separator: str
    empty: int

    @classmethod
    def of(cls, raw: bytes, path: str, name: str) -> "RowLines":
        """Make UTF-8 ready to be told apart.

        Lines without any text in their cells, which spreadsheets write below a table, are left out.

        Raises
        ------
        InvalidFile
            If there is one above the last row.
        """
        raw = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        declared = _DECLARED.match(raw)
        raw = b"#" + raw if declared else raw  # counts as a line, holds no row
        start = len(_ABOVE.match(raw)[0])  # type: ignore[index] # matches nothing at all too
        above, body = raw[:start], raw[start:]
        if b'"' in body:
            body = _QUOTED.sub(lambda found: found[0].replace(b"\n", NEWLINE), body)
        separator = declared[1].decode("latin-1") if declared else _separator(body, path)
        sign = separator.encode()
        if separator == " " or sign not in first_lines(body)[0]:
            return cls(above + body, separator, 0)
        end = body.find(b"\n", len(body.rstrip(sign + b'" \t\n')))
        empty = 0
        if end >= 0:
            empty = sum(sign in line for line in body[end:].split(b"\n"))
            body = body[:end]
        _refuse_empty_line(above, body, separator, name)
        return cls(above + body, separator, empty)


def _separator(body: bytes, path: str) -> str:
    """Return the usual sign; one that is rare where lines 1 and 2 hold as many of them.

    Blanks may stand in sentences: they separate cells only if that gives most lines as many, and
    never in .csv.
    """
    lines = [without_quoted(line) for line in first_lines(body) if line]
    usual = separator_of(*first_lines(body))
    counts = [line.count(usual.encode()) for line in lines]
    if usual in SEPARATORS and min(counts, default=0) and abs(counts[0] - counts[-1]) <= 1:
        return usual
    for sign in _RARE:
        counts = [line.count(sign.encode()) for line in lines]
        if counts and counts[0] == counts[-1] > 0:
            return sign
    return "," if usual == " " and not _blanks_separate(body, path) else usual


def _blanks_separate(body: bytes, path: str) -> bool:
    file = Path(path.lower())
    if (file.with_suffix("") if file.suffix in _PACKED else file).suffix == ".csv":
        return False
    header, *widths = [len(without_quoted(line).split()) for line in body.rstrip().split(b"\n")]
    width, count = Counter(widths or [header]).most_common(1)[0]
    # R writes one name less where the rows have names.
    return count >= _MOST * len(widths) and width > 1 and header in (width, width - 1)


def _refuse_empty_line(above: bytes, body: bytes, separator: str, name: str) -> None:
    sign = separator.encode()
    pattern = rf'\n["\t {re.escape(separator)}]+(?=\n|\Z)'.encode()
    below = (found.end() for found in re.finditer(pattern, body) if sign in found[0])
    end = next(below, None) if first_lines(body)[0].strip(sign + b'" \t') else 0
    if end is not None:
        before = above + body[:end]
        number = before.count(b"\n") + before.count(NEWLINE) + 1
        raise InvalidFile(
            f"{name}: line {number} has only empty cells; remove it, or write nan for a missing "
            "value"
        )
