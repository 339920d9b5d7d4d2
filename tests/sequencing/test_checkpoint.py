"""Runs that are stopped go on to the order of a run that was not."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.errors import InvalidOption
from subsetopt.sequencing import _archive as checkpoint_module
from subsetopt.sequencing._state import State

OPTIONS: dict[str, dict[str, Any]] = {
    "running-herding": {"selector": "running-herding"},
    "swap": {"selector": "running-swap"},
    "rows": {"engine": "rows"},
    "random": {"selector": "random", "seed": 5},
}


def cloud(n: int = 200) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


class Stop(Exception):
    """Raised as a crash would be."""


def interrupted(path: Path, after: int, how: type[BaseException], **options: Any) -> None:
    def stop(done: int, total: int) -> None:
        if done >= after:
            raise how

    with pytest.raises(how):
        so.sequence(cloud(), 16, checkpoint=path, progress=stop, **options)


@pytest.mark.parametrize("name", OPTIONS)
def test_going_on(name: str, tmp_path: Path) -> None:
    path, options = tmp_path / "state.npz", OPTIONS[name]
    wanted = so.sequence(cloud(), 16, **options)
    for after in (1, 4, 9):
        interrupted(path, after, KeyboardInterrupt, **options)
        assert path.is_file()
    seen: list[int] = []
    found = so.sequence(
        cloud(), 16, checkpoint=path, progress=lambda done, _: seen.append(done), **options
    )
    assert sorted({*seen}) == [9, 10, 11, 12, 13]
    np.testing.assert_array_equal(found.order, wanted.order)
    np.testing.assert_array_equal(found.mmd2, wanted.mmd2)
    np.testing.assert_array_equal(found.mmd2_to_whole, wanted.mmd2_to_whole)
    assert list(tmp_path.iterdir()) == []  # complete: there is nothing to go on with


def test_going_on_with_another_number_of_batches(tmp_path: Path) -> None:
    path, whole = tmp_path / "state.npz", so.sequence(cloud(), 16)
    interrupted(path, 4, KeyboardInterrupt, batches=6)
    few = so.sequence(cloud(), 16, checkpoint=path, batches=2)
    np.testing.assert_array_equal(few.order, whole.order[:32])
    np.testing.assert_array_equal(few.mmd2, whole.mmd2[:2])
    assert path.is_file()  # it holds more
    more = so.sequence(cloud(), 16, checkpoint=path, batches=8)
    np.testing.assert_array_equal(more.order, whole.order[:128])
    assert list(tmp_path.iterdir()) == []


def test_written_every_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.npz"
    interrupted(path, 5, Stop)
    assert not path.exists()
    monkeypatch.setattr(checkpoint_module, "_PAUSE", 0.0)
    interrupted(path, 5, Stop)
    assert path.is_file()


def test_interrupted_within_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, wanted, calls = tmp_path / "state.npz", so.sequence(cloud(), 16), []
    genuine = State.enter

    def enter(self: Any, j: int, potential: float) -> Any:
        calls.append(j)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return genuine(self, j, potential)

    monkeypatch.setattr(State, "enter", enter)
    with pytest.raises(KeyboardInterrupt):
        so.sequence(cloud(), 16, checkpoint=path)
    found = so.sequence(cloud(), 16, checkpoint=path)
    np.testing.assert_array_equal(found.order, wanted.order)


def test_ctrl_c_during_a_solver(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            signal.setitimer(signal.ITIMER_REAL, 0.2)

    previous = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    options: dict[str, Any] = {"selector": "tabu", "iterations": 200}
    slow = so.solver("tabu", iterations=10**9)
    try:
        with pytest.raises(KeyboardInterrupt):
            so.sequence(cloud(), 16, selector=_Mixed(slow), checkpoint=path, progress=interrupt)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert path.is_file()
    with pytest.raises(so.InvalidFile, match="of a sequence with solver '_Mixed"):
        so.sequence(cloud(), 16, checkpoint=path, **options)


class _Mixed(type(so.solver("tabu"))):  # type: ignore[misc]
    """Two quick batches, then one that takes for ever."""

    def __init__(self, slow: Any) -> None:
        super().__init__(iterations=50)
        object.__setattr__(self, "slow", slow)

    def _solve(self, problem: Any, limits: Any) -> Any:
        late = problem.n <= 200 - 2 * 16
        return self.slow._solve(problem, limits) if late else super()._solve(problem, limits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 8}, "batch_size 16, not 8"),
        ({"selector": "running-herding"}, r"solver 'running-swap\(\)', not 'running-herding\(\)'"),
        ({"sweeps": 1}, r"solver 'running-swap\(\)', not 'running-swap\(sweeps=1\)'"),
        ({"kernel": "linear"}, "kernel 'Gaussian.*, not 'Linear"),
        ({"engine": "rows"}, "engine 'matrix', not 'rows'"),
        ({"drop_last": True}, "drop_last False, not True"),
        ({"seed": 1}, "seed 0, not 1"),
        ({"X": cloud() + 1}, "data '.*', not '.*'; give another file"),
        ({"X": cloud(100)}, "n 200, not 100"),
        ({"X": cloud().astype(np.float64)}, "data '"),
    ],
)
def test_other_data_or_options(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    interrupted(path, 3, KeyboardInterrupt)
    arguments = {"X": cloud(), "batch_size": 16, "checkpoint": path, **changes}
    with pytest.raises(so.InvalidFile, match=message):
        so.sequence(**arguments)
    assert path.is_file()
    assert len(so.sequence(cloud(), 16, checkpoint=path)) == 13


def test_damage(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    interrupted(path, 3, KeyboardInterrupt)
    content = path.read_bytes()
    for broken in (b"", content[:-100], content[:300] + b"\0" * 99 + content[399:], b"nonsense"):
        path.write_bytes(broken)
        with pytest.raises(so.InvalidFile, match="damaged"):
            so.sequence(cloud(), 16, checkpoint=path)


def test_folders_are_looked_at_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        so.sequence(cloud(), 16, checkpoint=tmp_path / "none" / "state.npz")


PROGRAM = """
import sys, time
import numpy as np
import subsetopt as so
from subsetopt.sequencing import _archive as checkpoint

