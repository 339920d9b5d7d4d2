"""Changes of one solver between two results: times, objectives, answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Literal

import numpy as np

from subsetopt._significance import Pairs, log_ratio, sign_test
from subsetopt.benchmarks._best_known import relative_gap
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks.results import Row
from subsetopt.report._number_format import FAR
from subsetopt.solution import Termination

from ._row_groups import grouped

Timing = Literal["seconds", "overhead"]

Pair = tuple[Row, Row]
"""Before and after, of equal case, solver and repeat."""

FEWEST = 6
"""Pairs, or cases: of five coins all fall the same way more than once in twenty times."""

Speed = Literal["slower", "faster", "no difference seen", "too few pairs"]
Standing = Literal["broken", "fewer answers", "more answers", "no difference seen"]
Worth = Literal["worse", "better", "no difference seen", "too few cases"]


@dataclass(frozen=True, kw_only=True)
class TimeChange:
    """Times after over times before."""

    solver: str
    family: str | None
    """None is all families together."""
    timing: Timing
    """Of whole calls, or of what they take besides building and solving."""
    ratio: float | None
    low: float | None
    high: float | None
    """The geometric mean over the cases of the ratio of medians, and its interval; None where there
    are too few pairs for that."""
    pairs: int
    cases: int
    stopped: int
    """Pairs left out because the time limit ended both: they say nothing about speed."""
    verdict: Speed
    """One word or few."""

    def __str__(self) -> str:
        who = self.solver if self.family is None else f"{self.solver} on {self.family}"
        what = "" if self.timing == "seconds" else "overhead "
        counted = f"{self.pairs} pair{'s' if self.pairs != 1 else ''}"
        if self.ratio is None or self.low is None or self.high is None:
            text = f"{who}: {what}{self.verdict} to tell, {counted}"
        else:
            interval = f"(95 % interval {_signed(self.low)} to {_signed(self.high)} %)"
            seen = self.verdict in ("slower", "faster")
            change = changed(self.ratio) if seen else self.verdict
            text = f"{who}: {what}{change} {interval}, {counted}"
        return f"{text}; {self.stopped} stopped by the time limit" if self.stopped else text


def changed(ratio: float) -> str:
    """Return a ratio of times as people say it."""
    if 0.5 < ratio < 2:
        return f"{100 * abs(ratio - 1):.0f} % {'slower' if ratio > 1 else 'less time'}"
    factor, word = (ratio, "slow") if ratio > 1 else (1 / ratio, "fast")
    return f"{factor:.2g} times as {word}" if factor < 100 else f"{factor:,.0f} times as {word}"


def _signed(ratio: float) -> str:
    return f"{100 * (ratio - 1):+,.0f}"


def time_change(
    pairs: Sequence[Pair],
    *,
    family: str | None,
    timing: Timing,
    rng: np.random.Generator,
    confidence: float,
    threshold: float,
) -> TimeChange:
    """Compare the times of one solver, one pair at least.

    The interval has the confidence given; a change below the threshold does not matter.
    """
    free = [pair for pair in pairs if timing == "overhead" or not _both_stopped(pair)]
    units = _times(free, timing)
    count = sum(len(before) for before, _ in units)
    ratio = low = high = None
    verdict: Speed = "too few pairs"
    if count >= FEWEST:
        centre, half = log_ratio(units, rng, confidence)
        ratio, low, high = (_exp(x) for x in (centre, centre - half, centre + half))
        verdict = _speed(ratio, low, high, threshold)
    return TimeChange(
        solver=pairs[0][0].solver,
        family=family,
        timing=timing,
        ratio=ratio,
        low=low,
        high=high,
        pairs=count,
        cases=len(units),
        stopped=len(pairs) - len(free),
        verdict=verdict,
    )


def _exp(x: float) -> float:
    return exp(min(x, 700.0))


def _speed(ratio: float, low: float, high: float, threshold: float) -> Speed:
    if low > 1 and ratio >= 1 + threshold:
        return "slower"
    if high < 1 and 1 / ratio >= 1 + threshold:
        return "faster"
    return "no difference seen"


def _both_stopped(pair: Pair) -> bool:
    return all(row.termination is Termination.TIME_LIMIT for row in pair)


def _times(pairs: Iterable[Pair], timing: Timing) -> list[Pairs]:
    units: dict[str, list[tuple[float, float]]] = {}
    for before, after in pairs:
        both = [
            row.typical_seconds if timing == "seconds" else row.overhead_seconds
            for row in (before, after)
        ]
        if both[0] and both[1]:  # a clock may say 0
            units.setdefault(before.case, []).append((both[0], both[1]))
    return [(np.array(own)[:, 0], np.array(own)[:, 1]) for own in units.values()]


@dataclass(frozen=True, kw_only=True)
class WorthChange:
    """Objectives after and before, by case: medians over the repeats."""

    solver: str
    family: str | None
    """None is all families together."""
    better: int
    equal: int
    worse: int
    """Cases."""
    shift: float | None
    """The geometric mean of the ratios of objectives minus 1 in families of errors; in others the
    mean difference over the size of the objective before. None over several families, and where
    errors are 0."""
    probability: float
    """Of the sign test over the cases that differ."""
    verdict: Worth
    """One word or few."""

    @property
    def cases(self) -> int:
        """All that have an answer before and after."""
        return self.better + self.equal + self.worse

    def __str__(self) -> str:
        who = self.solver if self.family is None else f"{self.solver} on {self.family}"
        text = f"{who}: answers worse on {self.worse}, better on {self.better} of {self.cases} "
        text += "case" if self.cases == 1 else "cases"
        if self.shift is not None and abs(self.shift) < FAR:
            text += f", {100 * self.shift:+.2g} % on average"
        return text if self.verdict in ("worse", "better") else f"{text}: {_PLAIN[self.verdict]}"


_PLAIN: Mapping[Worth, str] = {
    "no difference seen": "no more than chance",
    "too few cases": "too few to tell from chance",
}


def worth_change(pairs: Sequence[Pair], *, family: str | None, level: float) -> WorthChange | None:
    """Compare the objectives of one solver; None if no case has an answer before and after.

    Cases are what the sign test counts, for the repeats of one case often end alike. Below a
    probability of `level` a difference is not taken for chance.
    """
    cases = _objectives(pairs)
    if not cases:
        return None
    signs = [_sign(before, after, name) for name, before, after in cases]
    worse, better = signs.count(1), signs.count(-1)
    probability = sign_test(worse, better)
    verdict: Worth = "too few cases" if len(cases) < FEWEST else "no difference seen"
    if probability < level:
        verdict = "worse" if worse > better else "better"
    return WorthChange(
        solver=pairs[0][0].solver,
        family=family,
        better=better,
        equal=len(cases) - better - worse,
        worse=worse,
        shift=_shift(cases),
        probability=probability,
        verdict=verdict,
    )


def _objectives(pairs: Sequence[Pair]) -> list[tuple[str, float, float]]:
    """Return family, objective before and after of each case."""
    answered = (pair for pair in pairs if _answers(pair) == (True, True))
    found = []
    for own in grouped(answered, lambda pair: pair[0].case).values():
        before, after = (median(pair[i].objective or 0.0 for pair in own) for i in (0, 1))
        found.append((own[0][0].family, before, after))
    return found


def _sign(before: float, after: float, family: str) -> int:
    if abs(after - before) <= FAMILIES[family].tolerance * abs(before):
        return 0
    return 1 if after > before else -1


def _shift(cases: Sequence[tuple[str, float, float]]) -> float | None:
    families = {name for name, _, _ in cases}
    if len(families) > 1:
        return None
    if FAMILIES[families.pop()].absolute:
        if not all(before > 0 and after > 0 for _, before, after in cases):
            return None
        return float(np.expm1(np.mean([log(after / before) for _, before, after in cases])))
    gaps = [gap for _, before, after in cases if (gap := relative_gap(after, before)) is not None]
    return float(np.mean(gaps)) if gaps else None


@dataclass(frozen=True, kw_only=True)
class AnswerChange:
    """Runs that have an answer in one of the two comparisons only."""

    solver: str
    lost: int
    gained: int
    """Runs, all repeats."""
    broken: int
    """Those lost that now fail with an error or are ended, in cases where no run failed before."""
    reasons: tuple[str, ...]
    """Why, each once."""
    probability: float
    """Of the sign test over lost and gained."""
    verdict: Standing
    """One word or few."""

    def __str__(self) -> str:
        text = f"{self.solver}: no answer any more on {self.lost} runs, newly one on {self.gained}"
        if self.broken:
            text += f"; {self.broken} fail where none did: {'; '.join(self.reasons[:3])}"
        return text if self.verdict != "no difference seen" else f"{text}: no more than chance"


def answer_change(pairs: Sequence[Pair], level: float) -> AnswerChange | None:
    """Count the runs of one solver that lost or gained an answer; None if there are none."""
    lost = [pair for pair in pairs if _answers(pair) == (True, False)]
    gained = [pair for pair in pairs if _answers(pair) == (False, True)]
    if not lost and not gained:
        return None
    failed_before = {before.case for before, _ in pairs if before.failure}
    broken = [after for before, after in lost if after.failure and before.case not in failed_before]
    probability = sign_test(len(lost), len(gained))
    verdict: Standing = "no difference seen"
    if broken:
        verdict = "broken"
    elif probability < level:
        verdict = "fewer answers" if len(lost) > len(gained) else "more answers"
    return AnswerChange(
        solver=pairs[0][0].solver,
        lost=len(lost),
        gained=len(gained),
        broken=len(broken),
        reasons=tuple(dict.fromkeys(row.failure for row in broken)),
        probability=probability,
        verdict=verdict,
    )


def _answers(pair: Pair) -> tuple[bool, bool]:
    return pair[0].objective is not None, pair[1].objective is not None
