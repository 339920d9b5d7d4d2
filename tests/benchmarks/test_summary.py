from dataclasses import replace

import pytest

from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.benchmarks.analysis._row_groups import with_bounds, with_gaps
from subsetopt.benchmarks.analysis._summary import SolverSummary
from subsetopt.benchmarks.analysis._summary import summarise as summarised
from subsetopt.benchmarks.analysis._verdicts import against_known, verdicts
from subsetopt.benchmarks.results import Bound, CaseInfo, Row
from subsetopt.solution import CertificateKind, Termination


def row(solver: str, case: str, objective: float | None = None, **more: object) -> Row:
    plain = Row(
        case=case,
        family="mean-matching",
        source="planted",
        n=8,
        k=2,
        solver=solver,
        version="1",
        time_limit=1.0,
        objective=objective,
        seconds=(1.0,),
        termination=Termination.FINISHED,
        certificate=CertificateKind.BOUND,
        eps=objective,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def summarise(rows: list[Row]) -> list[SolverSummary]:
    return summarised(rows, "cbc")


def claim(solver: str, case: str, objective: float, eps: float, repeat: int = 0) -> Row:
    return row(
        solver,
        case,
        objective,
        termination=Termination.OPTIMAL,
        certificate=CertificateKind.TOLERANCE,
        eps=eps,
        repeat=repeat,
    )


def failed(solver: str, case: str, failure: str, peak_bytes: int | None = None) -> Row:
    return row(solver, case, seconds=(), failure=failure, termination=None, peak_bytes=peak_bytes)


# -- one line for each solver ---------------------------------------------------------------------


def test_errors_and_ranks() -> None:
    rows = [
        row("a", "1", 0.1, random_rank=0.0),
        row("a", "2", 0.5, random_rank=0.5),
        row("a", "3", 0.2, random_rank=0.1),
        failed("a", "4", "TooLarge: no"),
    ]
    (found,) = summarise(rows)
    assert (found.cases, found.runs, found.answered) == (4, 4, 3)
    assert (found.error_median, found.error_max, found.rank_median) == (0.2, 0.5, 0.1)
    assert found.failures == {"TooLarge: no": 1}
    assert found.terminations == {"finished": 3}
    assert found.certificates == {"bound": 3}
    assert found.tolerance_max is None


def test_a_case_counts_as_the_median_of_its_repeats() -> None:
    objectives = {"1": (1.0, 1.0, 9.0), "2": (3.0, 3.0, 3.0), "3": (2.0,)}
    rows = [
        row("a", case, objective, repeat=repeat, seconds=(objective,))
        for case, own in objectives.items()
        for repeat, objective in enumerate(own)
    ]
    (found,) = summarise(rows)
    assert (found.cases, found.runs) == (3, 7)
    assert (found.error_median, found.error_max) == (2.0, 9.0)
    assert found.seconds_median == 2.0


def test_every_case_weighs_the_same_in_the_times() -> None:
    rows = [row("a", "fast", 0.0, seconds=(0.1,) * 99), row("a", "slow", 0.0, seconds=(9.0,))]
    (found,) = summarise(rows)
    assert found.seconds_median == pytest.approx(4.55)
    assert found.seconds_p95 == 9.0
    assert found.calls == 100


def test_the_spread_of_the_calls_on_a_case() -> None:
    rows = [
        row("a", "1", 0.0, seconds=(1.0, 2.0, 3.0)),
        row("a", "1", 0.0, repeat=1, seconds=(4.0, 5.0)),
        row("a", "2", 0.0, seconds=(7.0,)),
    ]
    assert summarise(rows)[0].seconds_spread == pytest.approx(2 / 3)
    assert summarise(rows[2:])[0].seconds_spread is None


def test_what_a_call_and_a_process_cost() -> None:
    costs = {"build_seconds": 0.2, "solve_seconds": 0.7, "overhead_seconds": 0.1}
    rows = [
        row("a", "1", 0.0, cpu_seconds=1.5, peak_bytes=10, warm_up_seconds=3.0, **costs),
        failed("a", "2", "killed: it held 99 bytes", peak_bytes=99),
    ]
    (found,) = summarise(rows)
    assert (found.build_seconds, found.solve_seconds, found.overhead_seconds) == (0.2, 0.7, 0.1)
    assert (found.cpu_ratio, found.peak_bytes, found.warm_up_seconds) == (1.5, 99, 3.0)


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
    rows = [failed("never", "1", "x: y"), row("a", "1", 0.0)]
    assert [summary.solver for summary in summarise(rows)] == ["a", "never"]
    assert summarise([]) == []


def test_failures_that_differ_in_numbers_only_are_counted_together() -> None:
    rows = [failed("a", case, f"killed: {case}.5 s, the wall limit is 2 s") for case in "345"]
    rows.append(failed("a", "6", "ended by SIGSEGV"))
    assert summarise(rows)[0].failures == {
        "killed: 3.5 s, the wall limit is 2 s": 3,
        "ended by SIGSEGV": 1,
    }


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


# -- claims ---------------------------------------------------------------------------------------


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


def test_claims_are_judged_by_every_repeat_and_time_limit_and_counted_by_case() -> None:
    rows = [
        claim("cbc", "1", 3.0, eps=0.5, repeat=0),
        claim("cbc", "1", 1.0, eps=0.5, repeat=1),
        row("a", "1", 2.0, repeat=2, time_limit=0.1),
        row("a", "1", 4.0, repeat=2, time_limit=9.0),
    ]
    (found,) = verdicts(rows)
    assert (found.cases, found.claimed, found.beaten, found.beyond) == (1, 1, 1, 1)
    assert (found.beaten_by, found.excess) == ("cbc", 2.0)
    assert "; another run of its own beats it on 1, by up to 2.0e+00; " in str(found)


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


# -- what is known --------------------------------------------------------------------------------


def case(name: str, value: float, *, proven: bool) -> CaseInfo:
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
    return CaseInfo(
        name=name, family="quadratic", source="planted", n=2, k=1, sense="maximise", known=known
    )


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
        "a on wrong: NEW BEST 41.0, 2.5 % better than 40 (somebody, 2009, proven); that is "
        "claimed to be optimal, so one of the two is wrong",
        "best known value reached on 3 of 4 instances that have one",
        "a is best on missed: 5 % worse than the best known value, 20 (somebody, 2009)",
    ]
    assert list(against_known(cases, [])) == []


