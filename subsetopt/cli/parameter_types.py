"""Typer's parameters without pydantic, which takes as long to load as NumPy.

Typer converts what is given by pydantic, and loads it even for options that are left out. Here
what needs no conversion, and plain numbers, are taken as they are; all else is left to Typer.
"""

import re
from typing import Any

import typer.core

_NUMBERS: dict[Any, re.Pattern[str]] = {
    int: re.compile(r"-?\d{1,15}", re.ASCII),
    float: re.compile(r"-?\d{1,15}(\.\d{0,15})?(e-?\d{1,2})?", re.ASCII),
}
_core: Any = typer.core
_build: Any = getattr(_core, "build_runtime_param", None)


def use() -> None:
    """Let Typer convert parameters so; nothing changes in versions that know no pydantic."""
    if _build is not None:
        _core.build_runtime_param = _Plain


class _Plain:
    """What Typer asks for the value of a parameter."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as Typer does; raises what Typer raises."""
        kind, info = self._descriptor.annotation, self._descriptor.parameter_info
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if info.parser is None and info.min is None and info.max is None:
            if type(value) is kind and kind in (str, int, float, bool):
                return value
            if kind == list[str] and type(value) in (list, tuple):
                return list(value)
            if type(value) is str and kind in _NUMBERS and _NUMBERS[kind].fullmatch(value):
                return kind(value)
        return _build(self._descriptor).coerce(value, param=param, ctx=ctx)
