"""Which solvers take part in a comparison, and why the others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from subsetopt.solvers import catalogue
from subsetopt.solving import solvers

BASELINE = "random"
"""Always takes part: an error means little beside no other error."""


@dataclass(frozen=True)
class Entrants:
    """The solvers of a comparison.

    Parameters
    ----------
    names : tuple of str
        Those that take part.
    left_out : mapping of str to str
        Those that could solve the family but cannot run here, with the reason and the mend.
    notes : tuple of str
        What was added unasked.
    """

    names: tuple[str, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


def entrants(named: Sequence[str], family: str) -> Entrants:
    """Return the named solvers, or all that can run when none is named, and always the baseline.

    Raises
    ------
    UnknownSolver
        If a name is not in the catalogue.
    """
    if named:
        for name in named:
            catalogue.solver_class(name)
        names = tuple(dict.fromkeys(named))
        left_out = {}
    else:
        able = [row for row in solvers() if family in row.handles]
        names = tuple(row.name for row in able if row.availability)
        left_out = {row.name: row.availability.reason for row in able if not row.availability}
    if BASELINE in names:
        return Entrants(names, left_out, ())
    note = f"{BASELINE} was not named; it always takes part"
    return Entrants((BASELINE, *names), left_out, (note,))
