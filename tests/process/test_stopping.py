"""Commands at work end soon at a signal, with what was promised, and leave no process behind."""

import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from .watching import alive, descendants, wait_for  # type: ignore[import-not-found]
from .workplace import record, run, started  # type: ignore[import-not-found]

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: -9}
GRACE = {"default": 60.0, "slow": 2.0}
"""Seconds after which a command has to be gone: on any machine, and on one that is idle."""

TRAIN = ("train", "digits", "--epochs", "500", "--seeds", "0", "--budget", "0.25,0.5")
COMMANDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "solve": (
        ("solve", "quadratic", "matrix.npy", "-k", "30", "--solver", "tabu", "--time-limit", "600"),
        r"^solve: ",
        r"interrupted",
    ),
    "solve --bound": (
        ("solve", "quadratic", "matrix.npy", "-k", "30", "--solver", "greedy", "--bound", "sdp"),
        r"^bound sdp: ",
        r"",
    ),
    "sequence": (
        ("sequence", "cloud.npy", "--batch-size", "10", "--solver", "tabu",
         "--checkpoint", "state.npz"),
        r"^sequence: [1-9]\d* of ",
        r"the checkpoint is state\.npz: the same command goes on from there",
    ),
    "bench": (
        ("bench", "mean-matching", "--solvers", "exact", "--source", "synthetic", "--sizes", "40",
         "--k", "20", "--time-limit", "600", "--jobs", "2", "--out", "new"),
        r"^bench: .*up to 600 s each",
        r"--resume goes on with new",
    ),
    "train --jobs 1": ((*TRAIN, "--jobs", "1", "--out", "new"), r"^training: ", "--resume goes on"),
    "train --jobs 2": ((*TRAIN, "--jobs", "2", "--out", "new"), r"^training: ", "--resume goes on"),
    "train stream": (
        ("train", "stream", "--records", "records", "--task", "digits", "--window", "100",
         "--follow", "--out", "new"),
        r"^training: 6 of |^training: 6 windows",
        r"the same command goes on with new",
    ),
    "reproduce": (
        ("reproduce", "obftf-fig1", "--jobs", "2", "--out", "new"),
        r"^training: ",
        "--resume goes on",
    ),
    "records tail": (("records", "tail", "records", "--follow"), "", ""),
}  # fmt: skip
DEFAULT = {
    ("solve", signal.SIGTERM),
    ("sequence", signal.SIGINT),
    ("bench", signal.SIGKILL),
    ("train --jobs 2", signal.SIGTERM),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    matrix = rng.random((300, 300))
    np.save(tmp_path / "matrix.npy", matrix + matrix.T)
    np.save(tmp_path / "cloud.npy", rng.normal(size=(300, 5)))
    record(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "number", "grace"),
    [
        *((name, number, "default") for name in COMMANDS for number in CODES
          if (name, number) in DEFAULT),
        *(pytest.param(name, number, "slow", marks=pytest.mark.slow)
          for name in COMMANDS for number in CODES),
    ],
)  # fmt: skip
def test_ended_at_work(name: str, number: signal.Signals, grace: str, place: Path) -> None:
    arguments, sign, words = COMMANDS[name]
    if name.startswith(("train", "reproduce")):
        pytest.importorskip("torch")
    with started(place, arguments) as process:
        told = _until(process, sign, name)
        children = descendants(process.pid)
        begin = time.monotonic()
        process.send_signal(number)
        output, errors = process.communicate(timeout=GRACE["default"])
        taken = time.monotonic() - begin
    assert process.returncode == CODES[number], errors
    assert taken < GRACE[grace]
    if number != signal.SIGKILL:
        assert re.search(words, output + errors), output + errors
        assert "Traceback" not in told + errors
    wait_for(lambda: not any(map(alive, children)))


def _until(process: "subprocess.Popen[str]", sign: str, name: str) -> str:
    """Read what is told until the command is at work, with as many workers as it has."""
    if not sign:
        assert process.stdout is not None
        return process.stdout.readline()
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if re.search(sign, line) and _workers(process.pid) >= 2 * ("--jobs 2" in name):
            return told
    raise AssertionError(f"it has ended with {process.wait()}: {told}")


def _workers(process_id: int) -> int:
    """Return how many processes it has started that do more than to wait."""
    busy = 0
    for number in descendants(process_id):
        try:
            busy += psutil.Process(number).cpu_times().user > 1.0
        except psutil.NoSuchProcess:
            continue
    return busy


@pytest.mark.slow
def test_two_on_one_folder_are_refused(place: Path) -> None:
    pytest.importorskip("torch")
    with started(place, COMMANDS["train --jobs 1"][0]) as process:
        try:
            wait_for((place / "new" / ".lock").exists)
            second = run(place, (*COMMANDS["train --jobs 1"][0], "--resume"))
        finally:
            process.kill()
    assert second.returncode == 2
    assert "new is being written by another run; wait for it, or name another" in second.stderr


def test_nohup_stays_in_force(place: Path) -> None:
    """What ignores SIGHUP goes on ignoring it; a job in the background still hears SIGTERM."""
    arguments, sign, words = COMMANDS["solve"]
    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGHUP, signal.SIGINT)}
    try:
        process = started(place, arguments)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    with process:
        _until(process, sign, "")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        _until(process, sign, "")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert words in output + errors
