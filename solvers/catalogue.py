"""The one list of solvers: names to classes, loaded when they are asked for."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from subsetopt.errors import InvalidAnswer, InvalidOption, UnknownSolver

from .base import Solver

GROUP = "subsetopt.solvers"
"""The entry-point group through which other packages add solvers."""

BUILT_IN = {
    "random": "random:Random",
    "stride": "stride:Stride",
    "greedy": "greedy:Greedy",
    "swap": "swap:Swap",
    "frank-wolfe": "frank_wolfe:FrankWolfe",
    "exact": "exact:Exact",
    "cbc": "cbc:Cbc",
    "scip": "scip:Scip",
    "highs": "highs:Highs",
    "cpsat": "cpsat:CpSat",
}
"""Name to ``file:Class``, in the order in which lists show them."""


@cache
def names() -> tuple[str, ...]:
    """Return the names of all solvers, our own first, then those that other packages register."""
    others = (point.name for point in entry_points(group=GROUP))
    return (*BUILT_IN, *(name for name in others if name not in BUILT_IN))


@cache
def solver_class(name: str) -> type[Solver]:
    """Return the class of a solver.

    Raises
    ------
    UnknownSolver
        If there is none of that name; the message lists those that there are.
    InvalidAnswer
        If another package registers something that is no solver.
    """
    if name in BUILT_IN:
        file, attribute = BUILT_IN[name].split(":")
        found = getattr(import_module(f"{__package__}.{file}"), attribute)
    else:
        points = [point for point in entry_points(group=GROUP) if point.name == name]
        if not points:
            raise UnknownSolver(f"no solver is called {name!r}; there are: {', '.join(names())}")
        found = points[0].load()
    if not (isinstance(found, type) and issubclass(found, Solver)):
        raise InvalidAnswer(f"{name!r} is registered as {found!r}, which is no Solver class")
    return found


def create(name: str, **options: Any) -> Solver:
    """Return a solver object with the given options.

    Raises
    ------
    UnknownSolver
        If none is called so.
    InvalidOption
        If it has no such option, or its value is outside its domain.
    """
    found = solver_class(name)
    unknown = [option for option in options if option not in found.options()]
    if unknown:
        known = ", ".join(found.options()) or "none"
        raise InvalidOption(f"solver {name!r} has no option {unknown[0]!r}; its options: {known}")
    return found(**options)