checkpoint._PAUSE = 0.0
X = np.random.default_rng(0).normal(size=(600, 3)).astype(np.float32)

def progress(done, total):
    print(done, flush=True)
    time.sleep(0.005)

found = so.sequence(X, 10, checkpoint=sys.argv[1], progress=progress)
found.save(sys.argv[2])
"""


def test_killed_again_and_again(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(600, 3)).astype(np.float32)
    wanted = so.sequence(X, 10)
    state, result, program = (tmp_path / name for name in ("state.npz", "result.npz", "run.py"))
    program.write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, str(program), str(state), str(result)]
    generator = np.random.default_rng(1)
    killed = 0
    for _ in range(20):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()  # the first batch of this run
        try:
            process.wait(generator.uniform(0.0, 0.1) if killed < 4 else 60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        process.stdout.close()
        if result.exists():
            break
    assert killed == 4
    found = so.MiniBatchSequence.load(result)
    np.testing.assert_array_equal(found.order, wanted.order)
    np.testing.assert_array_equal(found.mmd2, wanted.mmd2)
    assert not state.exists()


def test_ctrl_c_leaves_a_checkpoint(tmp_path: Path) -> None:
    state, program = tmp_path / "state.npz", tmp_path / "run.py"
    program.write_text(textwrap.dedent(PROGRAM).replace("_PAUSE = 0.0", "_PAUSE = 99.0"))
    process = subprocess.Popen(
        [sys.executable, str(program), str(state), str(tmp_path / "result.npz")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # it has begun
    process.stdout.readline()  # the first batch
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in complaint
    assert state.is_file()
    X = np.random.default_rng(0).normal(size=(600, 3)).astype(np.float32)
    found = so.sequence(X, 10, checkpoint=state)
    np.testing.assert_array_equal(found.order, so.sequence(X, 10).order)


def test_a_checkpoint_is_of_one_sequence_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"

    def again(done: int, total: int) -> None:
        with pytest.raises(InvalidOption, match=r"state\.npz is the checkpoint of a sequence that"):
            so.sequence(cloud(), 16, checkpoint=path)

    so.sequence(cloud(), 16, checkpoint=path, progress=again)
    assert list(tmp_path.iterdir()) == []
