"""Options: fields of a dataclass that say what they mean, what they may hold, how they are given.

One declaration serves the check of the value, the docstring, and the flag and help of the command
line, which `subsetopt.cli.options` derives from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from inspect import cleandoc
from math import inf, isnan
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from .errors import InvalidOption

T = TypeVar("T")
_SIGNS = {"(": ">", "[": ">=", ")": "<", "]": "<="}
Parse = Callable[[str, str], Any]
"""Turns text into a value: takes the name for the message, and the text."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is known of a field apart from its name, type and default.

    Parameters
    ----------
    help : str
        A sentence: a noun, then what it does.
    gt, ge, lt, le : float, optional
        What it must be greater or less than, or equal to; of a tuple: what each value must be.
    choices : tuple of str
        The values that there are.
    needs : str
        The option without which it has no meaning, where the dataclass has it: ``follow``, or
        ``engine=torch``.
    unset : str
        What stands in for None, for the help.
    flags : tuple of str
        In place of the flag that the name gives.
    metavar : str
        What the value is called on the command line.
    argument : bool
        Given by its place, without a flag.
    repeatable : bool
        Of a tuple of texts: the flag may be given several times.
    parse : callable, optional
        Takes the name for the message and the text. Tuples are split at commas without one.
    """

    help: str
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    choices: tuple[str, ...] = ()
    needs: str = ""
    unset: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    argument: bool = False
    repeatable: bool = False
    parse: Parse | None = None

    @property
    def domain(self) -> str:
        """The numbers that are allowed, such as ``in (0, 1]`` or ``>= 1``; empty if all are."""
        low = _bound(("(", self.gt), ("[", self.ge))
        high = _bound((")", self.lt), ("]", self.le))
        if low and high:
            return f"in {low[0]}{_plain(low[1])}, {_plain(high[1])}{high[0]}"
        one = low or high
        return f"{_SIGNS[one[0]]} {_plain(one[1])}" if one else ""

    def holds(self, number: float) -> bool:
        """Return whether a number is in the domain."""
        return not isnan(number) and not (
            (self.gt is not None and not number > self.gt)
            or (self.ge is not None and not number >= self.ge)
            or (self.lt is not None and not number < self.lt)
            or (self.le is not None and not number <= self.le)
        )


def _bound(*given: tuple[str, float | None]) -> tuple[str, float] | None:
    return next(((side, value) for side, value in given if value is not None), None)


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def option(help: str, default: Any = MISSING, **about: Any) -> Any:  # noqa: A002
    """Return a field of a dataclass with an `Option`."""
    return field(default=default, metadata={"option": Option(help=help, **about)})


def options_of(kind: Any) -> Iterator[tuple[Field[Any], Option]]:
    """Yield the fields of a dataclass that are options, in their order."""
    for one in fields(kind):
        if "option" in one.metadata:
            yield one, one.metadata["option"]


def kinds_of(declared: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type that it is."""
    return get_args(declared) if isinstance(declared, UnionType) else (declared,)


def documented(kind: type[T]) -> type[T]:
    """Add the options of a dataclass to its docstring, in NumPy style."""
    lines = [cleandoc(kind.__doc__ or ""), "", "Parameters", "----------"]
    for one, about in options_of(kind):
        named = one.type.__name__ if isinstance(one.type, type) else str(one.type)
        named = named.replace(" | None", ", optional").replace("pathlib.", "")
        lines.append(f"{one.name} : {named}")
        known = f" One of {listed(about.choices)}." if about.choices else ""
        limit = f" It must be {about.domain}." if about.domain else ""
        lines.append(f"    {about.help}{known}{limit}")
    raises = ["Raises", "------", "InvalidOption", "    For a value outside its domain."]
    kind.__doc__ = "\n".join([*lines, "", *raises])
    return kind


def listed(names: tuple[str, ...]) -> str:
    """Return names as a sentence has them: ``a, b or c``."""
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


# -- checks ---------------------------------------------------------------------------------------


