from dataclasses import replace

import pytest

from subsetopt.benchmarks.best_known import BestKnown
from subsetopt.benchmarks.cases import QuadraticCase
from subsetopt.benchmarks.rows import Row
from subsetopt.benchmarks.summary import SolverSummary
from subsetopt.benchmarks.summary import summarise as summarised
from subsetopt.benchmarks.verdicts import against_known, verdicts
from subsetopt.problems import QuadraticSelection
from subsetopt.solution import CertificateKind, Termination


def row(solver: str, case: str, objective: float | None = None, **more: object) -> Row:
    seconds = more.pop("seconds", (1.0,))
    assert isinstance(seconds, tuple)
    plain = Row(
        case=case,
        source="planted",
        n=8,
        k=2,
        solver=solver,
        version="1",
        seed=0,
        time_limit=1.0,
        threads=None,
        objective=objective,
        seconds=seconds,
        repeats=len(seconds),
        termination=Termination.FINISHED,
        certificate=CertificateKind.BOUND,
        eps=objective,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def summarise(rows: list[Row]) -> list[SolverSummary]:
    return summarised(rows, "cbc")


def claim(solver: str, case: str, objective: float, eps: float) -> Row:
    return row(
        solver,
        case,
        objective,
        termination=Termination.OPTIMAL,
        certificate=CertificateKind.TOLERANCE,
        eps=eps,
    )


def test_errors_and_ranks() -> None:
    rows = [
        row("a", "1", 0.1, random_rank=0.0),
        row("a", "2", 0.5, random_rank=0.5),
        row("a", "3", 0.2, random_rank=0.1),
        row("a", "4", seconds=(), failure="TooLarge: no", termination=None),
    ]
    (found,) = summarise(rows)
    assert (found.cases, found.answered) == (4, 3)
    assert (found.error_median, found.error_max, found.rank_median) == (0.2, 0.5, 0.1)
    assert found.failures == {"TooLarge: no": 1}
    assert found.terminations == {"finished": 3}
    assert found.certificates == {"bound": 3}
    assert found.tolerance_max is None


def test_every_case_weighs_the_same_in_the_times() -> None:
    rows = [row("a", "fast", 0.0, seconds=(0.1,) * 99), row("a", "slow", 0.0, seconds=(9.0,))]
    (found,) = summarise(rows)
    assert found.seconds_median == 0.1
    assert found.seconds_p95 == 9.0
    assert (found.fewest_repeats, found.most_repeats) == (1, 99)


def test_times_faster_is_the_median_of_ratios_per_case() -> None:
    rows = [
        row("cbc", "1", 0.0, seconds=(1.0, 3.0, 2.0)),
        row("a", "1", 0.0, seconds=(0.5,)),
        row("cbc", "2", 0.0, seconds=(8.0,)),
        row("a", "2", 0.0, seconds=(0.5,)),
        row("a", "3", 0.0, seconds=(0.5,)),
    ]
    fast, slow = summarise(rows)
    assert (fast.solver, fast.times_faster) == ("a", 10.0)  # of 4 and 16
    assert (slow.solver, slow.times_faster) == ("cbc", 1.0)


def test_without_the_reference_no_ratio() -> None:
    (found,) = summarise([row("a", "1", 0.0)])
    assert found.times_faster is None


def test_solvers_without_times_come_last() -> None:
    rows = [row("never", "1", seconds=(), failure="x: y"), row("a", "1", 0.0)]
    assert [summary.solver for summary in summarise(rows)] == ["a", "never"]
    assert summarise([]) == []


def test_a_claim_that_is_beaten() -> None:
    rows = [
        claim("cbc", "1", 5e-6, eps=1e-6),
        claim("cbc", "2", 5e-7, eps=1e-6),
        claim("cbc", "3", 0.0, eps=1e-6),
        row("cbc", "4", 1.0),
        row("exact", "1", 1e-6),
        row("exact", "2", 0.0),
        row("exact", "3", 0.0),
        row("swap", "1", 2e-6),
    ]
    (found,) = verdicts(rows)
    assert (found.cases, found.claimed, found.beaten, found.beyond) == (4, 3, 2, 1)
    assert (found.beaten_by, found.beaten_by_count) == ("exact", 2)
    assert found.excess == pytest.approx(4e-6)
    assert str(found) == (
        'cbc claims "optimal" on 3 of 4 instances; exact beats it on 2, by up to 4.0e-06; '
        "on 1 that is beyond the tolerance that it states"
    )
    assert summarise(rows)[0].tolerance_max == 1e-6


def test_a_claim_beaten_by_several() -> None:
    rows = [claim("cbc", "1", 2.0, eps=9.0), claim("cbc", "2", 2.0, eps=9.0)]
    rows += [row("a", "1", 1.0), row("b", "2", 1.5)]
    assert str(verdicts(rows)[0]) == (
        'cbc claims "optimal" on 2 of 2 instances; a beats it on 1, others on 1 more, '
        "by up to 1.0e+00"
    )


def test_a_claim_that_holds() -> None:
    rows = [claim("exact", "1", 0.0, eps=0.0), row("swap", "1", 0.0), row("lost", "1")]
    (found,) = verdicts(rows)
    assert str(found) == 'exact claims "optimal" on 1 of 1 instances; no solver here beats it'
    assert found.beaten_by is None


# -- relative to the best -------------------------------------------------------------------------


def test_gaps() -> None:
    rows = [
        row("a", "1", -100.0, gap_to_best=0.0, bound=-110.0),
        row("a", "2", -90.0, gap_to_best=0.1, bound=-90.0),
        row("a", "3", -101.0, gap_to_best=-0.01),
        row("a", "4"),
    ]
    (found,) = summarise(rows)
    assert (found.gap_median, found.gap_max, found.best_reached) == (0.0, 0.1, 2)
    assert found.bound_gap_median == pytest.approx(0.05)
    (found,) = summarise([row("a", "1", 1.0)])
    assert (found.gap_median, found.gap_max, found.best_reached) == (None, None, None)
    assert found.bound_gap_median is None


def test_a_claim_is_beaten_by_more_than_rounding() -> None:
    rows = [claim("a", "1", -1e6, eps=1e-9), row("b", "1", -1e6 - 1e-4)]
    assert verdicts(rows, tolerance=1e-9)[0].beaten == 0
    (strict,) = verdicts(rows)
    assert strict.beaten == 1
    rows = [claim("a", "1", -1e6, eps=0.0), row("b", "1", -1e6 - 2e3)]
    (found,) = verdicts(rows, tolerance=1e-9)
    assert (found.beaten, found.beyond) == (1, 1)
    assert "; b beats it on 1, by up to 0.2 %; on 1 that is beyond" in str(found)


def test_a_claim_is_beaten_by_what_has_been_published() -> None:
    rows = [claim("a", "1", -99.0, eps=0.0), claim("a", "2", -100.0, eps=0.0)]
    rows = [replace(found, best_known=-100.0) for found in rows]
    (found,) = verdicts(rows, tolerance=1e-9)
    assert 'claims "optimal" on 2 of 2 instances; the best known value beats it on 1' in str(found)


def case(name: str, value: float, *, proven: bool) -> QuadraticCase:
    known = BestKnown(
        instance=name,
        k=1,
        sense="maximise",
        value=value,
        proven=proven,
        published=f"{value:g}",
        source="somebody",
        year="2009",
    )
    selection = QuadraticSelection([[0.0, 1.0], [1.0, 0.0]], k=1, sense="maximise")
    return QuadraticCase(name, "planted", selection, known)


def test_answers_against_what_is_known() -> None:
    cases = [
        case("found", 10.0, proven=False),
        case("missed", 20.0, proven=False),
        case("news", 30.0, proven=False),
        case("wrong", 40.0, proven=True),
        case("silent", 50.0, proven=False),
    ]
    rows = [
        row("a", "found", -10.0),
        row("b", "found", -9.0),
        row("a", "missed", -19.0),
        row("b", "news", -33.0),
        row("a", "news", -30.0),
        row("a", "wrong", -41.0),
        row("a", "silent"),
    ]
    assert list(against_known(cases, rows)) == [
        "b on news: NEW BEST 33.0, 10 % better than 30 (somebody, 2009)",
        "a on wrong: NEW BEST 41.0, 2.5 % better than 40 (somebody, 2009, proven); that is said to "
        "be optimal, so one of the two is wrong",
        "best known value reached on 3 of 4 instances that have one",
        "a is best on missed: 5 % worse than the best known value, 20 (somebody, 2009)",
    ]
    assert list(against_known(cases, [])) == []
