"""Declared options: dataclass fields with help, domain and command-line form.

One declaration serves the check of the value, the docstring, and the flag and help of the command
line, which `subsetopt.cli.derived_options` derives from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache, wraps
from inspect import cleandoc, signature
from math import inf, isnan
from textwrap import wrap
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from .errors import InvalidOption

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
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
        ``engine=torch``, or one of several values: ``engine=dask|ray``.
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
    equal : bool
        Of a tuple of numbers: some may be equal.
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
    equal: bool = False
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
    raises = ["Raises", "------", "InvalidOption", "    For a value outside its domain."]
    about = ["", "Parameters", "----------", *_described(kind), "", *raises]
    kind.__doc__ = "\n".join([cleandoc(kind.__doc__ or ""), *about])
    return kind


def _described(kind: Any) -> Iterator[str]:
    """Yield the options of a dataclass as NumPy style describes parameters."""
    for one, about in options_of(kind):
        named = one.type.__name__ if isinstance(one.type, type) else str(one.type)
        named = re.sub(r"\b(pathlib|typing)\.", "", named.replace(" | None", ", optional"))
        yield f"{one.name} : {named}"
        named_choices = about.choices and "Literal" not in named
        known = f" One of {listed(about.choices)}." if named_choices else ""
        limit = f" It must be {about.domain}." if about.domain else ""
        unset = f" None: {about.unset}." if about.unset else ""
        text = f"{about.help}{known}{limit}{unset}"
        yield from wrap(text, 96, initial_indent=" " * 4, subsequent_indent=" " * 4)


def keywords(kind: Any) -> Callable[[F], F]:
    """Say in the signature and the docstring of a function what its last parameter ``**x`` takes.

    These are the options of a dataclass; the line ``**x`` of the docstring gives way to them.
    """

    def decorated(function: F) -> F:
        *own, rest = signature(function).parameters.values()
        known = signature(kind).parameters.values()  # all by keyword
        whole = signature(function).replace(parameters=[*own, *known])

        @wraps(function)
        def checked(*args: Any, **given: Any) -> Any:
            try:
                whole.bind(*args, **given)
            except TypeError as wrong:
                raise TypeError(f"{function.__name__}() {wrong}") from None
            return function(*args, **given)

        checked.__signature__ = whole  # type: ignore[attr-defined]
        described = re.sub(r"tuple\[(\w+), \.{3}\]", r"sequence of \1", "\n".join(_described(kind)))
        checked.__doc__ = cleandoc(function.__doc__ or "").replace(f"**{rest.name}", described)
        return checked  # type: ignore[return-value]

    return decorated


def listed(names: tuple[str, ...]) -> str:
    """Return names as a sentence has them: ``a, b or c``."""
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


# -- checks ---------------------------------------------------------------------------------------


def check(settings: Any) -> None:
    """Raise InvalidOption unless every option of a dataclass is in its domain.

    Scalars of NumPy become numbers of Python.
    """
    kind: Any = type(settings)
    for one, about in _table(kind):
        value = getattr(settings, one.name)
        if value is one.default:
            continue
        if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0:
            value = value.item()
            object.__setattr__(settings, one.name, value)
        _check(one.name, value, one.type, about)
    _check_needs(kind, vars(settings), str)


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
    for one, about in _table(kind):
        if one.name in values and values[one.name] is not one.default:
            _check(name(one.name), values[one.name], one.type, about)
    _check_needs(kind, values, name)


@cache
def _table(kind: Any) -> tuple[tuple[Field[Any], Option], ...]:
    return tuple(options_of(kind))


@cache
def _needy(kind: Any) -> tuple[tuple[Field[Any], str, str], ...]:
    """Return the fields that need another one, that one, and the value that it must have."""
    known = {one.name for one in fields(kind)}
    parted = ((one, *about.needs.partition("=")[::2]) for one, about in options_of(kind))
    return tuple(needs for needs in parted if needs[1] in known)


def _check_needs(kind: Any, values: Mapping[str, Any], name: Callable[[str], str]) -> None:
    for one, other, wanted in _needy(kind):
        given, held = values.get(one.name), values.get(other)
        if given is None or given is False or given == one.default:
            continue
        known = tuple(wanted.split("|"))
        if held in known if wanted else held:
            continue
        raise InvalidOption(f"{name(one.name)} needs {f'{name(other)} {listed(known)}'.rstrip()}")


class _Expected(NamedTuple):
    """What a type accepts, apart from None where it is optional."""

    optional: bool
    many: bool
    number: str
    """Which numbers, of a tuple each one: "integer", "number" or none."""
    only: str
    """What else there must be, where it is one thing."""
    other: bool
    """Whether there may be something that the class itself checks."""


@cache
def _expected(declared: Any) -> _Expected:
    kinds = [kind for kind in kinds_of(declared) if kind is not NoneType]
    many = get_origin(kinds[0]) is tuple
    wanted = [get_args(kinds[0])[0]] if many else kinds
    number = "integer" if int in wanted else "number" if float in wanted else ""
    only = {bool: "True or False", str: "a string"}.get(kinds[0], "") if len(kinds) == 1 else ""
    other = any(kind not in (int, float) for kind in wanted)
    return _Expected(NoneType in kinds_of(declared), many, number, only, other)


def _check(name: str, value: Any, declared: Any, about: Option) -> None:
    expected = _expected(declared)
    if value is None and expected.optional:
        return
    if about.choices:
        if value not in about.choices:
            raise InvalidOption(f"{name} must be {listed(about.choices)}; got {value!r}")
    elif expected.only:
        if not isinstance(value, str if expected.only == "a string" else bool):
            raise InvalidOption(f"{name} must be {expected.only}; got {value!r}")
    elif expected.many and expected.number:
        good = all(_holds(about, one, expected) for one in value)
        good = good and (about.equal or len({*value}) == len(value))
        if not good or not value:
            got = ", ".join(map(str, value)) or "none"
            raise InvalidOption(
                f"{name} must be {'' if about.equal else 'distinct '}{expected.number}s"
                f"{_domain(about)}; got {got}"
            )
    elif expected.number and not _holds(about, value, expected):
        if expected.other and not isinstance(value, int | float):
            return
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        fits = fits and (expected.number == "number" or isinstance(value, int))
        article = "an" if expected.number == "integer" else "a"
        shown = repr(value) if fits else f"{value!r} ({type(value).__name__})"
        raise InvalidOption(
            f"{name} must be {article} {expected.number}{_domain(about)}; got {shown}"
        )


def _domain(about: Option) -> str:
    return f" {about.domain}" if about.domain else ""


def _holds(about: Option, value: Any, expected: _Expected) -> bool:
    number = int if expected.number == "integer" else int | float
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


def number(name: str, text: str, kind: type[T], domain: str = "") -> T:
    """Return a number, or raise InvalidOption; whether it is in the domain is checked later."""
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError:
        what = "an integer" if kind is int else "a number"
        where = f" {domain}" if domain else ""
        raise InvalidOption(f"{name} must be {what}{where}; got {text!r}") from None


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
