"""Lines for those who read a log, and none for short work."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app
from subsetopt.cli.training_output import OutputOptions
from subsetopt.report import _number_format, _progress
from subsetopt.report._progress import Lines, shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (44.7, "45 s"),
        (89.0, "89 s"),
        (90.0, "2 min"),
        (600.0, "10 min"),
        (5400.0, "1.5 h"),
        (40000.0, "11 h"),
        (2e5, "2.3 days"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert _number_format.span(seconds) == text


def test_a_line_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(_progress, "monotonic", lambda: clock[0])
    lines = Lines("training", 12, unit="runs")
    assert lines.line(1030.0) == "training: 0 of 12 runs, 30 s gone"
    clock[0] = 1020.0
    lines.update(5, note="obftf 0.25: accuracy 0.9000")  # 4 of them in an earlier session
    assert lines.line(1030.0) == ("training: 5 of 12 runs, 30 s gone, obftf 0.25: accuracy 0.9000")
    clock[0] = 1060.0
    lines.update(7, note="")
    assert lines.line(1060.0) == "training: 7 of 12 runs, 60 s gone, about 2 min left"
    lines.update(12)
    assert lines.line(1060.0) == "training: 12 of 12 runs, 60 s gone"
    lines.update(label="bound sdp")
    assert lines.line(1065.0).startswith("bound sdp: 12 of 12 runs, 5 s gone")
    clock[0] = 2000.0
    limited = Lines("solve", limit=120.0)
    assert limited.line(2030.0) == "solve: 30 s of 2 min gone"
    assert Lines("solve", limit=2.0).line(2030.0) == "solve: 30 s gone, the limit is 2 s"


def test_long_work_is_heard_of_and_short_work_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown("training", 3, unit="runs") as steps:
        steps.update(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    with shown("training", 3, unit="runs", hidden=True) as steps:
        steps.update(1)
        sleep(0.3)
    heard = capsys.readouterr().err.splitlines()
    assert heard
    assert all(line.startswith("training: 1 of 3 runs, ") for line in heard)
    sleep(0.05)
    assert capsys.readouterr().err == ""  # it has ended with the block


def test_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(_progress, "EVERY", 0.01)
    monkeypatch.setattr(sys, "stderr", Gone())
    with Lines("training"):
        sleep(0.05)


# -- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Return what runs a command that takes its time, and returns what is heard meanwhile."""
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    written: list[str] = []
    begun: list[Lines] = []
    real_line, real_enter = Lines.line, Lines.__enter__

    def enter(self: Lines) -> Lines:
        begun.append(self)
        return real_enter(self)

    def line(self: Lines, now: float) -> str:
        text = real_line(self, now)
        if self in begun:  # and none that another test has left behind
            written.append(text)
        return text

    monkeypatch.setattr(Lines, "__enter__", enter)
    monkeypatch.setattr(Lines, "line", line)
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(40, 3)))

    def run(owner: Any, name: str, *arguments: str) -> str:
        real = getattr(owner, name)

        def late(*given: Any, **options: Any) -> Any:
            end, before = monotonic() + 60, len(written)
            while len(written) < before + 2 and monotonic() < end:
                sleep(0.01)
            return real(*given, **options)

        monkeypatch.setattr(owner, name, late)
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.stderr

    return run


SOLVE = ("solve", "mmd", "points.npy", "--k", "5", "--solver", "greedy")


def test_solve_is_heard_of(heard: Callable[..., str]) -> None:
    from subsetopt.solvers import bounds

    lines = heard(bounds, "bounded", *SOLVE, "--bound", "fw", "--time-limit", "90")
    assert re.search(r"^bound fw: .* s of 2 min gone$", lines, re.MULTILINE)


def test_sequence_is_heard_of(heard: Callable[..., str]) -> None:
    from subsetopt.sequencing._state import State

    lines = heard(State, "close", "sequence", "points.npy", "--batch-size", "8", "--json")
    assert re.search(r"^sequence: 2 of 5 batches, .* gone, about ", lines, re.MULTILINE)


def test_bench_is_heard_of(heard: Callable[..., str]) -> None:
    from subsetopt.benchmarks.measuring import _fork_client

    small = ("--sizes", "20", "--k", "3", "--source", "synthetic", "--instances", "1")
    options = ("bench", "mean-matching", "--solvers", "stride", "--time-limit", "0.01", *small)
    lines = heard(_fork_client, "measured", *options)
    assert re.search(r"^bench: \d of \d runs, .* gone, .*up to 0.01 s each$", lines, re.MULTILINE)


def test_train_and_reproduce_are_heard_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    with OutputOptions(as_json=True).watching("training", 3):
        sleep(0.3)
    assert capsys.readouterr().err.startswith("training: 0 of 3 runs, ")
    monkeypatch.setenv("RANK", "1")  # of the processes of torchrun one speaks
    with OutputOptions().watching("training", 3):
        sleep(0.05)
    assert capsys.readouterr().err == ""
