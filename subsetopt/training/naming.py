"""Names with options, as the command line takes them: ``vector:features=labels:rounds=4``."""

import ast
from dataclasses import dataclass, field
from typing import Any

from subsetopt.errors import InvalidOption


@dataclass(frozen=True)
class Named:
    """A name and options of its own."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Named":
        """Read ``name`` or ``name:key=value:key=value``; values as in Python, else as text.

        Raises
        ------
        InvalidOption
            If a part is no ``key=value``, or a key stands twice.
        """
        name, *parts = text.split(":")
        options: dict[str, Any] = {}
        for part in parts:
            key, equals, value = part.partition("=")
            if not equals or not key.isidentifier() or key in options or not value:
                raise InvalidOption(
                    f"{part!r} in {text!r} is no option; NAME:KEY=VALUE:KEY=VALUE is needed, each "
                    "key once"
                )
            options[key] = _value(value)
        if not name:
            raise InvalidOption(f"{text!r} has no name before its options")
        return cls(name, options)

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{key}={value}" for key, value in self.options.items())])


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
