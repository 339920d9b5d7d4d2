"""JSON and YAML from outside, with limits on depth and size."""

import json
import os
from math import isfinite
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile

from ._sources import content

_DEEPEST = 50  # levels of YAML; JSON is as deep as Python's own stack
_NODES = 100_000  # values of a YAML document, each as often as an alias repeats it
_LONGEST = 2**24  # bytes of a YAML document


def read_json(path: str | os.PathLike[str], *, finite: bool = False) -> Any:
    """Return what a JSON file holds; raises as `parsed_json` does, and where there is none."""
    return parsed_json(*content(path), finite=finite)


def parsed_json(text: str | bytes, name: str, *, finite: bool = False) -> Any:
    """Return what JSON says.

    Parameters
    ----------
    text : str or bytes
    name : str
        For messages.
    finite : bool
        Refuse NaN and infinity, which Python writes unless it is told not to.

    Raises
    ------
    InvalidFile
        If it is not JSON, is nested too deeply, or holds a number of thousands of digits.
    """
    strict: dict[str, Any] = {"parse_constant": _refuse, "parse_float": _finite} if finite else {}
    try:
        return json.loads(text, **strict)
    except RecursionError:
        raise InvalidFile(f"{name}: this JSON is nested too deeply") from None
    except ValueError as error:
        raise InvalidFile(f"{name}: this is not JSON ({_one_line(error)})") from error


def read_yaml(path: str | os.PathLike[str], extra: str) -> Any:
    """Return what a YAML file holds; raises as `parsed_yaml` does, and where there is none.

    MissingDependency names the `extra` that brings PyYAML.
    """
    yaml = OptionalDependency("pyyaml", "yaml", extra=extra).load()
    return parsed_yaml(yaml, *content(path))


def parsed_yaml(yaml: Any, text: bytes, name: str) -> Any:
    """Return what YAML says.

    Parameters
    ----------
    yaml : module
        PyYAML.
    text : bytes
    name : str
        For messages.

    Raises
    ------
    InvalidFile
        If it is not YAML; is longer than 16 MiB, nested more than 50 levels deep, or stands for
        more than 100,000 values once aliases are written out.
    """
    if len(text) > _LONGEST:
        raise InvalidFile(f"{name}: has {len(text):,} bytes; the limit is {_LONGEST:,}")
    try:
        _require_small(yaml, text, name)
        return yaml.safe_load(text)
    except InvalidFile:
        raise
    # Besides its own errors: a date of month 13, a key that is a list, a number of 5000 digits.
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidFile(f"{name} is not YAML: {_one_line(error)}") from error


def _require_small(yaml: Any, text: bytes, name: str) -> None:
    """Raise InvalidFile for what would be deep or large; the parser of events is neither."""
    sizes: dict[str, int] = {}
    inside: list[list[Any]] = [[None, 0]]  # what is open: its anchor, and the values in it so far
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        closed: tuple[Any, int] | None = None
        if isinstance(event, yaml.CollectionStartEvent):
            inside.append([event.anchor, 1])
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = inside.pop()
            closed = anchor, size
        elif isinstance(event, yaml.ScalarEvent):
            closed = event.anchor, 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise InvalidFile(f"{name}: nothing before the alias {event.anchor!r} is called so")
            closed = None, sizes[event.anchor]
        if closed is not None:
            inside[-1][1] += closed[1]
            if closed[0] is not None:
                sizes[closed[0]] = closed[1]
        if len(inside) > _DEEPEST or inside[-1][1] > _NODES:
            raise InvalidFile(
                f"{name}: more than {_DEEPEST} levels or {_NODES:,} values, aliases written out"
            )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        _refuse(digits)
    return value


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
