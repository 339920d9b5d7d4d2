"""From rows to what they say: pure functions, no solving, no printing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from subsetopt.solution import CertificateKind, Termination

from .rows import Row

REFERENCE = "cbc"
"""The solver that times are compared with: the one of the paper's listing."""


@dataclass(frozen=True, kw_only=True)
class SolverSummary:
    """One solver over all cases; None where there is nothing to say.

    Parameters
    ----------
    solver, version : str
    cases, answered : int
        Cases tried, and those on which it returned a selection.
    error_median, error_max : float or None
        Objectives over the cases answered.
    rank_median : float or None
        Share of random subsets at least as good.
    seconds_median, seconds_p95 : float or None
        Over all timed solves; every case weighs the same, however often it was repeated.
    times_faster : float or None
        Median over the cases of (median seconds of the reference / median seconds of this one).
    fewest_repeats, most_repeats : int
        Timed solves per case.
    terminations, certificates, failures : mapping of str to int
        How often each occurred; failures by the error's name and words.
    tolerance_max : float or None
        The weakest claim within tolerances: the largest eps of certificates of that kind.
    """

    solver: str
    version: str
    cases: int
    answered: int
    error_median: float | None
    error_max: float | None
    rank_median: float | None
    seconds_median: float | None
    seconds_p95: float | None
    times_faster: float | None
    fewest_repeats: int
    most_repeats: int
    terminations: Mapping[str, int]
    certificates: Mapping[str, int]
    failures: Mapping[str, int]
    tolerance_max: float | None

    @property
    def claimed(self) -> int:
        """On how many cases it said "optimal"."""
        return self.terminations.get(Termination.OPTIMAL.value, 0)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the claims of "optimal" of one solver are worth, judged by the answers of the others.

    Parameters
    ----------
    solver : str
    cases, claimed : int
        Cases tried, and those on which it claimed an optimum.
    beaten : int
        Claims on which some solver has a lower objective, however little.
    beyond : int
        Those among them that are off by more than the certificate of the claim allows.
    excess : float
        By how much at most: its objective minus the best.
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
    beaten_by: str | None
    beaten_by_count: int

    def __str__(self) -> str:
        claim = f'{self.solver} claims "optimal" on {self.claimed} of {self.cases} instances'
        if not self.beaten:
            return f"{claim}; no solver here beats it"
        text = f"{claim}; {self.beaten_by} beats it on {self.beaten_by_count}"
        if self.beaten > self.beaten_by_count:
            text += f", others on {self.beaten - self.beaten_by_count} more"
        text += f", by up to {self.excess:.1e}"
        if self.beyond:
            text += f"; on {self.beyond} that is beyond the tolerance that it states"
        return text


def summarise(rows: Sequence[Row], reference: str = REFERENCE) -> list[SolverSummary]:
    """Summarise each solver over its rows; fastest first, those without an answer last."""
    by_solver = _grouped(rows)
    reference_seconds = {
        row.case: median(row.seconds) for row in _timed(by_solver.get(reference, []))
    }
    summaries = [_summary(own, reference_seconds) for own in by_solver.values()]
    return sorted(summaries, key=lambda s: np.inf if s.seconds_median is None else s.seconds_median)


def _summary(rows: Sequence[Row], reference_seconds: Mapping[str, float]) -> SolverSummary:
    answered = [row for row in rows if row.objective is not None]
    errors = [row.objective for row in answered if row.objective is not None]
    ranks = [row.random_rank for row in answered if row.random_rank is not None]
    tolerances = [
        row.eps
        for row in answered
        if row.eps is not None and row.certificate is CertificateKind.TOLERANCE
    ]
    timed = _timed(rows)
    ratios = [
        reference_seconds[row.case] / median(row.seconds)
        for row in timed
        if row.case in reference_seconds
    ]
    return SolverSummary(
        solver=rows[0].solver,
        version=next((row.version for row in rows if row.version), ""),
        cases=len(rows),
        answered=len(answered),
        error_median=median(errors) if errors else None,
        error_max=max(errors, default=None),
        rank_median=median(ranks) if ranks else None,
        seconds_median=_quantile(timed, 0.5),
        seconds_p95=_quantile(timed, 0.95),
        times_faster=median(ratios) if ratios else None,
        fewest_repeats=min((row.repeats for row in timed), default=0),
        most_repeats=max((row.repeats for row in timed), default=0),
        terminations=_counted(row.termination for row in rows),
        certificates=_counted(row.certificate for row in answered),
        failures=_counted(row.failure for row in rows),
        tolerance_max=max(tolerances, default=None),
    )


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Hold each solver's claims of "optimal" against the best answer of any solver.

    Objectives of mean matching are evaluated without rounding but for the last step, so the
    comparison is strict.
    """
    by_case: dict[str, list[Row]] = {}
    for row in rows:
        if row.objective is not None:
            by_case.setdefault(row.case, []).append(row)
    judged = [_verdict(own, by_case) for own in _grouped(rows).values()]
    return [verdict for verdict in judged if verdict.claimed]


def _verdict(rows: Sequence[Row], by_case: Mapping[str, Sequence[Row]]) -> Verdict:
    claims = [row for row in rows if _claims_optimal(row)]
    better: dict[str, list[float]] = {}
    beaten = beyond = 0
    for claim in claims:
        found = _beaten_by(claim, by_case[claim.case])
        for solver, excess in found.items():
            better.setdefault(solver, []).append(excess)
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
        beaten_by=first,
        beaten_by_count=len(better[first]) if first else 0,
    )


def _claims_optimal(row: Row) -> bool:
    return row.termination is Termination.OPTIMAL and row.objective is not None


def _beaten_by(claim: Row, others: Sequence[Row]) -> dict[str, float]:
    """Return by how much each solver that is better than the claim is better."""
    assert claim.objective is not None
    excesses = {row.solver: claim.objective - (row.objective or 0.0) for row in others}
    return {solver: excess for solver, excess in excesses.items() if excess > 0}


def _counted(words: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(str(word) for word in words if word))


def _grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.solver, []).append(row)
    return groups


def _timed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.seconds]


def _quantile(rows: Sequence[Row], share: float) -> float | None:
    """Return the least time below or at which lie `share` of all, every row weighing the same."""
    if not rows:
        return None
    seconds = np.concatenate([row.seconds for row in rows])
    weights: NDArray[np.float64] = np.concatenate(
        [np.full(len(row.seconds), 1 / len(row.seconds)) for row in rows]
    )
    order = np.argsort(seconds)
    reached = np.cumsum(weights[order]) >= share * len(rows) - 1e-9
    return float(seconds[order][np.argmax(reached)])
