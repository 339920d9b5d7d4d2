"""A table in text: its lines without comments, the signs between its cells, and what each is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple

from subsetopt._csv_cells import is_number
from subsetopt.errors import InvalidFile

SEPARATORS = (";", "\t", ",")
MAX_COLUMNS = 100_000
"""More are refused: the time of reading them grows with the square of their number."""
_BLANK_LINE = re.compile(rb"(?:\A|\n)[ \t]*\n")
_ABOVE = re.compile(rb"(?:(#[^\n]*)\n)*")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
Kind = Literal["number", "missing", "empty", "name", "odd"]
"""What a cell looks like; ``odd`` is no number, but no plain name either: ``1_000``, ``12 kg``."""

MISSING = (
    *("nan", "NaN", "NAN", "-nan", "NA", "N/A", "n/a", "<NA>", "#N/A"),
    *("null", "NULL", "None"),
)
"""Spellings of a missing value that are read as NaN."""
_LIKE_MISSING = {text.casefold() for text in MISSING} | {"nil", "nat", "missing", "undefined"}
_STARTS_LIKE_A_NUMBER = re.compile(r"[+-]?[.,]?\d")
_SHOWN = 40  # characters of a cell in a message


class CellText(NamedTuple):
    """The text of a cell without its quotes, and whether it had any."""

    text: str
    quoted: bool


def kind(text: str, decimal: str = ".") -> Kind:
    """Return what a cell looks like."""
    if not text:
        return "empty"
    if is_number(text, decimal):
        return "number"
    if text.casefold() in _LIKE_MISSING:
        return "missing"
    like_a_number = _STARTS_LIKE_A_NUMBER.match(text) or not any(map(str.isalpha, text))
    return "odd" if like_a_number else "name"


def split(line: str, separator: str) -> list[CellText]:
    """Return the cells of a line; a separator inside quotes separates nothing."""
    if '"' not in line:
        return [CellText(text.strip(), False) for text in line.split(separator)]
    cells, text, quoted = [], "", False
    sign = re.escape(separator)
    for token in re.finditer(rf'"((?:[^"]|"")*)"|({sign})|"|[^"{sign}]+', line):
        if token[2] is not None:
            cells.append(CellText(text.strip(), quoted))
            text, quoted = "", False
        elif token[1] is not None and not text.strip():
            text, quoted = token[1].replace('""', '"'), True
        else:
            text += token[0]
    return [*cells, CellText(text.strip(), quoted)]


def shortened(text: str) -> str:
    """Return a text in quotes, escaped and cut, as messages show it."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")


