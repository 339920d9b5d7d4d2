import json
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from subsetopt.benchmarks import runner
from subsetopt.benchmarks.best_known import best_known
from subsetopt.benchmarks.cases import Case, QuadraticCase, generated
from subsetopt.benchmarks.machine import Machine, packages
from subsetopt.benchmarks.rows import write_rows
from subsetopt.benchmarks.verdicts import verdicts
from subsetopt.errors import InvalidFile, InvalidOption, TooLarge, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.solution import CertificateKind, Termination
from subsetopt.solvers import bounds
from subsetopt.solvers.base import Answer, Kind, Solver


class Counting(Solver):
    """Counts its calls; a subclass says what happens at each."""

    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "planted"
    choose_when: ClassVar[str] = "never"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)
    calls: ClassVar[list[Any]]

    def answer(self, problem: Any, limits: Limits) -> Answer:
        self.calls.append(problem)
        self.act(len(self.calls))
        return Answer(
            indices=np.arange(problem.k),
            termination=Termination.FINISHED,
            build_seconds=0.25,
            solve_seconds=0.5,
        )

    def act(self, call: int) -> None:
        pass


@pytest.fixture(autouse=True)
def _one_solve_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SOLVES", 1)


def test_short_solves_are_repeated_in_a_turn(
    monkeypatch: pytest.MonkeyPatch, cases: list[Case]
) -> None:
    monkeypatch.setattr(runner, "SOLVES", 7)
    monkeypatch.setattr(runner, "TURN", 60.0)
    (row,) = runner.run(cases[:1], ["stride"], repeats=2).rows
    assert row.repeats == len(row.seconds) == 14
    monkeypatch.setattr(runner, "TURN", 0.0)
    (row,) = runner.run(cases[:1], ["stride"], repeats=2).rows
    assert row.repeats == 2


def test_a_row_says_all(cases: list[Case]) -> None:
    found = runner.run(cases[:1], ["stride"], repeats=3, seed=5, time_limit=1.5, threads=1)
    (row,) = found.rows
    assert not found.interrupted
    assert (row.case, row.n, row.k, row.solver) == (cases[0].name, 24, 4, "stride")
    assert (row.seed, row.time_limit, row.threads) == (5, 1.5, 1)
    assert (row.repeats, len(row.seconds)) == (3, 3)
    assert all(0 < seconds < 1 for seconds in row.seconds)
    assert row.version
    assert row.objective is not None
    assert 0 <= (row.random_rank or 0) <= 1
    assert row.termination is Termination.FINISHED
    assert row.certificate is CertificateKind.BOUND
    assert row.eps == pytest.approx(row.objective - (row.bound or 0))


def test_warm_up_is_untimed_and_problems_are_fresh(plant: Any, cases: list[Case]) -> None:
    @dataclass(frozen=True)
    class Plain(Counting):
        name: ClassVar[str] = "plain"
        calls: ClassVar[list[Any]] = []

    plant(Plain)
    (row,) = runner.run(cases[:1], ["plain"], repeats=4).rows
    assert row.repeats == 4
    assert len({id(problem) for problem in Plain.calls}) == 5
    assert (row.build_seconds, row.solve_seconds) == (0.25, 0.5)


