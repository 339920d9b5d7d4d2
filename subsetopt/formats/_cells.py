"""The cells of a line of text, and what each could be."""

import re
from typing import Literal, NamedTuple

from subsetopt._csv_cells import is_number

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
