"""What only a process of its own can show."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COMMAND = [sys.executable, "-m", "subsetopt"]


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def losses(tmp_path: Path) -> Path:
    np.save(tmp_path / "losses.npy", np.random.default_rng(0).random(40))
    return tmp_path / "losses.npy"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from subsetopt.cli.commands import application\n"
        "try: application(sys.argv[1:])()\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'scipy', 'highspy', 'ortools', 'pyscipopt', 'torch', 'sklearn'}\n"
        "sys.exit(f'loaded: {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "mean-matching" not in done.stdout
    assert "solve" in done.stdout


def test_solve_and_exit_codes(losses: Path) -> None:
    done = run("solve", "mean-matching", losses, "-k", 5, "--solver", "random", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["k"] == 5
    done = run("solve", "mean-matching", losses, "-k", 500)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: k must be an integer in [1, 40]; got 500")
    assert run("--bogus").returncode == 2


def test_standard_input_and_plain_output(losses: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "solve", "mean-matching", "-", "--k", "5", "--solver", "random"],
        input=losses.read_bytes(),
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},  # a pipe that takes no box drawings
    )
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout
    assert b"objective" in done.stdout


def test_ctrl_c() -> None:
    process = subprocess.Popen(
        [*COMMAND, "solve", "mean-matching", "-", "-k", "5"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b"1\n" * 2**19)  # more than a pipe holds: the process waits for more
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output, error) == (130, b"", b"error: interrupted\n")


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_goes_away(losses: Path, options: list[str]) -> None:
    process = subprocess.Popen(
        [*COMMAND, "solve", "mean-matching", losses, "-k", "5", "--solver", "random", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), error) == (141, b"")


NO_TORCH = """
import importlib.util, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else found(name, *rest)
from subsetopt.cli import main

sys.argv = ["subsetopt", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    "words",
    [
        ("train", "digits"),
        ("train", "stream", "--records", ".", "--task", "digits"),
        ("reproduce", "list"),
        ("train", "--help"),
    ],
)
def test_without_torch_the_help_is_there_and_training_names_the_fix(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH, *words], capture_output=True, text=True, check=False
    )
    if "--help" in words:
        assert done.returncode == 0
        assert "Initial learning rate" in done.stdout
    else:
        assert done.returncode == 3
        assert done.stderr == "error: torch is not installed: pip install 'subsetopt[train]'\n"