@dataclass(frozen=True, eq=False, kw_only=True)
class TableText:
    """The lines of a table, at least one, all with something on them.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    body : bytes
        UTF-8 without comments, each line ended by one newline or the end. Where blanks separate,
        there is one between two cells.
    separator : str
        Between the cells of a line.
    decimal : str
        The sign in front of decimals.
    comments : tuple of int
        The lines of the file, from 0, that are comments.
    above : str
        The last comment above the first line; empty without one.
    """

    name: str
    body: bytes
    separator: str
    decimal: str
    comments: tuple[int, ...]
    above: str = ""

    @cached_property
    def count(self) -> int:
        """The number of lines."""
        return self.body.count(b"\n") + 1

    @property
    def rest(self) -> bytes:
        """All lines but the first."""
        return self.body.partition(b"\n")[2]

    def cells(self, line: int) -> list[CellText]:
        """Return the cells of line 0 or 1."""
        return split(next(islice(self, line, None)), self.separator)

    def __iter__(self) -> Iterator[str]:
        start = 0
        while start <= len(self.body):
            end = self.body.find(b"\n", start)
            end = len(self.body) if end < 0 else end
            yield self.body[start:end].decode()
            start = end + 1

    def number(self, line: int) -> int:
        """Return the number in the file, from 1, of a line, from 0."""
        for comment in self.comments:
            if comment > line:
                break
            line += 1
        return line + 1

    @classmethod
    def of(cls, content: bytes, name: str, separator: str | None = None) -> "TableText":
        """Take the content of a file apart.

        With a `separator`, one of rows with text, lines that begin with # are comments above
        line 1 alone: below, that is how a cell begins.

        Raises
        ------
        InvalidFile
            If it is empty, not UTF-8, has a blank line, an open quote, too many columns, or
            commas that could mark decimals as well as thousands.
        """
        whole = _lines(content, name)
        body, comments = _without_comments(whole, name, separator is not None)
        above = _ABOVE.match(whole)[1] or b""  # type: ignore[index] # matches nothing at all too
        text = cls(
            name=name,
            body=body,
            separator=",",
            decimal=".",
            comments=comments,
            above=above.decode(),
        )
        text._refuse_open_quotes()
        separator = separator or separator_of(*first_lines(body))
        if separator == " ":
            body = re.sub(rb"[ \t]+", b" ", body) if b'"' not in body else _one_blank(body)
            body = body.replace(b"\n ", b"\n").replace(b" \n", b"\n").strip(b" ")
        elif b'"' in body:
            body = re.sub(re.escape(separator.encode()) + rb' +"', f'{separator}"'.encode(), body)
        text = replace(text, body=body, separator=separator)
        columns = body.partition(b"\n")[0].count(separator.encode()) + 1
        if columns > MAX_COLUMNS:
            raise InvalidFile(
                f"{name}: line {text.number(0)} has {columns:,} columns, more than the "
                f"{MAX_COLUMNS:,} that text may have; write the array with numpy.save (.npy)"
            )
        return replace(text, decimal=text._decimal())

    def _refuse_open_quotes(self) -> None:
        if b'"' not in self.body:
            return
        for index, line in enumerate(self):
            if line.count('"') % 2:
                raise InvalidFile(
                    f"{self.name}: line {self.number(index)}: a quote is not closed on its line: "
                    f"{shortened(line)}; quote the cell, and write each quote within it twice"
                )

    def _decimal(self) -> str:
        """Return the decimal sign: a comma if all numbers below line 1 can be read so."""
        below = self.rest or self.body
        if self.separator not in ";\t" or b"," not in below or re.search(rb"\d\.|\.\d", below):
            return "."
        first = None
        for index, line in enumerate(self):
            if "," not in line:
                continue
            for cell in split(line, self.separator):
                if "," in cell.text and is_number(cell.text, ","):
                    if not _THOUSANDS.fullmatch(cell.text):
                        return ","
                    first = first or (index, cell.text)
        if first is not None:
            number, text = self.number(first[0]), first[1]
            raise InvalidFile(
                f"{self.name}: line {number}: {text!r} may be {text.replace(',', '.')} or "
                f"{text.replace(',', '')}; write decimals with a point, and thousands without sign"
            )
        return "."


def _lines(content: bytes, name: str) -> bytes:
    """Return UTF-8 with newlines only, without what is blank at the end."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        if not content.isascii():
            content.decode()
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{name}: byte {error.start} is not UTF-8 text; a binary file needs the suffix "
            ".npy or .npz, text in another encoding must be converted"
        ) from error
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    end = content.find(b"\n", len(content.rstrip()))
    return content if end < 0 else content[:end]


def _without_comments(body: bytes, name: str, above: bool) -> tuple[bytes, tuple[int, ...]]:
    if not body.strip():
        raise InvalidFile(f"{name}: the file is empty")
    blank = _BLANK_LINE.search(body)
    if blank is not None:
        number = body.count(b"\n", 0, blank.end() - 1) + 1
        raise InvalidFile(
            f"{name}: line {number} is blank; remove it, or write nan for a missing value"
        )
    if not body.startswith(b"#") and b"\n#" not in body:
        return body, ()
    lines = body.split(b"\n")
    comments = [i for i, line in enumerate(lines) if line.startswith(b"#")]
    if len(comments) == len(lines):
        raise InvalidFile(f"{name}: all lines are comments (they start with #)")
    if above:
        comments = [i for place, i in enumerate(comments) if place == i]
    dropped = set(comments)
    kept = [line for i, line in enumerate(lines) if i not in dropped]
    return b"\n".join(kept), tuple(comments)


def first_lines(body: bytes) -> tuple[bytes, bytes]:
    """Return lines 1 and 2, empty where there are none."""
    end = body.find(b"\n") % (len(body) + 1)
    return body[:end], body[end + 1 :].partition(b"\n")[0]


def separator_of(first: bytes, second: bytes) -> str:
    """Return the sign that occurs outside of quotes on line 2, else on line 1, else blanks.

    A single column has none: then it is a comma, which leaves a name with blanks whole.
    """
    first, second = (without_quoted(line).strip(b" ") for line in (first, second))
    for line in (second, first):
        for sign in SEPARATORS:
            if sign.encode() in line:
                return sign
    return " " if b" " in (second or first) or b'"" ""' in first else ","


def without_quoted(line: bytes) -> bytes:
    """Return a line without what is within quotes."""
    return re.sub(rb'"[^"]*"', b'""', line)


def _one_blank(body: bytes) -> bytes:
    """Make one blank of several outside of quotes."""
    return re.sub(rb'("(?:[^"\n]|"")*")|[ \t]+', lambda found: found[1] or b" ", body)
