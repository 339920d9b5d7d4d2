import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from subsetopt import solving
from subsetopt.benchmarks import best_known, runner
from subsetopt.benchmarks.cases import public
from subsetopt.cli import bench
from subsetopt.cli.exits import ExitCodes

SMALL = ["--losses", "synthetic", "--n", "24", "--k", "3,5", "--instances", "2", "--repeat", "1"]


def flat(text: str) -> str:
    """Return the text without the folding of lines."""
    return " ".join(text.split())


def call(*arguments: str, columns: str = "110") -> Result:
    app = typer.Typer(cls=ExitCodes, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    bench.register(app)
    return CliRunner().invoke(
        app, ["bench", *arguments], env={"COLUMNS": columns, "SUBSETOPT_DATA": ""}
    )


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
        (["knapsack"], "there are: mean-matching, mmd, quadratic"),
        (["mean-matching", "--solvers", "gurobi"], "gurobi"),
        (["mean-matching", "--k", "3,x"], "numbers separated by commas"),
        (["mean-matching", "--k", "500"], "1..128"),
        (["mean-matching", "--losses", "cifar"], "digits, mnist, synthetic, all"),
        (["mean-matching", "--instances", "MDG*"], "a number is needed"),
        (["mean-matching", "--bound", "fw"], "carry their own"),
        (["mmd", "--n", "20", "--k", "20"], "1..19"),
        (["mmd", "--source", "mdplib"], "digits, mnist, synthetic, all"),
        (["mmd", "--source", "synthetic", "--bound", "best"], "bound is 'best'"),
        (["quadratic", "--source", "digits"], "mdplib, kcluster, qplib, few, generated, all"),
        (
            ["quadratic", "--source", "qplib", "--data", ".", "--n", "9"],
            "n is 9; it is for",
        ),
        (["quadratic", "--data", ".", "--instances", "nowhere"], "no instance is called 'nowhere'"),
        (["quadratic", "--source", "generated", "--instances", "MDG*"], "only public instances"),
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


# -- quadratic families ---------------------------------------------------------------------------

CHEAP = ["--solvers", "random,greedy,swap", "--repeat", "1", "--time-limit", "0.05"]
TINY = {
    "mmd": ["--source", "synthetic", "--n", "20", "--k", "3,7"],
    "quadratic": ["--source", "generated", "--n", "20", "--instances", "2"],
}


@pytest.mark.parametrize("suite", TINY)
def test_json_of_the_quadratic_families(suite: str) -> None:
    result = call(suite, *TINY[suite], *CHEAP, "--bound", "fw", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["suite"], found["bound"], found["against_known"]) == (suite, "fw", [])
    assert len(found["cases"]) == 2
    assert len(found["rows"]) == 6
    sense = "minimise" if suite == "mmd" else "maximise"
    for case in found["cases"]:
        own = [row for row in found["rows"] if row["case"] == case["name"]]
        assert {row["sense"] for row in own} == {case["sense"]} == {sense}
        assert case["known"] is None
        assert min(row["gap_to_best"] for row in own) == 0
        assert all(row["bound"] <= row["objective"] for row in own)
        assert all(row["best_known"] is None for row in own)
    assert max(s["best_reached"] for s in found["summary"]) == 2
    assert all(s["bound_gap_median"] >= 0 for s in found["summary"])


@pytest.mark.parametrize("suite", TINY)
@pytest.mark.parametrize("columns", [80, 100, 130])
def test_tables_of_the_quadratic_families(suite: str, columns: int) -> None:
    result = call(suite, *TINY[suite], *CHEAP, columns=str(columns))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert "the solver alone; matrices are built once" in flat(result.stdout)
    headings = " ".join(lines[next(i for i, line in enumerate(lines) if "gap %" in line)].split())
    assert headings.startswith("gap % best bound")
    assert ("random" in headings) == (columns >= 100)
    assert ("runs" in headings) == (columns >= 120)
    for solver in ("random", "greedy", "swap"):
        (row,) = [line for line in lines if line.startswith(f"  {solver} ")]
        assert "/2" in row


def write_mdplib(folder: Path, name: str) -> None:
    """Write an instance whose distances are so long that whatever is chosen is a new best."""
    (folder / "mdplib").mkdir()
    pairs = [f"{i} {j} {1000 * (i + j)}" for i in range(8) for j in range(i + 1, 8)]
    (folder / "mdplib" / f"{name}.txt").write_text("\n".join(["8 3", *pairs, ""]))


def test_a_new_best_is_said_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MDG-a_1_n500_m50"
    write_mdplib(tmp_path, name)
    known = best_known.best_known(name, 50)
    assert known is not None
    monkeypatch.setattr(best_known, "registry", lambda: {(name, 3): replace(known, k=3)})
    arguments = ["quadratic", "--data", str(tmp_path), "--instances", "MDG-a_1*", *CHEAP]
    monkeypatch.setattr(public, "registry", best_known.registry)
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert f"on {name}: NEW BEST 36000.0, 360 % better than 7833.83 (Wang et al." in flat(
        result.stdout
    )
    assert "best known value reached on 1 of 1 instances" in result.stdout
    (swap,) = [line for line in result.stdout.splitlines() if line.startswith("  swap ")]
    assert "-360" in swap
    found = json.loads(call(*arguments, "--json").stdout)
    assert "NEW BEST" in found["against_known"][0]
    assert found["cases"][0]["known"]["value"] == 7833.83
    assert {row["best_known"] for row in found["rows"]} == {-7833.83}


def test_values_that_are_missing_leave_a_dash(planted: Any, plant: Any) -> None:
    refuser, silent = planted["refuser"], planted["silent"]
    refuser = type("Refuser", (refuser,), {"handles": ("quadratic",)})
    plant(refuser, silent)
    result = call("quadratic", *TINY["quadratic"], "--solvers", "refuser,silent", "--repeat", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    (row,) = [line for line in lines if line.startswith("  refuser ")]
    assert row.split()[1:] == ["-", "-", "0/2", *["-"] * 6]
    (row,) = [line for line in lines if line.startswith("  silent ")]
    assert row.split()[1:9] == ["-", "-", "0/2", "-", "-", "time_limit", "2", "-"]
    assert "silent: no answer on 2 of 2 instances" in result.stdout
    assert "refuser: failed on 2 of 2 instances: TooLarge" in flat(result.stdout)


def test_the_table_of_mean_matching() -> None:
    result = call("mean-matching", *SMALL, "--solvers", "stride", columns="100")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    first = lines.index("error random time faster runs")
    headings = "solver median max as good ended certificate median p95 x cbc each"
    assert lines[first + 1] == headings
    assert "compared mean-matching: k of n losses whose mean comes closest to that of all" in flat(
        result.stdout
    )
    assert "timed" not in result.stdout
    assert "gap" not in result.stdout
