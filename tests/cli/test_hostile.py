"""Hostile files by every command that reads one: exit code 2 and one line, whatever they hold."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app

RED = "\x1b[31m\x1b]0;owned\x07\u202e"
"""Colours the terminal, names its window, and turns what follows around."""


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def refused(*arguments: Any) -> str:
    """Run a command that has to be refused; return its line."""
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert "should not happen" not in done.stderr
    assert done.stderr[:-1].isprintable(), ascii(done.stderr)
    return str(done.stderr)


COMMANDS: dict[str, tuple[str, ...]] = {
    "mean-matching": ("solve", "mean-matching", "FILE", "-k", "2"),
    "quadratic": ("solve", "quadratic", "FILE", "-k", "2"),
    "mmd": ("solve", "mmd", "FILE", "-k", "2"),
    "selected": ("solve", "mmd", "GOOD", "-k", "2", "--selected", "FILE"),
    "linear": ("solve", "quadratic", "GOOD", "-k", "2", "--linear", "FILE"),
    "sequence": ("sequence", "FILE", "--batch-size", "2"),
    "labels": ("sequence", "GOOD", "--batch-size", "2", "--labels", "FILE"),
    "checkpoint": ("sequence", "GOOD", "--batch-size", "2", "--json", "--checkpoint", "FILE"),
    "export": ("export", "mean-matching", "FILE", "-k", "2", "--out", "OUT"),
    "known": ("known", "check", "MDG-a_1_n500_m50", "FILE", "--instance", "GOOD"),
}


def header(text: str) -> bytes:
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()


FILES: dict[str, tuple[str, bytes | Callable[[Path], Any]]] = {
    "missing": ("none.npy", lambda path: None),
    "folder": ("a.csv", Path.mkdir),
    "pipe": ("a.npy", os.mkfifo),
    "device": ("a.npy", lambda path: path.symlink_to("/dev/zero")),
    "loop": ("a.npz", lambda path: path.symlink_to(path)),
    "empty": ("a.npz", b""),
    "brackets": ("a.npy", header("[" * 9000)),
    "promise": ("a.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (9**9,)}")),
    "cut short": ("a.npy", header("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}")),
    "packed": ("a.gz", gzip.compress(b"1\n2\n")[:-5]),
    "binary": ("a.txt", b"\0\xff\xfe" * 50),
    "escapes": ("a.csv", f"1\n{RED}\n3\n".encode()),
    "named": (f"{RED}.csv", b"a\nb\n\nc\n"),
    "deep": ("a.json", b"[" * 100_000),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("file", FILES)
def test_one_line(command: str, file: str, tmp_path: Path) -> None:
    name, content = FILES[file]
    path, good = tmp_path / name, tmp_path / "good.csv"
    good.write_text("x,y,z\n0,1,2\n1,0,3\n2,3,0\n")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    if command == "checkpoint" and not os.path.exists(path):
        pytest.skip("a checkpoint need not be there")
    words = {"FILE": path, "GOOD": good, "OUT": tmp_path / "o.lp"}
    line = refused(*(words.get(word, word) for word in COMMANDS[command]))
    assert len(line) < 1000
    assert not (tmp_path / "o.lp").exists()


def test_the_name_of_a_member_is_shown(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {f"{RED}a": np.arange(3.0), "b": np.arange(3.0)}
    np.savez(tmp_path / "a.npz", **arrays)
    line = refused("solve", "mean-matching", tmp_path / "a.npz", "-k", 2)
    assert r"\x1b[31m\x1b]0;owned\x07\u202ea" in line


@pytest.mark.parametrize("text", ["[" * 5000, "a: &a [*a]", "instances: 2001-13-01", f"a: {RED}"])
def test_suites(text: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "own.yaml").write_text(text)
    refused("bench", tmp_path / "own.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"n": "x"},
        {"objective": None, "seconds": [float("nan")]},
        {"session": 7},
        {"case": f"{RED}else"},
        {"solver": "else"},
        {"family": "else"},
        {"indices": [1, None]},
    ],
)
def test_results_of_a_comparison(
    changes: dict[str, Any], tmp_path: Path, planted_results: Any, keep_results: Any
) -> None:
    path = keep_results(planted_results((128,), ("mmd",), ("random", "swap"), repeats=1), tmp_path)
    lines = (path / "rows.jsonl").read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), **changes})
    (path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    refused("report", path, "--no-page")


def test_a_plan_without_end(tmp_path: Path, planted_results: Any, keep_results: Any) -> None:
    path = keep_results(planted_results((128,), ("mmd",), ("random",), repeats=1), tmp_path)
    plan = json.loads((path / "plan.json").read_text())
    plan["settings"]["repeats"] = 10**9
    (path / "plan.json").write_text(json.dumps(plan))
    assert ",000,000,000 runs; the limit is 10,000,000" in refused("report", path, "--no-page")


@pytest.mark.parametrize("out", ["no/such/o.npy", "/proc/o.npy", "/dev/full", ".", "o.npy/x.npy"])
def test_where_nothing_can_be_written(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o.npy").write_bytes(b"")
    (tmp_path / "v.csv").write_text("1.5\n2.5\n3.5\n")
    refused("solve", "mean-matching", "v.csv", "-k", 2, "--out", out)
    assert sorted(os.listdir()) == ["o.npy", "v.csv"]
