"""Fast parsing of numbers in text, with line numbers for errors."""

import math
import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.problems._pairs import repeated_pair

_SPACE = np.zeros(256, dtype=bool)
_SPACE[list(b" \t\n\r\v\f")] = True
_COMMENT = re.compile(rb"(?m)^[ \t]*#.*$")
_DIGITS = 15  # that every integer of so many digits is a float64
_LONGEST = _DIGITS + 2  # with a sign and a point
_POWERS = 10.0 ** np.arange(_DIGITS + 1)
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class Words:
    """The words of a text, separated by blanks; lines that begin with ``#`` are comments.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    content : bytes
        The text, without comments.
    starts, ends : ndarray of int64
        Where in `content` each word begins and ends.
    lines : ndarray of int64
        The line of each word, from 1.
    """

    name: str
    content: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.int64]

    @classmethod
    def of(cls, content: bytes, name: str) -> "Words":
        """Split a text; O(length)."""
        if b"#" in content:
            content = _COMMENT.sub(b"", content)
        signs = np.frombuffer(content, dtype=np.uint8)
        edges = np.flatnonzero(np.diff(_SPACE[signs], prepend=True, append=True))
        starts, ends = edges[::2], edges[1::2]
        lines = np.searchsorted(np.flatnonzero(signs == ord("\n")), starts) + 1
        return cls(name, content, starts, ends, lines)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, which: slice) -> list[bytes]:
        ends = zip(self.starts[which].tolist(), self.ends[which].tolist(), strict=True)
        return [self.content[start:end] for start, end in ends]

    def wrong(self, word: int, message: str) -> NoReturn:
        """Raise InvalidFile about a word, or about the end of the file."""
        if word < len(self):
            raise InvalidFile(f"{self.name}: line {self.lines[word]}: {message}")
        raise InvalidFile(f"{self.name}: the file ends early: {message}")

    def header(self, first: int, wanted: tuple[str, ...]) -> tuple[int, ...]:
        """Return the integers of a line that begins at a word, one for each name."""
        said = f"must be `{' '.join(wanted)}`, in integers"
        if first >= len(self):
            self.wrong(first, said)
        end = first + int(np.searchsorted(self.lines[first:], self.lines[first], side="right"))
        line = self[first:end]
        if len(line) != len(wanted) or not all(word.isdigit() and len(word) < 16 for word in line):
            self.wrong(first, f"{said}; got {quoted(b' '.join(line))}")
        return tuple(int(word) for word in line)

    def triples(self, first: int, count: int | None, what: str) -> "Triples":
        """Return lines of three numbers: `count` of them, or all that there are if None."""
        most = 3 * count if count is not None else len(self) - first
        end = min(first + most, len(self))
        counts = np.bincount(self.lines[first:end])
        odd = np.flatnonzero((counts != 3) & (counts != 0))
        if odd.size:
            word = first + int(np.searchsorted(self.lines[first:end], odd[0]))
            self.wrong(word, f"must be three numbers, `{what}`; got {counts[odd[0]]}")
        if count is not None and end < first + most:
            got = (end - first) // 3
            self.wrong(end, f"the header announces {count} lines `{what}`; got {got}")
        return Triples(self, first, self.numbers(first, end).reshape(-1, 3))

    def numbers(self, first: int, end: int) -> NDArray[np.float64]:
        """Return the finite numbers from one word to before another."""
        signs = np.frombuffer(self.content, dtype=np.uint8)
        decimals = _decimals(signs, self.starts[first:end], self.ends[first:end])
        if decimals is not None:
            return decimals
        part = self[first:end]
        try:
            values = np.fromiter(map(float, part), np.float64, len(part))
            if np.isfinite(values).all() and b"_" not in b"".join(part):
                return values
        except ValueError:
            pass
        odd = next(i for i, word in enumerate(part) if not is_finite(word))
        self.wrong(first + odd, f"{quoted(part[odd])} is not a finite number")


@dataclass(frozen=True, eq=False)
class Triples:
    """Lines ``i j value``: the entries of a symmetric matrix.

    Parameters
    ----------
    words : Words
        What they were read from, at word `first`.
    first : int
    table : ndarray of float64 (count, 3)
    """

    words: Words
    first: int
    table: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.table)

    def entries(
        self, n: int, *, base: int, diagonal: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return rows, columns (row <= column) and values; each pair may be given once.

        Parameters
        ----------
        n : int
        base : int
            The index of the first candidate in the file.
        diagonal : bool
            Whether i = j may occur.
        """
        ends = self.table[:, :2].T - base
        valid = ((ends == np.floor(ends)) & (ends >= 0) & (ends < n)).all(axis=0)
        if not valid.all():
            self._wrong(
                int((~valid).argmax()), f"indices must be integers in [{base}, {n - 1 + base}]"
            )
        rows, columns = np.minimum(*ends).astype(np.int64), np.maximum(*ends).astype(np.int64)
        if not diagonal and (rows == columns).any():
            self._wrong(int((rows == columns).argmax()), "the two indices must differ")
        if (again := repeated_pair(rows * n + columns)) is not None:
            line = self.words.lines[self.first + 3 * again[1]]
            self._wrong(again[0], f"each pair must stand once, and this one is on line {line} too")
        return rows, columns, self.table[:, 2]

    def _wrong(self, row: int, wanted: str) -> NoReturn:
        word = self.first + 3 * row
        given = quoted(b" ".join(self.words[word : word + 2]))
        self.words.wrong(word, f"{wanted}; got {given}")


def _decimals(
    signs: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Return the numbers of words of at most 15 digits and a point; None if there are others.

    They are what `float` returns: the digits, and the power of ten that divides them, are exact in
    float64, so the quotient is rounded correctly.
    """
    first = signs[starts]
    signed = (first == ord("-")) | (first == ord("+"))
    lengths = ends - starts
    value = np.zeros(len(starts))
    digits, decimals, points = (np.zeros(len(starts), np.int8) for _ in range(3))
    for place in range(min(int(lengths.max(initial=0)), _LONGEST + 1)):
        sign = signs.take(starts + place, mode="clip")
        inside = place < lengths
        figure = sign - np.uint8(ord("0"))  # in uint8 what is below "0" is above all figures
        digit = inside & (figure < 10)
        point = inside & (sign == ord("."))
        np.multiply(value, 10, out=value, where=digit)
        np.add(value, figure, out=value, where=digit)
        digits += digit
        decimals += digit & (points > 0)
        points += point
    plain = (digits > 0) & (digits <= _DIGITS) & (points <= 1)
    if not (plain & (digits + points + signed == lengths)).all():
        return None
    value[first == ord("-")] *= -1
    return value / _POWERS[decimals]


def is_finite(word: bytes) -> bool:
    """Whether it is a finite number in digits: no ``nan``, ``1_000`` or ``0x1``."""
    return _NUMBER.fullmatch(word) is not None and math.isfinite(float(word))


def quoted(text: bytes) -> str:
    """Return a text for a message, short and without signs that a terminal obeys."""
    shown = text.decode("ascii", "backslashreplace")
    return repr(shown if len(shown) <= 40 else f"{shown[:37]}...")
