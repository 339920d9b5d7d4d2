"""``subsetopt verify``: answers, proofs and the script, by their exit codes and what they say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def solved(tmp_path: Path) -> Path:
    values = np.random.default_rng(1).normal(size=16)
    np.save(tmp_path / "values.npy", values)
    proof = ("--proof", tmp_path / "proof.jsonl.gz", "--json")
    ended = run(
        "solve", "mean-matching", tmp_path / "values.npy", "--k", 5, "--solver", "exact", *proof
    )
    assert ended.exit_code == 0, ended.output
    (tmp_path / "answer.json").write_text(ended.stdout)
    return tmp_path


def test_an_answer_and_its_proof(solved: Path) -> None:
    stated = (solved / "answer.json", solved / "values.npy", "--k", 5)
    ended = run("verify", "mean-matching", *stated, "--proof", solved / "proof.jsonl.gz")
    assert ended.exit_code == 0
    assert "verified: the selection is optimal" in ended.stdout
    assert "not verified" not in ended.stdout
    without = run("verify", "mean-matching", *stated)
    assert without.exit_code == 0
    assert "not verified: its bound" in without.stdout


def test_a_wrong_answer_ends_with_1(solved: Path) -> None:
    answer = json.loads((solved / "answer.json").read_text())
    answer["objective"] *= 2
    (solved / "answer.json").write_text(json.dumps(answer))
    stated = (solved / "answer.json", solved / "values.npy", "--k", 5)
    ended = run("verify", "mean-matching", *stated)
    assert ended.exit_code == 1
    assert ended.stdout.startswith("rejected: the objective")
    said = json.loads(run("verify", "mean-matching", *stated, "--json").stdout)
    assert said["verified"] is False
    (solved / "answer.json").write_text("{}")
    assert run("verify", "mean-matching", *stated).exit_code == 2


def test_a_proof_alone(solved: Path) -> None:
    path = solved / "proof.jsonl.gz"
    said = json.loads(run("verify", "proof", path, "--json").stdout)
    assert said["verified"] is said["optimal"] is True
    assert said["objective"] == said["bound"]
    path.write_bytes(path.read_bytes()[:-10])
    ended = run("verify", "proof", path)
    assert ended.exit_code == 1
    assert "incomplete" in ended.stdout
    assert run("verify", "proof", solved / "none.gz").exit_code == 2


def test_the_script_is_written(tmp_path: Path) -> None:
    from subsetopt.verify import standalone

    ended = run("verify", "script", tmp_path / "check.py")
    assert ended.exit_code == 0
    assert (tmp_path / "check.py").read_text() == Path(str(standalone.__file__)).read_text()


def test_no_proof_is_half_written(tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.arange(4.0))
    (tmp_path / "labels.txt").write_text("a\nb\na\nb\n")
    ended = run(
        *("solve", "mean-matching", tmp_path / "values.npy", "--k", 2),
        *("--at-least", f"{tmp_path / 'labels.txt'}=1", "--proof", tmp_path / "proof.gz"),
    )
    assert ended.exit_code == 2
    assert not (tmp_path / "proof.gz").exists()
