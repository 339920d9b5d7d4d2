"""What is done once, loading and compiling, is told apart from what a call takes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner

import subsetopt as so
from subsetopt import _clock
from subsetopt._announcing import Announcement
from subsetopt._baseline import UniformBaseline
from subsetopt._dependencies import OptionalDependency
from subsetopt.cli import app
from subsetopt.cli.display import _lines
from subsetopt.limits import Limits
from subsetopt.report import _progress
from subsetopt.report._progress import Lines
from subsetopt.solvers import base
from subsetopt.solvers._deadline import Deadline, TimedSolver

PROBLEM = so.MeanMatching([0.1, 0.25, 0.7, 1.3, 2.9], k=2)


class Time:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(_clock, "perf_counter", time)
    return time


@dataclass(frozen=True, kw_only=True)
class Slow(TimedSolver):
    """Takes 5 seconds to load once, 3 to compile, and 2 for each answer."""

    time: Any
    loaded: list[str]

    name: ClassVar[str] = "slow"
    kind: ClassVar[base.Kind] = base.Kind.HEURISTIC
    summary: ClassVar[str] = "the first k"
    choose_when: ClassVar[str] = "testing"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)

    def prepare(self, problem: Any, limits: Limits) -> None:
        if not self.loaded:
            self.loaded.append("loaded")
            self.time.now += 5.0

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> base.RawResult:
        if len(self.loaded) == 1:
            self.loaded.append("compiled")
            with _clock.CLOCK.standing():
                self.time.now += 3.0
        self.time.now += 2.0
        assert deadline.elapsed == 2.0
        return base.RawResult(
            indices=np.arange(problem.k),
            termination=so.Termination.FINISHED,
            solve_seconds=deadline.elapsed,
        )


def test_warm_up_is_not_in_the_other_seconds(time: Time) -> None:
    slow = Slow(time=time, loaded=[])
    first, second = (so.solve(PROBLEM, slow, time_limit=2.5).stats for _ in range(2))
    assert first.warmup_seconds == 8.0
    assert second.warmup_seconds == 0.0
    assert first.total_seconds == second.total_seconds == 2.0


def test_an_answer_without_solve_loads_too(time: Time) -> None:
    assert Slow(time=time, loaded=[])._solve(PROBLEM, Limits()).solve_seconds == 2.0


def test_no_time_is_shown_while_the_clock_stands(time: Time) -> None:
    clock = _clock.CLOCK
    before = clock.shown()
    with clock.standing():
        time.now += 3.0
        assert clock.shown() == before
        with clock.standing():  # another thread compiles too
            time.now += 3.0
        assert clock.shown() == before
    time.now += 0.25
    assert clock.shown() == clock.now() == before + 0.25


def test_what_is_loaded_may_have_a_limit_of_its_own(time: Time) -> None:
    with _clock.CLOCK.standing():
        deadline = Deadline(1.0)
        time.now += 2.0
        assert deadline.passed


@pytest.mark.parametrize("terminal", [False, True])
def test_the_seconds_of_a_limit_are_shown_without_compiling(
    time: Time, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    shown: list[Any] = []

    def kept(made: Callable[..., Any]) -> Callable[..., Any]:
        def make(*given: Any, **options: Any) -> Any:
            shown.append(made(*given, **options))
            return shown[-1]

        return make

    screen = Console(file=StringIO(), force_terminal=terminal)
    monkeypatch.setattr("subsetopt.report._progress.console", lambda stderr: screen)
    monkeypatch.setattr("rich.progress.Progress", kept(Progress))
    monkeypatch.setattr(_progress, "Lines", kept(Lines))
    with _progress.clock(5.0, _clock.CLOCK.shown) as begins:
        begins("solve")
        with _clock.CLOCK.standing():
            time.now += 30.0
        time.now += 2.0
        (line,) = shown
        said = line.tasks[0].elapsed if terminal else line.line(line._now())
    assert said == (2.0 if terminal else "solve: 2 s of 5 s gone")


def test_the_command_shows_that_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clocks: list[Any] = []
    shown = _progress.clock

    def watched(limit: float | None, now: Any, **options: Any) -> Any:
        clocks.append(now)
        return shown(limit, now, **options)

    monkeypatch.setattr("subsetopt.cli.solver_options.clock", watched)
    np.save(tmp_path / "values.npy", np.arange(9.0))
    words = ["solve", "mean-matching", str(tmp_path / "values.npy"), "--k", "3"]
    assert CliRunner().invoke(app, [*words, "--solver", "random"]).exit_code == 0
    assert clocks == [_clock.CLOCK.shown]


def test_many_problems_warm_up_once(time: Time) -> None:
    solutions = so.solve_many([PROBLEM] * 3, Slow(time=time, loaded=[]))
    assert [solution.stats.warmup_seconds for solution in solutions] == [8.0, 0.0, 0.0]


def test_what_a_solver_requires_is_loaded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(OptionalDependency, "load", lambda self: loaded.append(self.module))
    needed = tuple(OptionalDependency(name, name) for name in ("numpy", "no_such_module"))
    monkeypatch.setattr(so.solver("swap").__class__, "requires", needed)
    so.solver("swap").prepare(so.MeanMatching(np.eye(3), k=2), Limits())
    assert loaded == ["no_such_module"]  # the other one is there


def test_interrupted_while_it_loads(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, problem: Any, limits: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Slow, "prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        so.solve(PROBLEM, Slow(time=time, loaded=[]))
    before = _clock.CLOCK.now()
    time.now += 1.0
    assert _clock.CLOCK.now() == before + 1.0  # it goes on


@pytest.mark.parametrize(("seconds", "said"), [(0.1, False), (12.34, True)])
def test_people_are_told(seconds: float, said: bool) -> None:
    solution = so.solve(PROBLEM, "stride")
    solution = replace(solution, stats=replace(solution.stats, warmup_seconds=seconds))
    text = _lines(solution, UniformBaseline.of(PROBLEM, solution.objective, 0))["seconds"]
    assert ("; 12.3 before, to load and compile" in text) is said


def test_what_takes_long_in_all_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    delays = []

    class Timer:
        def __init__(self, seconds: float, call: Any, arguments: list[str]) -> None:
            delays.append(seconds)
            self.start = self.cancel = lambda: None
            self.say = lambda: call(*arguments)

    moments = iter([0.0, 0.2, 1.0, 1.4, 2.0, 2.5])
    monkeypatch.setattr("subsetopt._announcing.threading.Timer", Timer)
    monkeypatch.setattr("subsetopt._announcing.perf_counter", lambda: next(moments))
    announcement = Announcement("compiling")
    for _ in range(2):
        with announcement:
            pass
    with announcement:
        assert announcement._timer is not None
        announcement._timer.say()  # type: ignore[attr-defined]
        announcement._timer.say()  # type: ignore[attr-defined]
    assert delays == pytest.approx([0.5, 0.3, 0.0])
    with announcement:
        pass
    assert caplog.messages == ["subsetopt: compiling"]
