"""``subsetopt bench`` as its users see it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from subsetopt.benchmarks import _best_known
from subsetopt.benchmarks.cases import _quadratic_cases
from subsetopt.benchmarks.results._results_folder import load_results
from subsetopt.cli.commands import add
from subsetopt.cli.exits import ExitCodes

pytestmark = pytest.mark.usefixtures("planted_solvers")
SMALL = [
    *("--losses", "synthetic", "--sizes", "24", "--k", "3,5", "--instances", "1"),
    *("--repeat", "1", "--time-limit", "0.05"),
]


def flat(text: str) -> str:
    """Return the text without the folding of lines."""
    return " ".join(text.split())


def call(*arguments: str, columns: str = "110") -> Result:
    app = typer.Typer(cls=ExitCodes, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    add(app, "bench")
    return CliRunner().invoke(
        app, ["bench", *arguments], env={"COLUMNS": columns, "SUBSETOPT_DATA": ""}
    )


def test_tables() -> None:
    result = call("mean-matching", *SMALL, "--solvers", "stride,liar,refuser,crasher")
    assert result.exit_code == 0, result.output
    assert "synthetic: exponential" in result.stdout
    assert "2, n = 24, k = 3, 5" in flat(result.stdout)
    assert 'liar claims "optimal" on 2 of 2 instances; ' in result.stdout
    assert "beyond the tolerance that it states" in flat(result.stdout)
    assert "random was not named; it always takes part" in flat(result.stdout)
    assert "TooLarge: it would take a year" in flat(result.stdout)
    assert "its process was ended by SIGABRT: free(): invalid pointer" in flat(result.stdout)
    assert max(map(len, result.stdout.splitlines())) <= 110


def test_json_is_complete_and_alone_on_standard_output(tmp_path: Path) -> None:
    out = tmp_path / "results"
    result = call(
        "mean-matching", *SMALL, "--solvers", "liar,chatterer", "--json", "--out", str(out)
    )
    found = json.loads(result.stdout)
    assert found["suite"] == "mean-matching"
    assert found["sessions"][0]["machine"]["python"]
    assert len(found["cases"]) == 2
    assert len(found["rows"]) == 6
    assert found["complete"] is True
    assert {row["solver"] for row in found["rows"]} == {"random", "liar", "chatterer"}
    assert [row.objective for row in load_results(out).rows] == [
        row["objective"] for row in found["rows"]
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["knapsack"], "or FILE.yaml; got 'knapsack'"),
        (["mean-matching", "--solvers", "gurobi"], "gurobi"),
        (["mean-matching", "--solvers", "herding"], "herding solves"),
        (["mean-matching", "--k", "3,x"], "--k must be integers separated by commas; got '3,x'"),
        (
            ["mean-matching", "--sizes", "a"],
            "--sizes must be integers separated by commas; got 'a'",
        ),
        (["mean-matching", "--k", "500"], "[1, 128]"),
        (
            ["mean-matching", "--losses", "imagenet"],
            "'digits', 'mnist', 'cifar10', 'synthetic' or 'all'",
        ),
        (["mean-matching", "--instances", "MDG*"], "instances must be a number"),
        (["mean-matching", "--bound", "fw"], "carry their own"),
        (["mmd", "--sizes", "20", "--k", "20"], "[1, 19]"),
        (["mmd", "--source", "mdplib"], "'digits', 'mnist', 'cifar10', 'synthetic' or 'all'"),
        (["mmd", "--source", "synthetic", "--bound", "best"], "got 'best'"),
        (["quadratic", "--source", "digits"], "'few', 'generated' or 'all'"),
        (["quadratic", "--source", "qplib", "--data", ".", "--sizes", "9"], "have their own"),
        (["quadratic", "--data", ".", "--instances", "nowhere"], "for any letters; got 'nowhere'"),
        (["quadratic", "--source", "generated", "--instances", "MDG*"], "only public instances"),
        (["mean-matching", "--repeat", "0"], "--repeat must be an integer >= 1; got 0"),
        (
            ["mean-matching", "--time-limit", "0"],
            "--time-limit must be distinct numbers > 0; got 0.0",
        ),
        (["mean-matching", "--time-limit", "1,0.5"], "time limits must ascend; got 1, 0.5"),
        (
            ["mean-matching", "--time-limit", "soon"],
            "--time-limit must be numbers separated by commas; got 'soon'",
        ),
        (["mean-matching", "--seed", "-1"], "seed"),
        (
            ["quick", "--sizes", "8"],
            "sizes must not be given: the suite quick has cases of its own",
        ),
        (["quick", "--solvers", "tabu:iters=4"], "solver 'tabu' has no option 'iters'"),
        (["mean-matching", "--jobs", "0"], "jobs must be an integer >= 1; got 0"),
        (["mean-matching", "--threads", "-1"], "threads"),
        (["mean-matching", "--memory-limit", "much"], "much"),
        (["mean-matching", "--grace", "-1"], "grace"),
        (["mean-matching", "--backend", "abacus"], "no backend 'abacus'"),
        (["mean-matching", "--scheduler", "tcp://a:1"], "--scheduler needs --backend dask"),
        (
            ["mean-matching", "--backend", "dask", "--scheduler", "nonsense"],
            "there is no scheduler at 'nonsense': missing port number",
        ),
        (["mean-matching", "--resume"], "nothing to resume"),
        (["mean-matching", "--out", "pyproject.toml"], "must be a folder; got a file"),
        (["mean-matching", "--out", "tests"], "holds no results, but"),
        (["mean-matching", "--losses", "mnist", "--data", "no/such/folder"], "no train-images"),
        (["no-such-file.yaml"], "no-such-file.yaml"),
        (["no-such-file.yaml", "--k", "3"], "--k is for the built-in suites"),
    ],
)
def test_bad_usage(arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert message in flat(result.stderr)
    assert result.stdout == ""


def test_resuming(tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    wanted = ["mean-matching", *SMALL, "--solvers", "stride", "--out", out]
    assert call(*wanted).exit_code == 0
    result = call(*wanted)
    assert result.exit_code == 2
    assert "--resume goes on with them" in flat(result.stderr)
    before = load_results(Path(out))
    again = call(*wanted, "--resume")
    assert again.exit_code == 0, again.output
    after = load_results(Path(out))
    assert after.rows == before.rows
    assert len(after.sessions) == 2
    other = call(*wanted[:-2], "--out", out, "--resume", "--seed", "3")
    assert other.exit_code == 2
    assert "holds results with seed 0, not 3" in flat(other.stderr)


def test_no_answer_at_all() -> None:
    result = call("mean-matching", *SMALL, "--k", "3", "--solvers", "silent,raiser", "--json")
    assert result.exit_code == 0  # the baseline answers
    found = {row["solver"]: row for row in json.loads(result.stdout)["rows"]}
    assert found["silent"]["objective"] is None
    assert found["silent"]["termination"] == "time_limit"
    assert (
        found["raiser"]["failure"]
        == "InvalidResult: solver 'raiser' failed with ZeroDivisionError: who would have thought"
    )


def test_own_suites(tmp_path: Path) -> None:
    suite = tmp_path / "mine.yaml"
    suite.write_text(
        """
