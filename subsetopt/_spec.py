"""Names with options, such as rules, tasks, solvers and kernels: ``name:key=value``."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidOption

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Spec:
    """A name with options of its own.

    Parameters
    ----------
    name : str
    options : dict
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, more: Iterable[str] = ()) -> "Spec":
        """Read ``name`` or ``name:key=value:key=value``.

        Parameters
        ----------
        text : str
            Values are as in Python, or ``true``, ``false``, ``none`` in any case; all else is text.
        more : iterable of str
            Further options, each ``key=value``.

        Raises
        ------
        InvalidOption
            If a part is not ``key=value``, or a key is given twice.
        """
        name, *parts = text.split(":")
        if not name:
            raise InvalidOption(f"{text!r} has no name before its options")
        options: dict[str, Any] = {}
        for part in (*parts, *more):
            key, equals, value = part.partition("=")
            key = key.strip().replace("-", "_")
            if not equals or not key.isidentifier() or not value.strip():
                raise InvalidOption(
                    f"option {part!r} of {name} is not of the form KEY=VALUE; several follow each "
                    "other as NAME:KEY=VALUE:KEY=VALUE"
                )
            if key in options:
                raise InvalidOption(f"{name} has the option {key!r} twice; give it once")
            options[key] = _value(value.strip())
        return cls(name, options)

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{key}={value}" for key, value in self.options.items())])


def _value(text: str) -> Any:
    word = text.lower()
    if word == "none":
        return None
    if word in _WORDS:
        return _WORDS[word]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
