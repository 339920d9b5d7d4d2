"""Registry of solvers: names to classes, imported on first use."""

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any

from subsetopt._dependencies import Availability
from subsetopt._entry_points import load_registered, registered
from subsetopt._registry import Registry, nearest, require_options
from subsetopt.errors import InvalidResult, MissingDependency, UnknownSolver
from subsetopt.models import CONSTRAINT_KINDS

from .base import Solver

__all__ = ["available_solvers"]

GROUP = "subsetopt.solvers"
"""The entry-point group through which other packages add solvers."""

BUILT_IN = Registry(
    "solver",
    __package__,
    {
        "random": "heuristics.random:Random",
        "stride": "heuristics.stride:Stride",
        "greedy": "heuristics.greedy:Greedy",
        "swap": "heuristics.swap:Swap",
        "herding": "heuristics.herding:Herding",
        "tabu": "heuristics.tabu:Tabu",
        "frank-wolfe": "relaxations.frank_wolfe:FrankWolfe",
        "lp-rounding": "relaxations.lp_rounding:LpRounding",
        "exact": "exact.exact:Exact",
        "branch-and-bound": "exact.branch_and_bound:BranchAndBound",
        "cbc": "backends.cbc:Cbc",
        "scip": "backends.scip:Scip",
        "highs": "backends.highs:Highs",
        "cpsat": "backends.cpsat:CpSat",
    },
)
"""Name to ``module:Class``, in the order in which lists show them."""

_DECLARED = ("name", "kind", "summary", "choose_when", "handles")


@cache
def names() -> tuple[str, ...]:
    """Return the names of all solvers, our own first, then those that other packages register."""
    return tuple(dict.fromkeys([*BUILT_IN, *registered(GROUP)]))


@cache
def solver_class(name: str) -> type[Solver]:
    """Return the class of a solver.

    Raises
    ------
    UnknownSolver
        If there is none of that name; the message lists those that there are.
    MissingDependency
        If it comes from another package, which fails when it is imported.
    InvalidResult
        If another package registers something that is no solver.
    """
    if name in BUILT_IN:
        found = BUILT_IN.load(name)
    else:
        if name not in registered(GROUP):
            known = names()
            raise UnknownSolver(
                f"solver must be one of {', '.join(known)}; got {name!r}{nearest(name, known)}"
            )
        found = _loaded(name)
    return found  # type: ignore[no-any-return]


def _loaded(name: str) -> type[Solver]:
    """Return what another package registers, having checked that it is a solver."""
    found, origin = load_registered(registered(GROUP)[name], "solver")
    if not (isinstance(found, type) and issubclass(found, Solver)):
        raise InvalidResult(f"{origin}, is {found!r}, which is not a Solver class")
    if not dataclasses.is_dataclass(found):
        raise InvalidResult(f"{origin}, is {found!r}, which is not a dataclass")
    lacking = [name for name in _DECLARED if not hasattr(found, name)]
    if lacking:
        raise InvalidResult(f"{origin}, declares no {', '.join(lacking)}")
    if found.name != name:
        raise InvalidResult(f"{origin}, calls itself {found.name!r}; the two names must agree")
    solver: type[Solver] = found
    return solver


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
    require_options(f"solver {name!r}", options, found.options())
    return found(**options)


@dataclass(frozen=True)
class SolverInfo:
    """One row of the list of solvers, as the solver declares it.

    Parameters
    ----------
    name, kind, version, summary, choose_when : str
    availability : Availability
        Truthy when the solver can run here; else its `reason` says why not and the fix.
    handles : tuple of str
        Families of problems.
    takes : tuple of str
        Kinds of constraints besides those that all take, of `subsetopt.models.CONSTRAINT_KINDS`.
    exact : bool
        Whether it sets out to prove optimality.
    options : tuple of str
        Its own options; the limits are the same for all.
    """

    name: str
    kind: str
    version: str | None
    availability: Availability
    handles: tuple[str, ...]
    takes: tuple[str, ...]
    exact: bool
    summary: str
    choose_when: str
    options: tuple[str, ...]


def available_solvers() -> tuple[SolverInfo, ...]:
    """List all solvers, those that cannot run here included, with the reason."""
    return tuple(_info(name) for name in names())


def _info(name: str) -> SolverInfo:
    try:
        found = solver_class(name)
        availability = found.availability()
    except (MissingDependency, InvalidResult) as error:  # another package's, and broken
        broken = Availability(None, str(error))
        return SolverInfo(name, "unknown", None, broken, (), (), False, "", "", ())
    return SolverInfo(
        name=name,
        kind=str(found.kind),
        version=availability.version,
        availability=availability,
        handles=found.handles,
        takes=tuple(kind for kind in CONSTRAINT_KINDS if kind in found.takes),
        exact=found.exact,
        summary=found.summary,
        choose_when=found.choose_when,
        options=found.options(),
    )