def check(settings: Any) -> None:
    """Raise InvalidOption unless every option of a dataclass is in its domain.

    Scalars of NumPy become numbers of Python.
    """
    for one, _ in options_of(settings):
        value = getattr(settings, one.name)
        if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0:
            object.__setattr__(settings, one.name, value.item())
    check_values(type(settings), vars(settings))


def check_values(kind: Any, values: Mapping[str, Any], name: Callable[[str], str] = str) -> None:
    """Raise InvalidOption unless values for the options of a dataclass are in their domains.

    Parameters
    ----------
    kind : type
        The dataclass.
    values : mapping of str to object
        By the names of fields; those that are missing are not checked.
    name : callable
        What a field is called in messages.
    """
    for one, about in options_of(kind):
        if one.name in values:
            _check(name(one.name), values[one.name], one.type, about)
    known = {one.name for one in fields(kind)}
    for one, about in options_of(kind):
        given = _is_given(values.get(one.name)) and values[one.name] != one.default
        other, _, wanted = about.needs.partition("=")
        if given and other in known:
            held = values.get(other)
            if held != wanted if wanted else not _is_given(held):
                needed = f"{name(other)} {wanted}".rstrip()
                raise InvalidOption(f"{name(one.name)} needs {needed}")


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def _check(name: str, value: Any, declared: Any, about: Option) -> None:
    kinds = kinds_of(declared)
    if value is None and NoneType in kinds:
        return
    if about.choices:
        if value not in about.choices:
            raise InvalidOption(f"{name} must be {listed(about.choices)}; got {value!r}")
        return
    for kind, what in ((bool, "True or False"), (str, "a text")):
        if set(kinds) <= {kind, NoneType} and not isinstance(value, kind):
            raise InvalidOption(f"{name} must be {what}; got {value!r}")
    many = next((get_args(kind)[0] for kind in kinds if get_origin(kind) is tuple), None)
    kinds = kinds if many is None else (many,)
    wanted = "integer" if int in kinds else "number" if float in kinds else ""
    others = [kind for kind in kinds if kind not in (int, float, NoneType)]
    if not wanted or (others and not isinstance(value, int | float)):
        return  # of a type that the class itself checks
    number = int if wanted == "integer" else int | float
    domain = f" {about.domain}" if about.domain else ""
    if many is not None:
        good = value and len(set(value)) == len(value)
        if not good or not all(_holds(about, one, number) for one in value):
            got = ", ".join(map(str, value)) or "none"
            raise InvalidOption(f"{name} must be distinct {wanted}s{domain}; got {got}")
    elif not _holds(about, value, number):
        article = "an" if wanted == "integer" else "a"
        fits = isinstance(value, number) and not isinstance(value, bool)
        shown = repr(value) if fits else f"{value!r} ({type(value).__name__})"
        raise InvalidOption(f"{name} must be {article} {wanted}{domain}; got {shown}")


def _holds(about: Option, value: Any, number: Any) -> bool:
    return isinstance(value, number) and not isinstance(value, bool) and about.holds(value)


# -- parsing --------------------------------------------------------------------------------------


def split(text: str) -> list[str]:
    """Return the parts between commas, those in brackets left alone."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def numbers(name: str, text: str, kind: type[T]) -> tuple[T, ...]:
    """Return the numbers between commas, or raise InvalidOption."""
    try:
        found = tuple(kind(part) for part in split(text))  # type: ignore[call-arg]
    except ValueError:
        found = ()
    if not found:
        what = "integers" if kind is int else "numbers"
        raise InvalidOption(f"{name} must be {what} separated by commas; got {text!r}")
    return found


def quantity(name: str, text: str, units: Mapping[str, float], what: str) -> float:
    """Return a number > 0 with a unit, as in ``30d`` or ``4 GiB``; `what` says what is needed."""
    found = re.fullmatch(r"\s*([0-9.]+(?:e\+?[0-9]+)?)\s*([a-z]*)\s*", text.lower())
    try:
        number = float(found[1]) * units[found[2]] if found else 0.0
    except (ValueError, KeyError):
        number = 0.0
    if not 0 < number < inf:
        raise InvalidOption(f"{name} must be {what}; got {text!r}")
    return number
