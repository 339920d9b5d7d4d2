"""``subsetopt warmup``: what it says, and that afterwards nothing is missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from subsetopt import _warming
from subsetopt._kernels import _compiling
from subsetopt.cli import app


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["warmup", *arguments])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two jobs, of which the second needs a kernel that is not compiled."""
    ran: list[str] = []

    def second() -> None:
        _compiling.require("a kernel")
        monkeypatch.setattr(_compiling._COMPILATIONS, "count", _compiling.count() + 3)
        ran.append("second")

    def jobs() -> Iterator[_warming.Job]:
        yield _warming.Job("first", lambda: ran.append("first"))
        yield _warming.Job("second", second)

    monkeypatch.setattr(_warming, "jobs", jobs)
    monkeypatch.setattr(_warming, "folders", lambda: ["/a/folder"])
    monkeypatch.setattr(_warming, "kept", lambda: True)
    return ran


def test_it_compiles_and_says_where(ran: list[str]) -> None:
    result = run()
    assert result.exit_code == 0
    assert "3 functions compiled in " in result.stdout
    assert "cache: /a/folder" in result.stdout
    assert ran == ["first", "second"]


def test_check_compiles_nothing(ran: list[str]) -> None:
    result = run("--check")
    assert result.exit_code == 1
    assert "1 of 2 kernels are not compiled:\n  second\n" in result.stdout
    assert ran == ["first"]


@pytest.mark.parametrize("check", [False, True])
def test_json(ran: list[str], check: bool) -> None:
    result = run("--json", *(["--check"] if check else []))
    document = json.loads(result.stdout)
    assert result.exit_code == int(check)
    assert document["missing"] == (["second"] if check else [])
    assert document["compiled"] == (0 if check else 3)
    assert [job["name"] for job in document["kernels"]] == ["first", "second"]
    assert document["folders"] == ["/a/folder"]
    assert document["check"] is check


def test_where_nothing_can_be_kept(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_warming, "folders", list)
    monkeypatch.setattr(_warming, "kept", lambda: False)
    assert "none: no folder can be written" in run().stdout


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_warming, "jobs", lambda: iter([_warming.Job("one", interrupted)]))
    result = run()
    assert result.exit_code == 130
    assert result.stderr == "error: interrupted\n"
    assert not _compiling._forbidden


CODE = """
import json, sys
from subsetopt import _warming as warming
wanted = ("zero_sum_rows.squared_norms", "triangles.combine")
jobs = [job for job in warming.jobs() if job.name in wanted]
check = sys.argv[1] == "check"
results = warming.warm(jobs, lambda result: None, check=check)
print(json.dumps([[r.compiled, r.missing] for r in results]))
print(json.dumps(warming.folders()))
"""


def warmed(how: str, environment: dict[str, str]) -> Any:
    command = [sys.executable, "-c", CODE, how]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # nothing is announced, since it was asked for
    results, folders = map(json.loads, done.stdout.splitlines())
    return results, folders


def test_what_was_compiled_is_there_for_the_next_process(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    results, folders = warmed("check", environment)
    assert results == [[0, True]] * 2
    assert not list(tmp_path.rglob("*.nbc"))
    results, folders = warmed("compile", environment)
    assert results == [[1, False]] * 2
    assert all(Path(folder).is_relative_to(tmp_path) for folder in folders)
    results, _ = warmed("check", environment)
    assert results == [[0, False]] * 2
