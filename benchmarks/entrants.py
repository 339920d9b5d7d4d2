"""Which solvers take part in a comparison, and why the others do not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from subsetopt.errors import UnsupportedProblem
from subsetopt.solvers import catalogue
from subsetopt.solving import solvers

from .results import Entrant

BASELINE = "random"
"""Always takes part: an error means little beside no other error."""


@dataclass(frozen=True)
class Entrants:
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

    chosen: tuple[Entrant, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


def entrants(named: Sequence[Entrant], families: Iterable[str]) -> Entrants:
    """Return the named solvers, or all that can run when none is named, and always the baseline.

    Raises
    ------
    UnknownSolver
        If a name is not in the catalogue.
    UnsupportedProblem
        If one handles none of the families.
    """
    wanted = tuple(dict.fromkeys(families))
    chosen, left_out = (named, {}) if named else _all(wanted)
    placed = [replace(entrant, families=_handled(entrant, wanted)) for entrant in chosen]
    if any(entrant.name == BASELINE and not entrant.options for entrant in placed):
        return Entrants(tuple(placed), left_out, ())
    baseline = Entrant(label=BASELINE, name=BASELINE, families=wanted)
    note = f"{BASELINE} was not named; it always takes part"
    return Entrants((baseline, *placed), left_out, (note,))


def by_name(names: Iterable[str]) -> list[Entrant]:
    """Return solvers with their default options."""
    return [Entrant(label=name, name=name) for name in dict.fromkeys(names)]


def _all(families: Sequence[str]) -> tuple[list[Entrant], dict[str, str]]:
    left_out: dict[str, str] = {}
    names = []
    listed = {row.name: row for row in solvers()}
    for family in families:
        for name in _able(family):
            if name in listed and not listed[name].availability:
                left_out[name] = listed[name].availability.reason
            else:
                names.append(name)
    return by_name(names), left_out


def _able(family: str) -> tuple[str, ...]:
    """Return all that take part in a family where none is named."""
    if family == "sequence":
        from .cases.sequences import METHODS

        return METHODS
    return tuple(row.name for row in solvers() if family in row.handles)


def _handled(entrant: Entrant, families: Sequence[str]) -> tuple[str, ...]:
    """Return the families that an entrant is run on; raise where there are none."""
    baselines = _able("sequence")
    if entrant.name in baselines and entrant.name not in catalogue.names():
        handles: tuple[str, ...] = ("sequence",)
    else:
        handles = catalogue.solver_class(entrant.name).handles
        if "mmd" in handles and (entrant.name in baselines or families == ("sequence",)):
            handles = (*handles, "sequence")
    able = tuple(family for family in families if family in handles)
    if not able:
        raise UnsupportedProblem(
            f"{entrant.name} solves {' and '.join(handles)}, not {' or '.join(families)}"
        )
    return able
