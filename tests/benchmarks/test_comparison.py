import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from subsetopt._machine import Machine
from subsetopt.benchmarks.analysis._comparison import Comparison, compare
from subsetopt.benchmarks.results import (
    CaseInfo,
    Contender,
    MeasurementOptions,
    Plan,
    Results,
    Row,
    Session,
)
from subsetopt.errors import InvalidOption
from subsetopt.solution import Termination

MACHINE = Machine(
    cpu="Planted", cores=2, system="Linux", python="3.11", numpy="2.0", subsetopt="0.1"
)


def results(rows: Iterable[Row], **more: object) -> Results:
    rows = tuple(rows)
    cases = {r.case: CaseInfo(name=r.case, family=r.family, source="", n=r.n, k=r.k) for r in rows}
    limits = tuple(sorted({r.time_limit for r in rows if r.time_limit is not None}))
    whole = Results(
        plan=Plan(
            suite="planted",
            settings=MeasurementOptions(time_limits=limits or (1.0,)),
            contenders=tuple(
                Contender(label=s, name=s) for s in dict.fromkeys(r.solver for r in rows)
            ),
            cases=tuple(cases.values()),
        ),
        sessions=(Session(machine=MACHINE, packages={}, commit="a", started="2025", jobs=1),),
        rows=rows,
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def measured(
    seed: int,
    slower: float | Mapping[str, float] = 1.0,
    cases: int = 8,
    repeats: int = 3,
    solvers: Sequence[str] = ("s",),
    noise: float = 0.1,
    **more: object,
) -> list[Row]:
    """Times of 10 % noise about what each case takes."""
    rng = np.random.default_rng(seed)
    return [
        Row(
            case=f"c{case}",
            family="mmd",
            source="",
            n=8,
            k=2,
            solver=solver,
            repeat=repeat,
            time_limit=100.0,
            objective=1.0,
            termination=Termination.FINISHED,
            seconds=(
                10.0 ** (case % 4 - 3)
                * rng.lognormal(0, noise)
                * (slower if isinstance(slower, float) else slower.get(solver, 1.0)),
            ),
            **more,  # type: ignore[arg-type]
        )
        for solver in solvers
        for case in range(cases)
        for repeat in range(repeats)
    ]


def verdicts(found: Comparison) -> list[str]:
    return [change.verdict for change in found.times]


SHAPES = [(1, 8, 1), (8, 1, 1), (8, 3, 1), (4, 3, 5)]


@pytest.mark.parametrize(("cases", "repeats", "solvers"), SHAPES)
def test_false_alarms_are_rare(cases: int, repeats: int, solvers: int) -> None:
    names = [f"s{i}" for i in range(solvers)]
    alarms = 0
    for seed in range(100):
        a, b = (
            results(measured(2 * seed + i, cases=cases, repeats=repeats, solvers=names))
            for i in range(2)
        )
        alarms += set(verdicts(compare(a, b))) != {"no difference seen"}
    assert alarms <= 9  # of 100; in expectation 5 at most


@pytest.mark.parametrize("slower", [1.2, 1 / 1.2])
def test_a_fifth_is_seen(slower: float) -> None:
    seen = sum(
        verdicts(compare(results(measured(2 * s)), results(measured(2 * s + 1, slower))))
        == ["slower" if slower > 1 else "faster"]
        for s in range(100)
    )
    assert seen >= 95


def test_intervals_hold_the_truth() -> None:
    held = 0
    for seed in range(200):
        a, b = results(measured(2 * seed)), results(measured(2 * seed + 1, 1.5))
        (change,) = compare(a, b).times
        assert change.low is not None
        assert change.high is not None
        held += change.low <= 1.5 <= change.high
    assert held >= 188


def test_a_small_but_certain_change_is_passed_over() -> None:
    a, b = results(measured(0, noise=1e-3)), results(measured(1, 1.03, noise=1e-3))
    (change,) = compare(a, b).times
    assert change.low is not None
    assert change.low > 1.02
    assert change.verdict == "no difference seen"
    assert verdicts(compare(a, b, threshold=0.01)) == ["slower"]


def test_the_sentence_says_by_how_much() -> None:
    found = compare(results(measured(0, noise=0.01)), results(measured(1, 1.12, noise=0.01)))
    (change,) = found.times
    assert str(change).startswith("s: 12 % slower (95 % interval +")
    assert str(change).endswith("%), 24 pairs")
    assert found.regressed
    lines = list(found.lines())
    assert lines[0].startswith("REGRESSED: 24 pairs of runs")
    assert str(change) in lines


@pytest.mark.parametrize(
    ("slower", "words"),
    [(0.8, "s: 20 % less time"), (4.0, "s: 4 times as slow"), (0.25, "s: 4 times as fast")],
)
def test_large_changes_have_their_own_words(slower: float, words: str) -> None:
    found = compare(results(measured(0, noise=1e-3)), results(measured(0, slower, noise=1e-3)))
    assert str(found.times[0]).startswith(words)


def test_only_the_guilty_is_named() -> None:
    a = results(measured(0, solvers=("s", "t")))
    b = results(measured(1, {"t": 1.6}, solvers=("s", "t")))
    assert verdicts(compare(a, b)) == ["no difference seen", "slower"]


def test_few_pairs_say_nothing() -> None:
    a, b = results(measured(0, cases=1, repeats=5)), results(measured(1, 9.0, cases=1, repeats=5))
    found = compare(a, b)
    assert verdicts(found) == ["too few pairs"]
    assert str(found.times[0]) == "s: too few pairs to tell, 5 pairs"
    assert not found.regressed


def test_runs_that_the_limit_ended_on_both_sides_have_no_speed() -> None:
    stopped = [replace(row, termination=Termination.TIME_LIMIT) for row in measured(0)]
    found = compare(results(stopped), results(stopped))
    assert (found.times[0].stopped, found.times[0].pairs) == (24, 0)
    one_sided = compare(results(measured(0)), results(stopped))
    assert (one_sided.times[0].stopped, one_sided.times[0].pairs) == (0, 24)


def test_an_ended_run_stands_for_longer_limits() -> None:
    short = [replace(row, time_limit=0.1) for row in measured(0, noise=0.0)]
    long = [replace(row, seconds=(3 * row.seconds[0],)) for row in measured(0, noise=0.0)]
    stopped = [replace(row, termination=Termination.TIME_LIMIT, seconds=(0.1,)) for row in short]
    settings = MeasurementOptions(time_limits=(0.1, 100.0))
    a, b = (
        replace(found, plan=replace(found.plan, settings=settings))
        for found in (results(short), results([*stopped, *long]))
    )
    (change,) = compare(a, b).times
    assert change.pairs == 24
    assert change.ratio == pytest.approx(3.0)
    cut = replace(a, rows=tuple(stopped))  # the longer ones were not measured yet
    assert compare(cut, b).pairs == 0


def test_families_are_told_apart() -> None:
    other = [replace(row, case=f"q{row.case}", family="quadratic") for row in measured(5)]
    slow = [replace(row, seconds=(2 * row.seconds[0],)) for row in other]
    found = compare(results([*measured(0), *other]), results([*measured(1), *slow]))
    assert [change.family for change in found.times] == [None, "mmd", "quadratic"]
    assert verdicts(found)[1:] == ["no difference seen", "slower"]
    assert found.tests == 3
    assert sum(line.startswith("s on") for line in found.lines()) == 1


def test_overheads_are_told_but_are_no_regression() -> None:
    a = results(measured(0, overhead_seconds=1e-5))
    b = results([replace(row, overhead_seconds=2e-5) for row in a.rows])
    found = compare(a, b)
    assert [change.verdict for change in found.overheads] == ["slower"]
    assert any(line.startswith("s: overhead 2 times as slow") for line in found.lines())
    assert not found.regressed


def worse(rows: Iterable[Row], cases: int, by: float = 0.01) -> list[Row]:
    return [
        replace(row, objective=row.objective + by)
        if row.objective is not None and int(row.case[1:]) < cases
        else row
        for row in rows
    ]


def test_worse_answers_are_counted_by_case() -> None:
    rows = measured(0)
    found = compare(results(rows), results(worse(rows, 8)))
    (change,) = found.worths
    assert (change.worse, change.equal, change.better) == (8, 0, 0)
    assert (change.verdict, change.probability) == ("worse", 2 / 2**8)
    assert change.shift == pytest.approx(0.01)
    assert str(change) == "s: answers worse on 8, better on 0 of 8 cases, +1 % on average"
    assert found.regressed
    assert compare(results(worse(rows, 8)), results(rows)).worths[0].verdict == "better"


def test_a_few_worse_answers_may_be_chance() -> None:
    rows = measured(0)
    (change,) = compare(results(rows), results(worse(rows, 5))).worths
    assert (change.worse, change.equal, change.verdict) == (5, 3, "no difference seen")
    few = measured(0, cases=3)
    (change,) = compare(results(few), results(worse(few, 3))).worths
    assert change.verdict == "too few cases"
    (change,) = compare(results(rows), results(worse(rows, 8, 1e-12))).worths  # rounding
    assert change.equal == 8


def lacking(rows: Sequence[Row], count: int, failure: str) -> list[Row]:
    gone = [replace(r, objective=None, seconds=(), failure=failure) for r in rows[:count]]
    return [*gone, *rows[count:]]


def test_one_new_failure_is_a_regression() -> None:
    rows = measured(0)
    found = compare(results(rows), results(lacking(rows, 1, "ended by SIGSEGV")))
    (change,) = found.answers
    assert (change.lost, change.broken, change.verdict) == (1, 1, "broken")
    assert "1 fail where none did: ended by SIGSEGV" in str(change)
    assert found.regressed
    flaky = compare(results(lacking(rows, 2, "x")), results([rows[0], *lacking(rows[1:], 2, "x")]))
    assert flaky.answers[0].verdict == "no difference seen"
    assert not flaky.regressed


def test_answers_that_come_too_late_may_be_chance() -> None:
    rows = measured(0)
    few, many = (compare(results(rows), results(lacking(rows, n, ""))) for n in (3, 9))
    assert [c.verdict for c in few.answers] == ["no difference seen"]
    assert [c.verdict for c in many.answers] == ["fewer answers"]
    assert many.regressed
    assert compare(results(lacking(rows, 9, "")), results(rows)).answers[0].verdict == (
        "more answers"
    )


def test_what_is_not_the_same_is_said() -> None:
    a = results(measured(0, solvers=("s", "old")))
    b = results(measured(0, cases=9, solvers=("s", "new")))
    session = replace(
        b.sessions[0], machine=replace(MACHINE, cpu="Other"), packages={"numba": "1"}, commit="b"
    )
    found = compare(a, replace(b, sessions=(session,)))
    assert (found.only_before, found.only_after) == (("solver old",), ("solver new", "case c8"))
    assert not found.same_machine
    lines = list(found.lines())
    assert "NOT THE SAME MACHINE: times may differ for that alone" in lines
    assert "machine cpu: Planted -> Other" in lines
    assert "package numba: none -> 1" in lines
    assert "commit: a -> b" in lines
    assert compare(a, a).differences == ()


def test_cases_of_another_size_are_not_paired() -> None:
    a, b = results(measured(0)), results([replace(row, n=9) for row in measured(0)])
    found = compare(a, b)
    assert (found.pairs, found.regressed) == (0, False)
    assert next(found.lines()) == "A and B have no run in common"
    assert found.differences[0].what == "case c0"


def test_limits_without_a_common_one() -> None:
    other = [replace(row, time_limit=7.0) for row in measured(0)]
    assert compare(results(measured(0)), results(other)).pairs == 0


def test_the_same_seed_the_same_answer_and_plain_data() -> None:
    a, b = results(measured(0)), results(measured(1))
    assert compare(a, b, seed=3).to_dict() == compare(a, b, seed=3).to_dict()
    data = json.loads(json.dumps(compare(a, b).to_dict()))
    assert data["regressed"] is False
    assert data["times"][0]["pairs"] == 24


def test_planted_results_compare_with_themselves(planted_results: Callable[..., Results]) -> None:
    found = compare(planted_results(), planted_results())
    assert not found.regressed
    assert found.pairs == 6 * 18 * 3
    assert {change.ratio for change in found.times} == {1.0}


def test_a_threshold_is_a_number() -> None:
    with pytest.raises(InvalidOption, match=r"threshold must .*got -1"):
        compare(results([]), results([]), threshold=-1)
