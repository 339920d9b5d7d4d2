"""Comparison of two results: what has become slower or worse, or has broken."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from subsetopt.benchmarks.results import Results, Row
from subsetopt.errors import InvalidOption
from subsetopt.solution import Termination

from ._changes import (
    AnswerChange,
    Pair,
    TimeChange,
    WorthChange,
    answer_change,
    time_change,
    worth_change,
)
from ._row_groups import final_rows, grouped

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is not the same in the two, in words."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before or 'none'} -> {self.after or 'none'}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What has changed from the results A to the results B.

    Intervals and tests hold all together with 95 % (Bonferroni): of two comparisons of the same
    thing, at most one in twenty shows any difference at all, noise in common left aside. Such
    noise, a machine that is warmer or busier for an hour, is what the threshold is for.

    Parameters
    ----------
    threshold : float
        The relative change of times that matters.
    tests : int
        How many intervals, or tests of one kind, there are at most.
    pairs : int
        Runs with equal case, solver and repeat, at the longest time limit that both have.
    same_machine : bool
    differences : tuple of Difference
        Of machines, packages, commits and settings.
    only_before, only_after : tuple of str
        Solvers and cases that are in one of the two alone.
    times, overheads : tuple of TimeChange
        By solver, and by solver and family where there are several; in order of A.
    worths : tuple of WorthChange
    answers : tuple of AnswerChange
    """

    threshold: float
    tests: int
    pairs: int
    same_machine: bool
    differences: tuple[Difference, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    times: tuple[TimeChange, ...]
    overheads: tuple[TimeChange, ...]
    worths: tuple[WorthChange, ...]
    answers: tuple[AnswerChange, ...]

    @property
    def regressed(self) -> bool:
        """Whether anything is slower, worse, or broken; overheads count within the times."""
        return (
            any(change.verdict == "slower" for change in self.times)
            or any(change.verdict == "worse" for change in self.worths)
            or any(change.verdict in ("broken", "fewer answers") for change in self.answers)
        )

    def lines(self) -> Iterator[str]:
        """Yield plain sentences, the conclusion first; of single families only what has changed."""
        yield self.conclusion
        if not self.same_machine:
            yield "NOT THE SAME MACHINE: times may differ for that alone"
        yield from map(str, self.differences)
        yield from (f"only in A: {name}" for name in self.only_before)
        yield from (f"only in B: {name}" for name in self.only_after)
        yield from map(str, self.answers)
        yield from (str(change) for change in self.worths if _is_reported(change))
        yield from (str(change) for change in self.times if _is_reported(change))
        yield from (str(c) for c in self.overheads if c.verdict in ("slower", "faster"))

    @property
    def conclusion(self) -> str:
        """One sentence."""
        if not self.pairs:
            return "A and B have no run in common"
        about = f"{self.pairs} pairs of runs; changes of time below {100 * self.threshold:g} % "
        about += "are passed over, and intervals hold all together"
        return f"{'REGRESSED' if self.regressed else 'No regression seen'}: {about}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self) | {"regressed": self.regressed, "lines": list(self.lines())}


def _is_reported(change: TimeChange | WorthChange) -> bool:
    if isinstance(change, WorthChange) and not change.worse + change.better:
        return False
    return change.family is None or change.verdict in ("slower", "faster", "worse", "better")


def compare(a: Results, b: Results, *, threshold: float = 0.05, seed: int = 0) -> Comparison:
    """Compare two results run by run.

    Parameters
    ----------
    a, b : Results
        Before and after.
    threshold : float
        The relative change of times that matters.
    seed : int
        Of the resampling.

    Raises
    ------
    InvalidOption
        If the threshold is negative or not finite.
    """
    if not 0 <= threshold < np.inf:
        raise InvalidOption(f"threshold must be a number >= 0, such as 0.05; got {threshold!r}")
    groups = list(_groups(_paired(a, b)))
    tests = max(1, len(groups))
    # Times and overheads are intervals of two kinds.
    confidence, rng = 1 - (1 - CONFIDENCE) / (2 * tests), np.random.default_rng(seed)
    level = (1 - CONFIDENCE) / tests
    times, overheads = (
        tuple(
            time_change(
                pairs,
                family=family,
                timing=timing,
                rng=rng,
                confidence=confidence,
                threshold=threshold,
            )
            for family, pairs in groups
        )
        for timing in ("seconds", "overhead")
    )
    worths = (worth_change(pairs, family=family, level=level) for family, pairs in groups)
    whole = [pairs for family, pairs in groups if family is None]
    answers = (answer_change(pairs, level) for pairs in whole)
    return Comparison(
        threshold=threshold,
        tests=tests,
        pairs=sum(map(len, whole)),
        same_machine=_machines(a) == _machines(b),
        differences=tuple(_differences(a, b)),
        only_before=tuple(_only(a, b)),
        only_after=tuple(_only(b, a)),
        times=times,
        overheads=overheads,
        worths=tuple(change for change in worths if change is not None),
        answers=tuple(change for change in answers if change is not None),
    )


def _paired(a: Results, b: Results) -> list[Pair]:
    """Return the runs that both have, each with what it held at the longest common time limit.

    A run that came to its end within a shorter one stands for the longer ones.
    """
    common = set(a.plan.settings.time_limits) & set(b.plan.settings.time_limits)
    if not common:
        return []
    before, after = (_held(results.rows, max(common)) for results in (a, b))
    pairs = [(row, after[key]) for key, row in before.items() if key in after]
    return [(x, y) for x, y in pairs if (x.n, x.k, x.family) == (y.n, y.k, y.family)]


def _held(rows: Iterable[Row], limit: float) -> dict[tuple[str, str, int], Row]:
    shorter = (row for row in rows if row.time_limit is not None and row.time_limit <= limit)
    finals = {row.key[:3]: row for row in final_rows(shorter)}
    return {
        key: row
        for key, row in finals.items()
        if row.time_limit == limit or row.termination is not Termination.TIME_LIMIT
    }


def _groups(pairs: Sequence[Pair]) -> Iterator[tuple[str | None, list[Pair]]]:
    """Yield the pairs of each solver, and those of each of its families if it has several."""
    for own in grouped(pairs, lambda pair: pair[0].solver).values():
        yield None, own
        families = grouped(own, lambda pair: pair[0].family)
        if len(families) > 1:
            yield from families.items()


# -- what else is not the same ---------------------------------------------------------------------


def _machines(results: Results) -> set[tuple[str, int, str]]:
    machines = (session.machine for session in results.sessions)
    return {(machine.cpu, machine.cores, machine.system) for machine in machines}


def _differences(a: Results, b: Results) -> Iterator[Difference]:
    for what, facts in _FACTS.items():
        before, after = facts(a), facts(b)
        missing_is_said = what not in ("solver", "case")  # by `_only`
        for name in dict.fromkeys((*before, *after)):
            x, y = before.get(name, ""), after.get(name, "")
            if x != y and (missing_is_said or (x and y)):
                yield Difference(what=f"{what} {name}".strip(), before=x, after=y)


def _joined(facts: Iterable[Any]) -> dict[str, str]:
    """Return each fact of all sessions as one text."""
    found: dict[str, dict[str, None]] = {}
    for own in facts:
        for name, value in own.items():
            found.setdefault(name, {})[str(value)] = None
    return {name: ", ".join(values) for name, values in found.items()}


_FACTS: dict[str, Callable[[Results], dict[str, str]]] = {
    "": lambda r: (
        _joined({"commit": s.commit, "jobs": s.jobs} for s in r.sessions)
        | {"suite": r.plan.suite, "complete": "yes" if r.complete else "no"}
    ),
    "machine": lambda r: _joined(asdict(session.machine) for session in r.sessions),
    "package": lambda r: _joined(session.packages for session in r.sessions),
    "setting": lambda r: {name: str(value) for name, value in asdict(r.plan.settings).items()},
    "solver": lambda r: {
        e.label: f"{e.name} {dict(e.options) or ''}".strip() for e in r.plan.contenders
    },
    "case": lambda r: {c.name: f"{c.family}, n = {c.n}, k = {c.k}" for c in r.plan.cases},
}


def _only(here: Results, there: Results) -> Iterator[str]:
    labels = {contender.label for contender in there.plan.contenders}
    yield from (f"solver {e.label}" for e in here.plan.contenders if e.label not in labels)
    cases = {case.name for case in there.plan.cases}
    yield from (f"case {case.name}" for case in here.plan.cases if case.name not in cases)