def test_gaps_are_to_the_best_known_value_else_to_the_best_of_all_rows() -> None:
    rows = [
        row("a", "1", -90.0, family="quadratic", best_known=-100.0),
        row("a", "2", 3.0, family="mmd"),
        row("b", "2", 2.0, family="mmd"),
        row("c", "2", family="mmd"),
        row("a", "3", 1e-6),
    ]
    assert [found.gap_to_best for found in with_gaps(rows)] == [0.1, 0.5, 0.0, None, None]


def test_a_bound_of_the_case_replaces_weaker_ones() -> None:
    bounds = [
        Bound(case="1", method="fw", value=0.5),
        Bound(case="1", method="qp", value=0.25),
        Bound(case="2", method="fw", failure="TimeLimit: no"),
    ]
    rows = [
        row("none", "1", 2.0),
        row("weaker", "1", 2.0, bound=0.4, eps=1.6),
        row("stronger", "1", 2.0, bound=1.5),
        row("below", "1", 0.5 - 1e-12),
        claim("claims", "1", 2.0, eps=1e-6),
        row("silent", "1"),
        row("other", "2", 2.0),
    ]
    found = {own.solver: own for own in with_bounds(rows, bounds)}
    assert [own.bound for own in found.values()] == [0.5, 0.5, 1.5, 0.5 - 1e-12, 0.5, None, None]
    assert found["weaker"].eps == 1.5
    assert (found["claims"].certificate, found["claims"].eps) == (CertificateKind.TOLERANCE, 1e-6)
