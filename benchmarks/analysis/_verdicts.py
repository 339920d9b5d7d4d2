"""Verdicts on claims of optimality, and on best answers against best known values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from subsetopt.benchmarks._best_known import TOLERANCE
from subsetopt.benchmarks.results import CaseInfo, Row
from subsetopt.report._number_format import distance
from subsetopt.solution import Termination

from ._row_groups import best_of, grouped
from ._summary import by_solver

KNOWN = "the best known value"
"""Beats claims as a solver does."""


@dataclass(frozen=True, kw_only=True)
class OptimalityVerdict:
    """What the claims of "optimal" of one solver are worth, judged by all answers there are."""

    solver: str
    cases: int
    claimed: int
    """Cases tried, and those on which it claimed an optimum in any run."""
    beaten: int
    """Claims that a lower objective refutes: any solver's, in any run, or a published one."""
    beyond: int
    """Those among them that are off by more than the certificate of the claim allows."""
    excess: float
    """By how much at most: its objective minus the best, divided by its own if `relative`."""
    relative: bool
    beaten_by: str | None
    """The solver that beats it most often, then by most; itself where its runs disagree."""
    beaten_by_count: int

    def __str__(self) -> str:
        claim = f'{self.solver} claims "optimal" on {self.claimed} of {self.cases} instances'
        if not self.beaten:
            return f"{claim}; no solver here beats it"
        by = "another run of its own" if self.beaten_by == self.solver else self.beaten_by
        text = f"{claim}; {by} beats it on {self.beaten_by_count}"
        if self.beaten > self.beaten_by_count:
            text += f", others on {self.beaten - self.beaten_by_count} more"
        text += ", by up to "
        text += distance(self.excess, 2) if self.relative else f"{self.excess:.1e}"
        if self.beyond:
            text += f"; on {self.beyond} that is beyond the tolerance that it states"
        return text


def verdicts(rows: Sequence[Row], tolerance: float = 0.0) -> list[OptimalityVerdict]:
    """Hold each solver's claims of "optimal" against the best answer of any solver.

    The rows are all of one family, every repeat and time limit. Objectives are equal up to a
    relative difference of `tolerance`; 0 compares strictly.
    """
    best = _best_of_each_solver(rows)
    judged = [_verdict(own, best, tolerance) for own in by_solver(rows).values()]
    return [verdict for verdict in judged if verdict.claimed]


def _best_of_each_solver(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return, for each case, the least objective of each solver."""
    return {
        case: best_of((row.solver, row.objective) for row in own)
        for case, own in grouped(rows, attrgetter("case")).items()
    }


def _verdict(
    rows: Sequence[Row], best: Mapping[str, Mapping[str, float]], tolerance: float
) -> OptimalityVerdict:
    optimal = (row for row in rows if row.termination is Termination.OPTIMAL)
    claims = grouped((row for row in optimal if row.objective is not None), attrgetter("case"))
    better: dict[str, list[float]] = {}
    beaten = beyond = 0
    for case, own in claims.items():
        found, is_beyond = _refuted(own, best[case], tolerance)
        for name, excess in found.items():
            better.setdefault(name, []).append(excess)
        beaten += bool(found)
        beyond += is_beyond
    first = max(better, key=lambda name: (len(better[name]), sum(better[name])), default=None)
    return OptimalityVerdict(
        solver=rows[0].solver,
        cases=len({row.case for row in rows}),
        claimed=len(claims),
        beaten=beaten,
        beyond=beyond,
        excess=max((max(excesses) for excesses in better.values()), default=0.0),
        relative=tolerance > 0,
        beaten_by=first,
        beaten_by_count=len(better[first]) if first else 0,
    )


def _refuted(
    claims: Sequence[Row], best: Mapping[str, float], tolerance: float
) -> tuple[dict[str, float], bool]:
    """Return who is better than the worst claim on a case, by how much, and whether by too much."""
    worst: dict[str, float] = {}
    beyond = False
    for claim in claims:
        assert claim.objective is not None
        found = _beaten_by(claim, claim.objective, best, tolerance)
        beyond |= bool(found) and claim.eps is not None and max(found.values()) > claim.eps
        unit = abs(claim.objective) if tolerance else 1.0
        for name, excess in found.items():
            worst[name] = max(excess / unit if unit else excess, worst.get(name, 0.0))
    return worst, beyond


def _beaten_by(
    claim: Row, objective: float, best: Mapping[str, float], tolerance: float
) -> dict[str, float]:
    """Return by how much each solver that is better than the claim is better."""
    slack = tolerance * abs(objective)
    found = {name: objective - other for name, other in best.items()}
    found = {name: excess for name, excess in found.items() if excess > slack}
    # Published values have fewer digits.
    if claim.best_known is not None and objective - claim.best_known > TOLERANCE * abs(objective):
        found[KNOWN] = objective - claim.best_known
    return found


def best_rows(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the first of the best rows of each case that has an answer."""
    answered = grouped((row for row in rows if row.objective is not None), attrgetter("case"))
    return {case: min(own, key=lambda row: row.objective or 0.0) for case, own in answered.items()}


def against_known(cases: Iterable[CaseInfo], rows: Iterable[Row]) -> Iterator[str]:
    """Yield how the best answers compare with what is known of the instances, news first."""
    best = best_rows(rows)
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
