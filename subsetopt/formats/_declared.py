"""Dataclasses from plain data such as JSON, with strict types."""

import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar

from subsetopt._registry import nearest, require_options
from subsetopt.errors import InvalidFile, InvalidOption

T = TypeVar("T")
Check = Callable[[Any], Any]
_MOST = 2**63
_NAMES: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    NoneType: "null",
}


def declared(kind: type[T], data: object, what: str, *, ignore: bool = False) -> T:
    """Return an object of a dataclass, made of what JSON holds.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are numbers, texts, truth values, enumerations, dataclasses, or
        tuples, lists, mappings and unions of these.
    data : object
    what : str
        What it is meant to be, for the message.
    ignore : bool
        Leave out keys that it does not have, instead of refusing them.

    Raises
    ------
    InvalidFile
        Naming the field, what it holds and what it has to hold.
    """
    try:
        made: T = _dataclass(typing.cast(Any, kind), ignore)(data)
    except (TypeError, ValueError, OverflowError) as error:  # of its own checks as well
        raise InvalidFile(f"this is no {what}: {error}") from error
    return made


def fitted(kind: Any, options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return options as the fields of a dataclass declare them.

    Parameters
    ----------
    kind : type
        Its fields may also be of types that only the class itself checks.
    options : mapping of str to object
        By the names of fields.
    owner : str
        Whose options they are, for messages.

    Raises
    ------
    InvalidOption
        If there is no such field, or it does not hold values of that type.
    """
    known = [one.name for one in fields(kind) if one.init] if is_dataclass(kind) else []
    require_options(owner, options, known)
    hints, made = typing.get_type_hints(kind), {}
    for name, value in options.items():
        try:
            made[name] = _check(hints[name])(value)
        except KeyError:  # of a type that only the class checks
            made[name] = value
        except (TypeError, ValueError) as error:
            more = "; options follow each other as NAME:KEY=VALUE:KEY=VALUE"
            more = more if isinstance(value, str) and "=" in value else ""
            raise InvalidOption(f"{name} of {owner} {error}{more}") from error
    return made


@cache
def _dataclass(kind: Any, ignore: bool) -> Check:
    hints = typing.get_type_hints(kind)
    checks = {one.name: _check(hints[one.name]) for one in fields(kind) if one.init}
    needed = [
        one.name
        for one in fields(kind)
        if one.init and one.default is MISSING and one.default_factory is MISSING
    ]

    def made(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise TypeError(f"must be a mapping; got {_shown(data)}")
        missing = [name for name in needed if name not in data]
        unknown = [] if ignore else [name for name in data if name not in checks]
        if missing or unknown:
            wrong = [f"{missing[0]} is missing"] if missing else []
            if unknown:
                wrong.append(f"{_shown(unknown[0])} is unknown{nearest(unknown[0], checks)}")
            raise ValueError("; ".join(wrong))
        values = {}
        for name, check in checks.items():
            if name in data:
                values[name] = _placed(name, check, data[name])
        return kind(**values)

    return made


def _check(hint: Any) -> Check:
    """Return what turns a value into one of a type, or raises TypeError or ValueError."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return lambda value: value
    if origin in (typing.Union, UnionType):
        return _one_of([_check(one) for one in of], hint)
    if origin is typing.Literal:
        return _among(of)
    if origin is tuple and len(of) == 2 and of[1] is Ellipsis:
        return _listed(tuple, _check(of[0]))
    if origin is list:
        return _listed(list, _check(of[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapped(_check(of[1]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if is_dataclass(hint):
        return _dataclass(typing.cast(Any, hint), False)
    return _plain(hint)


def _plain(kind: Any) -> Check:
    name = _NAMES[kind]

    def check(value: Any) -> Any:
        good = type(value) is kind or (kind is float and type(value) is int)
        if not good or (type(value) is int and not -_MOST <= value < _MOST):
            raise TypeError(f"must be {name}; got {_shown(value)}")
        return float(value) if kind is float else value

    return check


def _one_of(checks: list[Check], hint: Any) -> Check:
    def check(value: Any) -> Any:
        failures: list[Exception] = []
        for one in checks:
            try:
                return one(value)
            except (TypeError, ValueError) as error:
                failures.append(error)
        names = [_NAMES.get(one, "") for one in typing.get_args(hint)]
        if all(names):
            raise TypeError(f"must be {' or '.join(names)}; got {_shown(value)}")
        # A ValueError is of what fits but for its content, which is what was meant.
        failures.sort(key=lambda error: not isinstance(error, ValueError))
        raise failures[0] if failures else TypeError(f"must be {hint}")

    return check


def _among(values: tuple[Any, ...]) -> Check:
    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(map(repr, values))}; got {_shown(value)}")
        return value

    return check


def _listed(kind: Any, of: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"must be a list; got {_shown(value)}")
        return kind(_placed(f"entry {i}", of, one) for i, one in enumerate(value, start=1))

    return check


def _mapped(of: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise TypeError(f"must be a mapping of names; got {_shown(value)}")
        return {key: _placed(key, of, one) for key, one in value.items()}

    return check


def _placed(place: str, check: Check, value: Any) -> Any:
    """Return what a check makes of a value; its error says the place."""
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
