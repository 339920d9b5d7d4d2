"""Plan of a comparison, its results, and the runs that are still to be measured."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from subsetopt._machine import Machine
from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.benchmarks._families import named
from subsetopt.benchmarks._suite_options import MeasurementOptions
from subsetopt.errors import InvalidFile
from subsetopt.formats._declared import declared
from subsetopt.solution import Termination

from ._rows import KILLED, SCHEMA, Key, Row

if TYPE_CHECKING:
    from subsetopt.benchmarks.cases import Case

__all__ = ["Bound", "CaseInfo", "Contender", "Plan", "Results", "Session", "SkippedCase"]


_FORMER = {"entrants": "contenders"}
"""Keys of earlier plans, by what they are now."""


@dataclass(frozen=True, kw_only=True)
class CaseInfo:
    """A case without its data; see `subsetopt.benchmarks.cases.Case`."""

    name: str
    family: str
    source: str
    n: int
    k: int
    sense: str = "minimise"
    known: BestKnown | None = None
    constraints: tuple[str, ...] = ()

    @classmethod
    def of(cls, case: "Case") -> "CaseInfo":
        """Describe a case."""
        return cls(**{one.name: getattr(case, one.name) for one in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A solver that takes part.

    Parameters
    ----------
    label : str
        Unique within a comparison; the solver's name where no options are asked for.
    name : str
    options : dict
        Of the solver's own.
    families : tuple of str
        The families of the comparison whose cases it is run on.
    """

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    families: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SkippedCase:
    """A case that a solver is not run on, as it does not take its constraints."""

    case: str
    solver: str
    """The label of the contender."""
    does_not_take: tuple[str, ...]
    """The kinds of constraints, of `subsetopt.models.CONSTRAINT_KINDS`."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One uninterrupted stretch of a comparison: where and when it was measured."""

    machine: Machine
    packages: Mapping[str, str]
    """Distributions that the solvers stand on, and their versions."""
    commit: str
    """Of the checkout; empty outside of one."""
    started: str
    """ISO 8601, UTC."""
    jobs: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compared, and how.

    Parameters
    ----------
    suite : str
    settings : MeasurementOptions
    contenders : tuple of Contender
    cases : tuple of CaseInfo
    left_out : dict of str to str
        Solvers that could take part but cannot run here, and why.
    notes : tuple of str
        What else has to be said about the choice of cases and solvers.
    skipped : tuple of SkippedCase
        Cases that a solver could be run on but for their constraints.
    """

    suite: str
    settings: MeasurementOptions
    contenders: tuple[Contender, ...]
    cases: tuple[CaseInfo, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: tuple[SkippedCase, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"schema": SCHEMA} | asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plan":
        """Rebuild a plan; InvalidFile if it is none, or one of another schema."""
        if data.get("schema") != SCHEMA:
            raise InvalidFile(f"schema of the results must be {SCHEMA}; got {data.get('schema')!r}")
        held = {_FORMER.get(name, name): one for name, one in data.items() if name != "schema"}
        if isinstance(held.get("suite"), str):
            held["suite"] = named(held["suite"])
        return declared(cls, held, "plan of a comparison")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A lower bound on a case, worked out once for all its answers."""

    case: str
    method: str
    value: float | None = None
    seconds: float | None = None
    failure: str = ""
    """Why there is none."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that is known of a comparison.

    Parameters
    ----------
    plan : Plan
    sessions : tuple of Session
    rows : tuple of Row
    bounds : tuple of Bound
    complete : bool
        Whether everything that was planned has been measured.
    """

    plan: Plan
    sessions: tuple[Session, ...]
    rows: tuple[Row, ...]
    bounds: tuple[Bound, ...] = ()
    complete: bool = True


def todo(plan: Plan, rows: Iterable[Row], time_limit: float) -> list[Key]:
    """Return the keys of the runs with this time limit that have not been measured, in order.

    The repeats of one solver on one case lie far apart and the solvers take turns, in an order
    that is reversed each time: whatever else the machine does meets all alike. What came to its
    end within a shorter limit is not run again, nor what had to be killed; what was refused is.
    """
    known = {row.key: row for row in rows}
    shorter = [limit for limit in plan.settings.time_limits if limit < time_limit]
    return [
        key
        for key in _keys(plan, time_limit)
        if key not in known and not _ended(key, shorter, known)
    ]


def total(plan: Plan) -> int:
    """Return how many runs there are at most."""
    return sum(1 for limit in plan.settings.time_limits for _ in _keys(plan, limit))


def complete(plan: Plan, rows: Iterable[Row]) -> bool:
    """Say whether nothing is left to be measured."""
    rows = tuple(rows)
    return not any(todo(plan, rows, limit) for limit in plan.settings.time_limits)


def _keys(plan: Plan, time_limit: float) -> Iterator[Key]:
    skipped = {(one.case, one.solver) for one in plan.skipped}
    for repeat in range(plan.settings.repeats):
        for case in plan.cases:
            able = [e.label for e in plan.contenders if case.family in e.families]
            able = [label for label in able if (case.name, label) not in skipped]
            for label in able if repeat % 2 == 0 else reversed(able):
                yield (case.name, label, repeat, time_limit)


def _ended(key: Key, shorter: Iterable[float], known: Mapping[Key, Row]) -> bool:
    """Say whether a longer limit is of no use: it came to its end, or had to be killed."""
    rows = [row for limit in shorter if (row := known.get((*key[:3], limit))) is not None]
    return any(
        row.failure.startswith(KILLED) or row.termination not in (None, Termination.TIME_LIMIT)
        for row in rows
    )
