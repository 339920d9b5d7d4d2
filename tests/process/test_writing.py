"""Commands that are ended while they write leave files whole, and can be run again."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .workplace import (  # type: ignore[import-not-found]
    SABOTAGED,
    Command,
    furnish,
    kept,
    record,
    run,
    unfinished,
)

CODES = {
    signal.SIGKILL: -signal.SIGKILL,
    signal.SIGINT: 130,
    signal.SIGTERM: 143,
    signal.SIGHUP: 129,
}
MATCHING = ("solve", "mean-matching", "losses.npy", "-k", "5", "--solver", "random")
SEQUENCE = ("sequence", "points.npy", "--batch-size", "10")
BENCH = ("bench", "mean-matching", "--solvers", "stride", "--source", "synthetic")
SMALL = ("--sizes", "20", "--k", "3", "--instances", "1", "--time-limit", "0.01", "--repeat", "1")
TRAIN = ("train", "linreg", "--epochs", "1", "--seeds", "0", "--jobs", "1")
STREAM = ("train", "stream", "--records", "records", "--task", "digits", "--window", "200")

COMMANDS = {
    "solve": Command((*MATCHING, "--out", "chosen.npy"), ("chosen.npy",)),
    "sequence": Command((*SEQUENCE, "--out", "order.npz"), ("order.npz",)),
    "sequence --plot": Command((*SEQUENCE, "--plot", "order.svg"), ("order.svg",)),
    "export": Command(
        ("export", "mean-matching", "losses.npy", "--k", "5", "--out", "model.mps"), ("model.mps",)
    ),
    "report": Command(("report", "results", "--out", "page"), calls=3),
    "compare": Command(("compare", "results", "results", "--plot", "times.svg"), ("times.svg",)),
    "records compact": Command(("records", "compact", "records")),
    "records export": Command(("records", "export", "records", "--out", "all.csv"), ("all.csv",)),
    "records plot": Command(("records", "plot", "records", "--out", "all.svg"), ("all.svg",)),
    "bench": Command((*BENCH, *SMALL, "--out", "new"), going_on=("--resume",)),
    "bench, a row": Command(
        (*BENCH, *SMALL, "--out", "new"), going_on=("--resume",), sabotaged="fsync", calls=2
    ),
    "train": Command((*TRAIN, "--out", "new"), going_on=("--resume",), calls=2),
    "train stream": Command((*STREAM, "--checkpoint-every", "1", "--out", "new"), calls=2),
    "reproduce": Command(
        ("reproduce", "obftf-fig1", "--scale", "smoke", "--jobs", "1", "--plot", "fig.svg"),
        ("fig.svg",),
    ),
}
DEFAULT = {  # each command once, and each signal at least once; the rest are slow
    ("solve", signal.SIGINT),
    ("sequence", signal.SIGTERM),
    ("export", signal.SIGHUP),
    ("records compact", signal.SIGKILL),
    ("bench, a row", signal.SIGKILL),
}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, marks=[] if (name, number) in DEFAULT else pytest.mark.slow)
        for name in COMMANDS
        for number in CODES
    ],
)
def test_ended_while_it_writes(
    name: str,
    number: signal.Signals,
    tmp_path: Path,
    planted_results: Callable[..., Any],
    keep_results: Callable[..., Any],
) -> None:
    command = COMMANDS[name]
    furnish(tmp_path, kept(planted_results(sizes=(128,), repeats=2), keep_results))
    record(tmp_path)
    for target in command.targets:
        (tmp_path / target).write_text("before")
    sabotage = (str(int(number)), command.sabotaged, str(command.calls))
    ended = run(tmp_path, (*sabotage, *command.arguments), ("-c", SABOTAGED))
    assert ended.returncode == CODES[number], ended.stderr
    assert "Traceback" not in ended.stderr
    for target in command.targets:
        assert (tmp_path / target).read_text() == "before"
    if number != signal.SIGKILL:
        assert unfinished(tmp_path) == []
    again = run(tmp_path, (*command.arguments, *command.going_on))
    assert again.returncode == 0, again.stderr
    for target in command.targets:
        assert (tmp_path / target).read_bytes() != b"before"
    assert unfinished(tmp_path) == []
