import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from subsetopt.cli import app

torch = pytest.importorskip("torch")

QUICK = ("--epochs", "1", "--jobs", "1", "--threads", "1")


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)


def test_rules_are_compared_and_kept(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    done = invoke("digits", "--rule", "max_loss", "--seeds", "0,1", *QUICK, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (family,) = found["tasks"]
    (group,) = family["groups"]
    assert [line["rule"] for line in group["rules"]] == ["uniform", "max_loss"]
    assert "too few" in json.dumps(group["rules"][1]).lower()
    again = invoke("digits", "--rule", "max_loss", "--seeds", "0,1", *QUICK, "--out", out)
    assert again.exit_code == 2
    assert "already" in again.output
    more = ("--resume", "--markdown")
    resumed = invoke("digits", "--rule", "max_loss", "--seeds", "0,1", *QUICK, "--out", out, *more)
    assert resumed.exit_code == 0
    assert r"max\_loss | 25 %" in resumed.stdout
    report = CliRunner().invoke(app, ["report", out, "--json"], catch_exceptions=False)
    assert json.loads(report.stdout) == found
    for option, words in (("--at-cost", "cost of 0.3"), ("--at-seconds", "0.3 s")):
        early = CliRunner().invoke(app, ["report", out, "--no-page", option, "0.3"])
        assert early.exit_code == 0
        assert words in " ".join(early.output.split())
    for other in (("--at-seconds", "1"), ("--equal-cost",), ("--equal-seconds",)):
        both = CliRunner().invoke(app, ["report", out, "--at-cost", "1", *other])
        assert both.exit_code == 2
        assert "exclude each other" in both.output
    written = {path.suffix for path in (tmp_path / "out" / "report").iterdir()}
    assert written == {".html", ".md", ".json", ".svg", ".png"}


def test_learning_rates_are_tuned_alike(tmp_path: Path) -> None:
    done = invoke(
        *("digits", "--rule", "full", "--seeds", "0", *QUICK, "--json"),
        *("--tune-lr", "--lr-factors", "0.01,1", "--tuning-runs", "2"),
        *("--out", str(tmp_path / "out")),
    )
    assert done.exit_code == 0, done.output
    tuned = json.loads(done.stdout)["tuned"]
    assert {one["rule"] for one in tuned} == {"uniform", "full"}
    # Where the second of two rates is better the next one beyond is tried.
    assert all(len(one["values"]) > 2 and not one["at_the_edge"] for one in tuned)
    tried = sum(len(one["values"]) for one in tuned)
    assert len(list((tmp_path / "out" / "tuning" / "runs").iterdir())) == 2 * tried
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 2


def test_the_baseline_at_equal_cost_and_time(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    matched = ("--equal-cost", "--equal-seconds")
    what = ("digits", "--rule", "max_loss", "--budget", "0.1", "--out", out, *matched, *QUICK)
    done = invoke(*what, "--tune-lr", "--lr-factors", "1", "--tuning-runs", "1", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (group,) = found["equal_cost"]["tasks"][0]["groups"]
    uniform, max_loss = group["rules"]
    assert max_loss["budget"] == 0.1
    spent = [line["effective_budget"]["mean"] for line in (uniform, max_loss)]
    assert spent[0] == pytest.approx(spent[1], rel=0.05)
    assert max_loss["comparison"]["pairs"] == 3
    tuned = {(one["rule"], one["budget"], one["epochs"]) for one in found["tuned"]}
    assert tuned >= {("uniform", 0.1, 1), ("max_loss", 0.1, 1), ("uniform", 0.43, 1)}
    assert max(epochs for _, _, epochs in tuned) > 1  # the same cost by more steps
    assert {run["rule"] for run in found["equal_seconds"]["tasks"][0]["groups"][-1]["rules"]}
    for option, name in (("--equal-cost", "equal_cost"), ("--equal-seconds", "equal_seconds")):
        report = CliRunner().invoke(app, ["report", out, "--no-page", option, "--json"])
        assert json.loads(report.stdout) == found[name]
    again = invoke(*what, "--resume", "--markdown")
    assert "accuracy at matched cost" in again.stdout
    assert "accuracy at matched time" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "nothing"),
        (("digits", "--rule", "magic"), "uniform"),
        (("digits", "--rule", "vector:features=smell"), "smell"),
        (("digits", "--budget", "2"), "budget"),
        (("digits", "--budget", "a"), "--budget"),
        (("digits", "--seeds", "0,0"), "seeds"),
        (("digits", "--seeds", "1.5"), "--seeds"),
        (("digits", "--epochs", "0"), "epochs"),
        (("digits", "--epochs", "1", "--quick"), "--quick"),
        (("digits", "--lr", "-1"), "lr"),
        (("digits", "--schedule", "never"), "schedule"),
        (("digits", "--lr-factors", "1"), "--tune-lr"),
        (("digits", "--tuning-runs", "1"), "--tune-lr"),
        (("digits", "--tune-lr", "--lr-factors", "1,1"), "factors"),
        (("digits", "--tune-lr", "--tuning-runs", "0"), "--tuning-runs must be an integer >= 1"),
        (("digits", "--json", "--markdown"), "--markdown"),
        (("digits", "--jobs", "0"), "jobs"),
        (("digits", "--resume"), "out"),
        (("digits", "--device", "quantum", "--epochs", "1", "--jobs", "1"), "quantum"),
        (("linreg:outliers=-1",), "outliers"),
        (("mnist", "--data", "/nowhere", "--epochs", "1", "--jobs", "1"), "/nowhere"),
    ],
)
def test_bad_usage(arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBSETOPT_DATA", raising=False)
    done = CliRunner().invoke(app, ["train", *arguments])
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = [sys.executable, "-m", "subsetopt", "train", "digits", "--rule", "max_loss"]
    options = ["--epochs", "30", "--jobs", "1", "--threads", "1", "--out", str(out)]
    process = subprocess.Popen([*code, *options], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("runs/*/result.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume goes on" in errors
    assert list(out.glob("runs/*/result.json"))


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    code = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    options = ["--rule", "obftf,p_sgd", "--seeds", "0", "--epochs", "2", "--threads", "1"]
    process = subprocess.Popen(
        [*code, "-m", "subsetopt", "train", "digits", *options, "--out", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its children as well, if they hang
    assert process.returncode == 0, errors[-3000:]
    json.loads(output)  # one of them speaks
    for path in tmp_path.glob("runs/*/result.json"):
        result = json.loads(path.read_text())
        full = result["full"]
        assert result["passes"]["backward"] == pytest.approx(full / 4, rel=0.06)
        assert result["selected"]["trained"] == result["passes"]["backward"]
        assert result["final"]["accuracy"] > 0.3
    assert len(list(tmp_path.glob("runs/*/result.json"))) == 3  # uniform as well


def test_two_processes_cannot_fill_batches() -> None:
    from subsetopt.errors import InvalidOption
    from subsetopt.training.methods import method
    from subsetopt.training.methods.base import Ranks, Setting
    from subsetopt.training.run import Run
    from subsetopt.training.tasks import task

    made = task("digits")
    setting = Setting(Run.of("digits", "sb", budget=0.5), made, made.load(), Ranks(0, 2))
    batches = method("sb").sampler(setting)
    with pytest.raises(InvalidOption, match="selective_backprop"):
        method("sb").step(setting, torch.nn.Linear(64, 10), lambda model, batch: batch[0], batches)
