"""Which solvers take part in a comparison, and why the others do not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from subsetopt._spec import Spec
from subsetopt.errors import UnsupportedProblem
from subsetopt.solvers import catalogue
from subsetopt.solvers.catalogue import available_solvers

from .cases._sequence_cases import METHODS
from .results import Contender

SEQUENCE = "sequence"

BASELINE = "random"
"""Always takes part: an error means little beside no other error."""


@dataclass(frozen=True)
class Contenders:
    """The solvers of a comparison.

    Parameters
    ----------
    chosen : tuple of Entrant
        Those that take part, each with the families that it is run on.
    left_out : mapping of str to str
        Those that could take part but cannot run here, with the reason and the mend.
    notes : tuple of str
        What was added unasked.
    """

    chosen: tuple[Contender, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


def entrants(named: Sequence[Contender], families: Iterable[str]) -> Contenders:
    """Return the named solvers, or all that can run when none is named, and always the baseline.

    A backend is compared on its own: without a start from one of the heuristics that it competes
    with, unless its options say ``warm_start=True``.

    Raises
    ------
    UnknownSolver
        If a name is not in the catalogue.
    UnsupportedProblem
        If one handles none of the families.
    InvalidOption
        If one has no such option, or its value is outside its domain.
    """
    wanted = tuple(dict.fromkeys(families))
    if named:
        placed = [replace(entrant, families=_handled(entrant, wanted)) for entrant in named]
        for entrant in placed:  # options are refused now, not run by run
            if entrant.families != (SEQUENCE,):
                catalogue.create(entrant.name, **entrant.options)
        left_out: dict[str, str] = {}
    else:
        placed, left_out = _all(wanted)
    placed = [_on_its_own(entrant) for entrant in placed]
    if any(entrant.name == BASELINE and not entrant.options for entrant in placed):
        return Contenders(tuple(placed), left_out, ())
    baseline = Contender(label=BASELINE, name=BASELINE, families=wanted)
    note = f"{BASELINE} was not named; it always takes part"
    return Contenders((baseline, *placed), left_out, (note,))


def by_name(names: Iterable[str]) -> list[Contender]:
    """Return solvers by their names, which may have options: ``tabu:iterations=1000``."""
    found = []
    for name in dict.fromkeys(names):
        spec = Spec.parse(name)
        found.append(Contender(label=name, name=spec.name, options=spec.options))
    return found


def _on_its_own(entrant: Contender) -> Contender:
    """Return a backend without the start from one of our heuristics, unless options ask for it."""
    if entrant.name in catalogue.names():
        known = catalogue.solver_class(entrant.name).options()
        if "warm_start" in known and "warm_start" not in entrant.options:
            return replace(entrant, options={"warm_start": False, **entrant.options})
    return entrant


def _all(families: Sequence[str]) -> tuple[list[Contender], dict[str, str]]:
    """Return all that can run, and why the others cannot."""
    listed = {row.name: row for row in available_solvers()}
    able: dict[str, list[str]] = {}
    for family in families:
        for name in METHODS if family == SEQUENCE else listed:
            if family == SEQUENCE or family in listed[name].handles:
                able.setdefault(name, []).append(family)
    missing = {name: listed[name].availability for name in able if name in listed}
    left_out = {name: reason.reason for name, reason in missing.items() if not reason}
    chosen = [
        Contender(label=name, name=name, families=tuple(own))
        for name, own in able.items()
        if name not in left_out
    ]
    return chosen, left_out


def _handled(entrant: Contender, families: Sequence[str]) -> tuple[str, ...]:
    """Return the families that a named entrant is run on; raise where there are none."""
    if entrant.name in METHODS and entrant.name not in catalogue.names():
        handles: tuple[str, ...] = (SEQUENCE,)
    else:
        handles = catalogue.solver_class(entrant.name).handles
        if "mmd" in handles:
            handles = (*handles, SEQUENCE)
    able = tuple(family for family in families if family in handles)
    if not able:
        raise UnsupportedProblem(
            f"{entrant.name} solves {' and '.join(handles)}, not {' or '.join(families)}"
        )
    return able