time_limits: [0.05]
repeats: 1
instances:
  - {suite: mean-matching, source: synthetic, sizes: [24], k: [4], instances: 1}
  - {suite: mmd, source: synthetic, sizes: [20], k: [3], instances: 1}
solvers:
  - stride
  - {name: tabu, label: quick-tabu, options: {iterations: 10}}
"""
    )
    result = call(str(suite), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["suite"] == "mine"
    assert {(row["family"], row["solver"]) for row in found["rows"]} == {
        ("mean-matching", "random"),
        ("mean-matching", "stride"),
        ("mmd", "random"),
        ("mmd", "quick-tabu"),
    }


# -- what runs while it runs ----------------------------------------------------------------------

LONG = [
    *("mean-matching", "--losses", "synthetic", "--sizes", "200", "--k", "90", "--instances", "2"),
    *("--repeat", "20", "--time-limit", "30", "--solvers", "stride,cpsat"),
]
COMMAND = [sys.executable, "-m", "subsetopt", "bench"]


def test_ctrl_c_prints_what_there_is(tmp_path: Path) -> None:
    out = tmp_path / "results"
    process = subprocess.Popen(
        [*COMMAND, *LONG, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_rows(out, 2)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert "stride" in stdout
    assert f"interrupted; --resume goes on with {out}" in flat(stderr)
    assert not load_results(out).complete


def wait_for_rows(out: Path, count: int) -> None:
    deadline = time.monotonic() + 100
    rows = out / "rows.jsonl"
    while not rows.exists() or len(rows.read_bytes().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_second_of_two_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "results"
    first = subprocess.Popen(
        [*COMMAND, *LONG, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_rows(out, 1)
        result = call(*LONG, "--out", str(out), "--resume")
        assert result.exit_code == 2
        assert "is being written by another run" in flat(result.stderr)
    finally:
        first.kill()
        first.wait()


def test_a_terminal_shows_a_table_and_the_time_left(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    out = tmp_path / "results"
    process = subprocess.Popen(
        [*COMMAND, *SMALL_LONGER, "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "mean-matching" in text
    assert "steady" in text
    assert re.search(r"\d+ of 14 runs", text)
    assert re.search(r"0:00:\d\d", text)


SMALL_LONGER = [
    *("mean-matching", "--losses", "synthetic", "--sizes", "24", "--k", "3", "--instances", "1"),
    *("--repeat", "7", "--time-limit", "0.5", "--solvers", "steady"),
]


# -- quadratic families ---------------------------------------------------------------------------

CHEAP = ["--solvers", "random,greedy,swap", "--repeat", "1", "--time-limit", "0.05"]
TINY = {
    "mmd": ["--source", "synthetic", "--sizes", "20", "--k", "3,7"],
    "quadratic": ["--source", "generated", "--sizes", "20", "--instances", "2"],
}


@pytest.mark.parametrize("suite", TINY)
def test_json_of_the_quadratic_families(suite: str) -> None:
    result = call(suite, *TINY[suite], *CHEAP, "--bound", "fw", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["settings"]["bound"] == "fw"
    assert len(found["cases"]) == len(found["bounds"]) == 2
    assert len(found["rows"]) == 6
    sense = "minimise" if suite == "mmd" else "maximise"
    for case in found["cases"]:
        own = [row for row in found["rows"] if row["case"] == case["name"]]
        assert {row["sense"] for row in own} == {case["sense"]} == {sense}
        assert min(row["gap_to_best"] for row in own) == 0
        assert all(row["bound"] <= row["objective"] for row in own)


def write_mdplib(folder: Path, name: str) -> None:
    """Write an instance whose distances are so long that whatever is chosen is a new best."""
    (folder / "mdplib").mkdir()
    pairs = [f"{i} {j} {1000 * (i + j)}" for i in range(8) for j in range(i + 1, 8)]
    (folder / "mdplib" / f"{name}.txt").write_text("\n".join(["8 3", *pairs, ""]))


def test_a_new_best_is_said_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MDG-a_1_n500_m50"
    write_mdplib(tmp_path, name)
    known = _best_known.best_known(name, 50)
    assert known is not None
    monkeypatch.setattr(_best_known, "registry", lambda: {(name, 3): replace(known, k=3)})
    arguments = ["quadratic", "--data", str(tmp_path), "--instances", "MDG-a_1*", *CHEAP]
    monkeypatch.setattr(_quadratic_cases, "registry", _best_known.registry)
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert f"on {name}: NEW BEST 36000.0, 360 % better than 7833.83 (Wang et al." in flat(
        result.stdout
    )
    assert "best known value reached on 1 of 1 instances" in flat(result.stdout)
    (swap,) = [line for line in result.stdout.splitlines() if line.startswith("  swap ")]
    assert "-360" in swap


def test_a_sequence_suite() -> None:
    sizes = ["--source", "synthetic", "--sizes", "60", "--k", "10", "--instances", "1"]
    result = call("sequence", *sizes, *CHEAP[2:], "--solvers", "running-herding", "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = {row["solver"]: row for row in json.loads(result.stdout)["rows"]}
    assert set(found) == {"random", "running-herding"}
    assert found["running-herding"]["objective"] < found["random"]["objective"]
    assert sorted(found["running-herding"]["indices"]) == list(range(60))
