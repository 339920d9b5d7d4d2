import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from subsetopt import solving
from subsetopt.benchmarks import runner
from subsetopt.cli import bench
from subsetopt.cli.exits import ExitCodes

SMALL = ["--losses", "synthetic", "--n", "24", "--k", "3,5", "--instances", "2", "--repeat", "1"]


def flat(text: str) -> str:
    """Return the text without the folding of lines."""
    return " ".join(text.split())


def call(*arguments: str) -> Result:
    app = typer.Typer(cls=ExitCodes, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    bench.register(app)
    return CliRunner().invoke(app, ["bench", *arguments], env={"COLUMNS": "110"})


@pytest.fixture(autouse=True)
def liar(plant: Any, planted: Any) -> None:
    plant(*planted.values())


def test_tables() -> None:
    result = call("mean-matching", *SMALL, "--solvers", "stride,liar")
    assert result.exit_code == 0, result.output
    assert "synthetic: exponential" in result.stdout
    assert "4, n = 24, k = 3, 5" in result.stdout
    assert 'liar claims "optimal" on 4 of 4 instances; ' in result.stdout
    assert "beyond the tolerance that it states" in flat(result.stdout)
    assert "random was not named; it always takes part" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_all_that_can_run_by_default_and_the_others_with_their_mend() -> None:
    result = call("mean-matching", *SMALL, "--json")
    found = json.loads(result.stdout)
    assert [s["solver"] for s in found["summary"]] != []
    assert {s["solver"] for s in found["summary"]} == {"random", "stride", "liar", "refuser"}
    assert list(found["left_out"]) == ["absent"]
    assert "pip install" in found["left_out"]["absent"]
    result = call("mean-matching", *SMALL)
    assert "not compared: absent: no-such-thing is not installed" in flat(result.stdout)
    assert "refuser: failed on 4 of 4 instances: TooLarge: it would take a year" in flat(
        result.stdout
    )


def test_json_is_complete_and_alone_on_standard_output(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    result = call("mean-matching", *SMALL, "--solvers", "liar", "--json", "--out", str(out))
    found = json.loads(result.stdout)
    assert found["suite"] == "mean-matching"
    assert found["machine"]["python"]
    assert len(found["cases"]) == 4
    assert len(found["rows"]) == 8
    assert found["verdicts"][0]["beaten"] == 4
    assert found["interrupted"] is False
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["objective"] for line in lines] == [row["objective"] for row in found["rows"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["knapsack"], "there are: mean-matching"),
        (["mean-matching", "--solvers", "gurobi"], "gurobi"),
        (["mean-matching", "--k", "3,x"], "numbers separated by commas"),
        (["mean-matching", "--k", "500"], "1..128"),
        (["mean-matching", "--losses", "cifar"], "digits, mnist, synthetic, all"),
        (["mean-matching", "--repeat", "0"], "repeats is 0"),
        (["mean-matching", "--time-limit", "0"], "time_limit"),
        (["mean-matching", "--seed", "-1"], "seed"),
        (["mean-matching", "--out", "no/such/folder/rows.jsonl"], "there is no folder"),
        (["mean-matching", "--out", "."], "a folder; a file is needed"),
        (["mean-matching", "--losses", "mnist", "--data", "no/such/folder"], "no train-images"),
    ],
)
def test_bad_usage(arguments: list[str], message: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = solving.solve, []

    def stop(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(runner, "solve", stop)
    result = call("mean-matching", *SMALL, "--solvers", "stride")
    assert result.exit_code == 130
    assert "Interrupted: these are the measurements made until then." in result.stdout
    assert "stride" in result.stdout


def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "solve", stop)
    result = call("mean-matching", *SMALL, "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["rows"] == []