def test_a_slow_solver_is_cut_and_spared_the_warm_up(
    plant: Any, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(runner, "perf_counter", lambda: now[0])

    @dataclass(frozen=True)
    class Slow(Counting):
        name: ClassVar[str] = "slow"
        calls: ClassVar[list[Any]] = []

        def act(self, call: int) -> None:
            now[0] += 0.6

    plant(Slow)
    first, second = runner.run(cases[:2], ["slow"], repeats=5, patience=1.0).rows
    assert first.seconds == pytest.approx((0.6, 0.6))
    assert second.seconds == pytest.approx((0.6, 0.6))
    assert len(Slow.calls) == 1 + 2 + 2  # only the very first solve is a warm-up


def test_refusals_are_rows(plant: Any, planted: Any, cases: list[Case]) -> None:
    plant(*planted.values())
    names = ["refuser", "absent", "vectorial", "stride"]
    rows = runner.run(cases, names, repeats=1).rows
    assert len(rows) == 4 * len(cases)
    failures = {row.solver: row.failure for row in rows}
    assert failures["refuser"] == "TooLarge: it would take a year"
    assert failures["absent"].startswith("MissingBackend")
    assert "pip install 'no-such-thing'" in failures["absent"]
    assert failures["vectorial"].startswith("UnsupportedProblem")
    assert failures["stride"] == ""
    assert all((row.objective is None) == bool(row.failure) for row in rows)


def test_a_lying_solver_is_found_out(plant: Any, planted: Any, cases: list[Case]) -> None:
    plant(planted["liar"])
    rows = runner.run(cases, ["random", "stride", "liar"], repeats=1).rows
    (found,) = verdicts(rows)
    assert (found.solver, found.claimed, found.beaten) == ("liar", len(cases), len(cases))
    assert found.beyond == len(cases)
    assert found.beaten_by in ("stride", "random")
    assert found.excess > 0.01


@pytest.mark.parametrize("how", ["raises", "answers"])
def test_an_interrupt_keeps_what_there_is(plant: Any, cases: list[Case], how: str) -> None:
    @dataclass(frozen=True)
    class Stopped(Counting):
        name: ClassVar[str] = "stopped"
        calls: ClassVar[list[Any]] = []

        def answer(self, problem: Any, limits: Limits) -> Answer:
            self.calls.append(problem)
            if len(self.calls) == 6 and how == "raises":
                raise KeyboardInterrupt
            last = len(self.calls) == 6
            return Answer(
                indices=np.arange(problem.k),
                termination=Termination.INTERRUPTED if last else Termination.FINISHED,
            )

    plant(Stopped)
    found = runner.run(cases, ["stopped", "stride"], repeats=3)
    assert found.interrupted
    # The first case is whole (4 calls); on the second the interrupt came at the first timed solve.
    assert [(row.case, row.solver, row.repeats) for row in found.rows] == [
        (cases[0].name, "stopped", 3),
        (cases[0].name, "stride", 3),
        (cases[1].name, "stride", 1),
    ]
    assert all(row.termination is Termination.FINISHED for row in found.rows)


def test_progress_goes_from_none_to_all(cases: list[Case]) -> None:
    seen: list[tuple[int, int, str]] = []
    runner.run(cases, ["random", "stride"], repeats=2, progress=lambda *step: seen.append(step))
    total = len(cases) * 2 * 3
    assert [done for done, _, _ in seen] == list(range(total))
    assert {of for _, of, _ in seen} == {total}
    assert seen[0][2] == f"random on {cases[0].name}"


def test_the_solvers_take_turns_to_and_fro(cases: list[Case]) -> None:
    seen: list[str] = []
    runner.run(cases[:1], ["random", "stride"], repeats=2, progress=lambda *s: seen.append(s[2]))
    assert [what.split()[0] for what in seen] == [
        "random",
        "stride",
        "stride",
        "random",
        "random",
        "stride",
    ]


def test_bad_options(cases: list[Case]) -> None:
    with pytest.raises(InvalidOption, match="repeats is 0"):
        runner.run(cases, ["random"], repeats=0)
    with pytest.raises(InvalidOption, match="time_limit"):
        runner.run(cases, ["random"], time_limit=-1.0)
    with pytest.raises(UnsupportedProblem, match="mean-matching problems carry their own"):
        runner.run(cases, ["random"], bound="fw")


def test_rows_are_written_whole_or_not_at_all(tmp_path: Path, cases: list[Case]) -> None:
    rows = runner.run(cases, ["random"], repeats=1).rows
    path = tmp_path / "rows.jsonl"
    path.write_text("what was there before")
    write_rows(path, rows, Machine.here())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["case"] for line in lines] == [case.name for case in cases]
    assert lines[0]["objective"] == rows[0].objective
    assert lines[0]["machine"]["cores"] >= 1
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidFile, match="cannot be written"):
        write_rows(tmp_path / "no" / "rows.jsonl", rows, Machine.here())


def test_the_machine() -> None:
    here = Machine.here()
    assert here.cpu
    assert here.numpy == np.__version__
    assert packages(["random", "stride"]) == {}


# -- quadratic selection --------------------------------------------------------------------------


@pytest.fixture
def graphs() -> list[QuadraticCase]:
    return generated.instances(12, [4], 4, seed=0)


def test_gaps_are_to_the_best_known_or_to_the_best_of_the_run(graphs: list[QuadraticCase]) -> None:
    first, second = graphs[:2]
    known = best_known("kcluster40_025_10_1", 10)
    assert known is not None
    rows = runner.run([first, replace(second, known=known)], ["random", "greedy"], repeats=1).rows
    for row in rows:
        assert row.objective is not None
        assert row.sense == "maximise"
        best = min(r.objective or 0.0 for r in rows if r.case == first.name)
        if row.case == first.name:
            assert (row.best_known, row.proven) == (None, False)
            assert row.gap_to_best == pytest.approx((row.objective - best) / -best)
        else:
            assert (row.best_known, row.proven) == (-29.0, True)
            assert row.gap_to_best == pytest.approx((row.objective + 29) / 29)
    assert any(row.gap_to_best == 0 for row in rows)


def test_no_gaps_where_objectives_are_errors(cases: list[Case]) -> None:
    assert all(row.gap_to_best is None for row in runner.run(cases, ["random"], repeats=1).rows)


def test_a_bound_beside_the_answers(graphs: list[QuadraticCase]) -> None:
    found = runner.run(graphs, ["random", "greedy"], repeats=1, bound="fw")
    assert found.notes == ()
    for case in graphs:
        (bound,) = {row.bound for row in found.rows if row.case == case.name}
        assert bound is not None
        subsets = combinations(range(case.n), case.k)
        assert bound <= min(case.problem().objective(list(subset)) for subset in subsets)
    for row in found.rows:
        assert row.certificate is CertificateKind.BOUND
        assert row.eps == pytest.approx((row.objective or 0.0) - (row.bound or 0.0))


def test_a_bound_that_cannot_be_had_is_noted(
    graphs: list[QuadraticCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> float:
        raise TooLarge("it would take a year", seconds=3e7, bytes=1.0)

    monkeypatch.setattr(bounds, "lower_bound", refuse)
    found = runner.run(graphs[:1], ["random"], repeats=1, bound="rlt")
    assert found.rows[0].bound is None
    assert found.notes == (f"no rlt bound on {graphs[0].name}: TooLarge: it would take a year",)


def test_fewer_draws_where_they_are_dear(graphs: list[QuadraticCase], cases: list[Case]) -> None:
    assert runner._draws(graphs[0]) == runner._draws(cases[0]) == 1000
    (large,) = generated.instances(600, [400], 1, seed=0)
    assert runner._draws(large) == 250
