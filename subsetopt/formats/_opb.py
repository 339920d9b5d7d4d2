"""Pseudo-Boolean programs (OPB) that state a quadratic over a choice of k of n."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from subsetopt.errors import InvalidFile
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square

from ._libraries import Reading

_SUPPORTED = (
    "supported is one objective, `min:` or `max:`, linear or quadratic, and one constraint "
    "`a x1 + ... + a xn = b` over all variables"
)
_OBJECTIVES = {"min": "min:", "max": "max:", "minimize": "min:", "maximize": "max:"}
_TOKEN = re.compile(
    r"(?i:(minimize|maximize|min|max|soft)\s*:)"
    r"|(>=|<=|!=|=|>|<|;)"
    r"|([+-]?\d+)(?![^\s;<>=!])"
    r"|([+-]?)x(\d+)(?![^\s;<>=!+-])"
    r"|([+-])(?=[\sx])"
    r"|([^\s;<>=!]+|!)"
)
_OBJECTIVE, _SIGN, _NUMBER, _SIGNED, _VARIABLE, _PLUS, _OTHER = range(1, 8)
_LARGEST = 2**53
Term = tuple[int, tuple[int, ...], int]
"""Coefficient, indices from 0, position in the text."""


@dataclass(frozen=True, eq=False)
class _Statement:
    """``terms``, or ``terms = right``; `kind` is what it begins with or its relation."""

    kind: str
    terms: list[Term]
    right: int
    place: int


def read_opb(content: bytes, name: str, k: int | None) -> Reading:
    """Read a quadratic objective and one cardinality equality over all variables x1..xn.

    Terms that occur more than once are added. Coefficients are integers whose magnitudes stay
    below 2**53; one that is missing is 1. Upper case, and blanks before the colon or between a
    sign and its number, make no difference.

    Returns
    -------
    Reading
        Over n candidates: x1 is index 0. A product ``c xi xj`` counts c.

    Raises
    ------
    InvalidFile
        For anything else.
    """
    text = _Text(content.decode("latin-1"), name)
    statements = list(text.statements())
    objectives = [s for s in statements if s.kind in ("min:", "max:")]
    constraints = [s for s in statements if s.kind not in ("min:", "max:")]
    if len(objectives) != 1 or len(constraints) != 1:
        place = statements[-1].place if statements else 0
        counts = f"{len(objectives)} objectives and {len(constraints)} constraints"
        text.wrong(place, f"the file has {counts}; {_SUPPORTED}")
    [objective], [constraint] = objectives, constraints
    n, stated = text.cardinality(constraint)
    require_square(name, n)
    linear, products = np.zeros(n), {}
    for (i, j), coefficient in text.entries(objective, n).items():
        if i == j:
            linear[i] = coefficient
        else:
            products[i, j] = coefficient / 2
    ends = np.array(list(products), dtype=np.int64).reshape(-1, 2)
    problem = QuadraticSelection.from_entries(
        n,
        ends[:, 0],
        ends[:, 1],
        list(products.values()),
        stated if k is None else k,
        c=linear,
        sense="minimise" if objective.kind == "min:" else "maximise",
    )
    return Reading(problem, "opb", "the file's objective, each term once")


class _Text:
    """The text of a file, read statement by statement."""

    def __init__(self, text: str, name: str) -> None:
        # Blanks in place of comments keep the lines where they are.
        self.text = re.sub(r"(?m)^[ \t]*\*.*$", "", text)
        self.name = name
        announced = re.search(r"#variable=\s*(\d{1,15})\b", text)
        self.variables = int(announced[1]) if announced else None

    def wrong(self, place: int, message: str) -> NoReturn:
        line = self.text.count("\n", 0, place) + 1
        raise InvalidFile(f"{self.name}: line {line}: {message}")

    def statements(self) -> Iterator[_Statement]:
        """Yield what stands between semicolons."""
        part: list[re.Match[str]] = []
        for token in _TOKEN.finditer(self.text):
            if token[_OTHER] or (token[_OBJECTIVE] or "").lower() == "soft":
                self._refuse(token)
            if token[_SIGN] != ";":
                part.append(token)
            elif part:
                yield self._statement(part)
                part = []
        if part:
            self.wrong(part[0].start(), "the statement has no `;` at its end: is the file cut?")

    def _refuse(self, token: re.Match[str]) -> NoReturn:
        word = token[0] if len(token[0]) <= 40 else f"{token[0][:37]}..."
        if token[_OBJECTIVE] or word.startswith("["):
            self.wrong(
                token.start(), f"{word!r} belongs to soft constraints (a WBO file); {_SUPPORTED}"
            )
        if word.startswith("~"):
            self.wrong(token.start(), f"{word!r} is a negated variable; {_SUPPORTED}")
        self.wrong(
            token.start(), f"{word!r} is not an integer, a variable (x1, x2, ...) or a sign of OPB"
        )

    def _statement(self, tokens: list[re.Match[str]]) -> _Statement:
        place = tokens[0].start()
        if tokens[0][_OBJECTIVE]:
            kind = _OBJECTIVES[tokens[0][_OBJECTIVE].lower()]
            return _Statement(kind, self._terms(tokens[1:]), 0, place)
        signs = [i for i, token in enumerate(tokens) if token[_SIGN]]
        left, right = (tokens[: signs[0]], tokens[signs[0] + 1 :]) if signs else (tokens, [])
        minus = len(right) == 2 and right[0][_PLUS] is not None  # "- 2"
        if len(signs) != 1 or len(right) != 1 + minus or right[-1][_NUMBER] is None:
            self.wrong(place, "a constraint is of the form `terms = integer ;`")
        value = self._integer(right[-1], right[0][_PLUS] if minus else "")
        return _Statement(tokens[signs[0]][_SIGN], self._terms(left), value, place)

    def _terms(self, tokens: list[re.Match[str]]) -> list[Term]:
        """Return the terms: each begins with a number, a sign, or the first variable of all."""
        terms: list[tuple[int, list[int], int]] = []
        sign = ""  # one that stands apart from what it belongs to
        for token in tokens:
            if token[_OBJECTIVE] or token[_SIGN] or (sign and token[0][0] in "+-"):
                self.wrong(token.start(), f"{token[0]!r} is in the middle of a statement")
            if token[_PLUS]:
                sign = token[_PLUS]
                continue
            if token[_NUMBER]:
                terms.append((self._integer(token, sign), [], token.start()))
            elif sign or token[_SIGNED] or not terms:
                one = -1 if "-" in (sign, token[_SIGNED]) else 1
                terms.append((one, [self._index(token)], token.start()))
            else:
                terms[-1][1].append(self._index(token))
            sign = ""
        if sign:
            self.wrong(tokens[-1].start(), f"{sign!r} has no term behind it")
        return [self._term(*term) for term in terms]

    def _term(self, coefficient: int, factors: list[int], place: int) -> Term:
        different = tuple(sorted(set(factors)))  # x x = x
        if not different:
            self.wrong(place, f"the number {coefficient} has no variable behind it")
        if len(different) > 2:
            self.wrong(place, f"a product of {len(different)} variables; {_SUPPORTED}")
        return coefficient, different, place

    def _integer(self, token: re.Match[str], sign: str = "") -> int:
        digits = token[_NUMBER]
        value = int(digits) if len(digits) < 100 else _LARGEST
        if abs(value) >= _LARGEST:
            self.wrong(token.start(), f"magnitudes must be below 2**53; got {digits[:40]}")
        return -value if sign == "-" else value

    def _index(self, token: re.Match[str]) -> int:
        digits = token[_VARIABLE]
        if int(digits[:16]) < 1 or len(digits) > 15:
            self.wrong(token.start(), f"x{digits[:16]} is not a variable: they begin with x1")
        if self.variables is not None and int(digits) > self.variables:
            announced = f"the first line announces {self.variables} variables"
            self.wrong(token.start(), f"x{digits} is outside x1..x{self.variables}: {announced}")
        return int(digits) - 1

    def cardinality(self, constraint: _Statement) -> tuple[int, int]:
        """Return n and k of ``a x1 + ... + a xn = a k``."""
        place, terms = constraint.place, constraint.terms
        if constraint.kind != "=":
            self.wrong(place, f"the constraint is an inequality, `{constraint.kind}`; {_SUPPORTED}")
        indices = [i for _, factors, _ in terms for i in factors]
        coefficients = {coefficient for coefficient, _, _ in terms}
        if len(indices) != len(terms) or len(coefficients) != 1:
            self.wrong(place, f"the constraint is not a cardinality; {_SUPPORTED}")
        n = max([*indices, (self.variables or 0) - 1]) + 1
        if len(set(indices)) != len(indices) or len(indices) != n:
            missing = next((i for i, j in enumerate(sorted(indices)) if i != j), len(indices))
            count = indices.count(missing)
            said = f"x{missing + 1} is not in it" if not count else "a variable occurs twice"
            self.wrong(place, f"the constraint is not over each of x1..x{n} once: {said}")
        [a] = coefficients
        if a == 0 or constraint.right % a or not 1 <= constraint.right // a <= n:
            self.wrong(place, f"{a} times a count is to be {constraint.right}: none of 1..{n} is")
        return n, constraint.right // a

    def entries(self, objective: _Statement, n: int) -> dict[tuple[int, int], int]:
        """Return the sum of the coefficients of each variable (i, i) and each product i < j."""
        entries: dict[tuple[int, int], int] = defaultdict(int)
        for coefficient, factors, place in objective.terms:
            i, j = factors[0], factors[-1]
            if j >= n:
                self.wrong(place, f"x{j + 1} is not in the constraint; {_SUPPORTED}")
            entries[i, j] += coefficient
            if abs(entries[i, j]) >= _LARGEST:
                self.wrong(place, "the sum of equal terms reaches 2**53, the limit for exactness")
        return entries
