"""The best answer to each case, and who has found it."""

from collections.abc import Iterator
from dataclasses import dataclass

from subsetopt.benchmarks.analysis.verdicts import best_rows
from subsetopt.benchmarks.best_known import TOLERANCE, relative_gap
from subsetopt.benchmarks.results import CaseInfo, Row

from .report import FamilyReport
from .words import error


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A case and the best that came out.

    Parameters
    ----------
    case : CaseInfo
    value : str
        The best one, in the sense of the case; empty without an answer.
    solvers : tuple of str
        Those that reach it, the one that was first in time first.
    seconds : float or None
        Of that one.
    bound_gap : float or None
        (objective - bound) / |objective|, of the best bound that anybody has.
    known, standing : str
        What is known of the case, and how the best answer compares.
    """

    case: CaseInfo
    value: str
    solvers: tuple[str, ...]
    seconds: float | None
    bound_gap: float | None
    known: str
    standing: str


def instances(family: FamilyReport) -> Iterator[Instance]:
    """Yield the cases of a family in their order."""
    best = best_rows(family.rows)
    rows: dict[str, list[Row]] = {}
    for row in family.rows:
        rows.setdefault(row.case, []).append(row)
    for case in family.cases:
        yield _instance(case, best.get(case.name), rows.get(case.name, []), family.family.absolute)


def _instance(case: CaseInfo, best: Row | None, rows: list[Row], absolute: bool) -> Instance:
    objective = None if best is None else best.objective
    reaching = [row for row in rows if objective is not None and _reaches(row, objective)]
    reaching.sort(key=lambda row: row.typical_seconds or 0.0)
    known = case.known
    return Instance(
        case=case,
        value="" if objective is None else _value(objective, case, absolute),
        solvers=tuple(dict.fromkeys(row.solver for row in reaching)),
        seconds=reaching[0].typical_seconds if reaching else None,
        bound_gap=None if objective is None else _bound_gap(objective, rows),
        known="" if known is None else known.published,
        standing="" if known is None or objective is None else known.standing(objective),
    )


def _reaches(row: Row, best: float) -> bool:
    if row.objective is None:
        return False
    return row.objective <= best + TOLERANCE * abs(best)


def _value(objective: float, case: CaseInfo, absolute: bool) -> str:
    value = -objective if case.sense == "maximise" else objective
    return error(value) if absolute else f"{value:.10g}"


def _bound_gap(objective: float, rows: list[Row]) -> float | None:
    bounds = [row.bound for row in rows if row.bound is not None]
    if not bounds:
        return None
    gap = relative_gap(min(max(bounds), objective), objective)
    return None if gap is None else -gap
