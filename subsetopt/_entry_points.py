"""Plug-ins: entry points of other packages, by group and name."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import MissingDependency


@cache
def registered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name; of equal names the first that is installed."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, point)
    return found


def load_registered(point: EntryPoint, kind: str) -> tuple[Any, str]:
    """Return what an entry point names, and where it is from, for messages.

    Raises
    ------
    MissingDependency
        If it cannot be imported.
    """
    origin = f"{kind} {point.name!r}, registered by {point.dist.name if point.dist else 'another'}"
    try:
        return point.load(), origin
    except Exception as error:  # of somebody else's module: anything can happen
        raise MissingDependency(
            f"{origin} as {point.value!r}, cannot be loaded ({error!r}); fix or uninstall it"
        ) from error
