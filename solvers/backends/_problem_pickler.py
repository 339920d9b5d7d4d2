"""Pickling of evaluated problems for worker processes."""

import copyreg
import io
import pickle
import types
from typing import Any


class NoProcess(Exception):
    """No process can be had for this call; the message says why."""


class _Pickler(pickle.Pickler):
    """Takes problems as they are, evaluated, whatever they say of pickling.

    So nothing is evaluated again, and functions that only this process can import, as kernels may
    be, are left out: no problem calls them once it is built.
    """

    def reducer_override(self, thing: Any) -> Any:
        if hasattr(type(thing), "exact_objective") and hasattr(thing, "__dict__"):
            return copyreg.__newobj__, (type(thing),), vars(thing)  # type: ignore[attr-defined]
        if isinstance(thing, types.FunctionType) and (
            thing.__module__ == "__main__" or "<" in thing.__qualname__
        ):
            return _left_out, (thing.__qualname__,)
        return NotImplemented


def _left_out(name: str) -> str:
    return name


def pickled(value: object) -> bytes:
    """Return what `pickle.load` reads of a value; raises NoProcess if it cannot be sent."""
    buffer = io.BytesIO()
    try:
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception as error:  # of somebody else's class: anything can happen
        raise NoProcess(f"the problem cannot be sent to one: {error}") from error
    return buffer.getvalue()
