"""What the claims of solvers are worth, and how the best answers compare with what is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from subsetopt.solution import Termination

from .best_known import TOLERANCE
from .cases import Case
from .rows import Row
from .summary import by_solver

KNOWN = "the best known value"
"""Beats claims as a solver does."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the claims of "optimal" of one solver are worth, judged by the answers of the others.

    Parameters
    ----------
    solver : str
    cases, claimed : int
        Cases tried, and those on which it claimed an optimum.
    beaten : int
        Claims on which some solver has a lower objective, or a lower one has been published.
    beyond : int
        Those among them that are off by more than the certificate of the claim allows.
    excess : float
        By how much at most: its objective minus the best, divided by the best if `relative`.
    relative : bool
    beaten_by : str or None
        The solver that beats it most often, then by most.
    beaten_by_count : int
    """

    solver: str
    cases: int
    claimed: int
    beaten: int
    beyond: int
    excess: float
    relative: bool
    beaten_by: str | None
    beaten_by_count: int

    def __str__(self) -> str:
        claim = f'{self.solver} claims "optimal" on {self.claimed} of {self.cases} instances'
        if not self.beaten:
            return f"{claim}; no solver here beats it"
        text = f"{claim}; {self.beaten_by} beats it on {self.beaten_by_count}"
        if self.beaten > self.beaten_by_count:
            text += f", others on {self.beaten - self.beaten_by_count} more"
        text += ", by up to "
        text += f"{100 * self.excess:.2g} %" if self.relative else f"{self.excess:.1e}"
        if self.beyond:
            text += f"; on {self.beyond} that is beyond the tolerance that it states"
        return text


def verdicts(rows: Sequence[Row], tolerance: float = 0.0) -> list[Verdict]:
    """Hold each solver's claims of "optimal" against the best answer of any solver.

    Parameters
    ----------
    rows : sequence of Row
    tolerance : float
        A relative difference up to which objectives are equal; 0 compares strictly.
    """
    by_case: dict[str, list[Row]] = {}
    for row in rows:
        if row.objective is not None:
            by_case.setdefault(row.case, []).append(row)
    judged = [_verdict(own, by_case, tolerance) for own in by_solver(rows).values()]
    return [verdict for verdict in judged if verdict.claimed]


def _verdict(
    rows: Sequence[Row], by_case: Mapping[str, Sequence[Row]], tolerance: float
) -> Verdict:
    claims = [row for row in rows if _claims_optimal(row)]
    better: dict[str, list[float]] = {}
    beaten = beyond = 0
    for claim in claims:
        assert claim.objective is not None
        found = _beaten_by(claim, claim.objective, by_case[claim.case], tolerance)
        unit = abs(claim.objective) if tolerance else 1.0
        for name, excess in found.items():
            better.setdefault(name, []).append(excess / unit)
        if found:
            beaten += 1
            beyond += claim.eps is not None and max(found.values()) > claim.eps
    first = max(better, key=lambda name: (len(better[name]), sum(better[name])), default=None)
    return Verdict(
        solver=rows[0].solver,
        cases=len(rows),
        claimed=len(claims),
        beaten=beaten,
        beyond=beyond,
        excess=max((max(excesses) for excesses in better.values()), default=0.0),
        relative=tolerance > 0,
        beaten_by=first,
        beaten_by_count=len(better[first]) if first else 0,
    )


def _claims_optimal(row: Row) -> bool:
    return row.termination is Termination.OPTIMAL and row.objective is not None


def _beaten_by(
    claim: Row, objective: float, others: Sequence[Row], tolerance: float
) -> dict[str, float]:
    """Return by how much each solver that is better than the claim is better."""
    slack = tolerance * abs(objective)
    found = {row.solver: objective - row.objective for row in others if row.objective is not None}
    found = {name: excess for name, excess in found.items() if excess > slack}
    # Published values have fewer digits.
    if claim.best_known is not None and objective - claim.best_known > TOLERANCE * abs(objective):
        found[KNOWN] = objective - claim.best_known
    return found


def against_known(cases: Sequence[Case], rows: Sequence[Row]) -> Iterator[str]:
    """Yield how the best answers compare with what is known of the instances, news first."""
    best: dict[str, Row] = {}
    for row in rows:
        if row.objective is not None and (
            row.case not in best or row.objective < (best[row.case].objective or 0.0)
        ):
            best[row.case] = row
    worse, reached, known = [], 0, 0
    for case in cases:
        if case.known is None or case.name not in best:
            continue
        row, known = best[case.name], known + 1
        assert row.objective is not None
        standing = case.known.standing(row.objective)
        if standing == "new best":
            yield f"{row.solver} on {case.known.judge(row.objective)}"
        elif standing == "worse":
            worse.append(f"{row.solver} is best on {case.known.judge(row.objective)}")
        reached += standing != "worse"
    if known:
        yield f"best known value reached on {reached} of {known} instances that have one"
    yield from worse
