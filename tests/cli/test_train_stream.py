import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from subsetopt._files import locked_folder
from subsetopt.cli import app

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from subsetopt.records import LabelWriter, Layout, RecordWriter  # noqa: E402

WINDOW, WINDOWS = 200, 10


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["train", "stream", *map(str, arguments)])


def result(*arguments: Any) -> Any:
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def weights(folder: Path) -> Any:
    (state,) = torch.load(folder / "checkpoint.pt", weights_only=True)["states"]
    return state["model"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a model of `digits` has recorded: every other batch has its labels later."""
    from subsetopt.training.tasks import task

    root: Path = tmp_path_factory.mktemp("served") / "records"
    made = task("digits")
    data = made.load()
    torch.manual_seed(0)
    model = made.model(data).eval()
    generator = torch.Generator().manual_seed(1)
    inputs, targets = data.train.inputs, data.train.targets
    with (
        RecordWriter(root, "server", layout=Layout(outputs=10), durable=False) as records,
        LabelWriter(root, "later", durable=False) as labels,
    ):
        for number in range(WINDOWS):
            ids = torch.randint(len(data.train), (WINDOW,), generator=generator)
            with torch.no_grad():
                found = model(made.prepare(inputs[ids])).log_softmax(1)
            late = number % 2 == 1
            losses = None if late else -found.gather(1, targets[ids][:, None])[:, 0].numpy()
            when = 1_700_000_000 + WINDOW * number + torch.arange(WINDOW).numpy()
            records.append(ids.numpy(), losses, outputs=found.numpy(), model="v1", time=when)
            if late:
                labels.append(ids[:-20].numpy(), targets[ids[:-20]].numpy())
    return root


@pytest.fixture
def records(served: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(served, tmp_path / "records"))


@pytest.fixture
def options(records: Path) -> list[str]:
    named = {"--records": records, "--task": "digits", "--budget": 0.3, "--window": WINDOW}
    return [str(part) for pair in named.items() for part in pair]


def test_a_task_learns_from_records(options: list[str], records: Path) -> None:
    lines = invoke(*options, "--evaluate-every", 5, "--lr", 0.1, "--name", "lines")
    assert lines.exit_code == 0, lines.output
    assert "5 windows, " in lines.stdout.splitlines()[0]
    assert "10 windows, " in lines.stdout.splitlines()[1]
    assert "2,000 records: " in lines.stdout.splitlines()[2]
    found = result(*options, "--evaluate-every", 5, "--lr", 0.1)
    assert (found["windows"], found["records"], found["backlog"]) == (10, 2000, 0)
    assert found["samples"] == found["chosen"]
    assert 560 < found["chosen"] <= 600
    assert found["foreign"] == found["dropped"] == found["lost"] == 0
    assert 0 < found["unknown"] < 200  # some have got their label in another batch
    assert [row["windows"] for row in found["history"]] == [5, 10]
    assert found["final"]["accuracy"] > 0.3
    assert (records / "choices" / "stream=train").is_dir()
    again = result(*options)  # a new model, and nothing is left for it
    assert (again["samples"], again["windows"]) == (0, 10)


def test_a_backlog_is_dropped_and_counted(options: list[str]) -> None:
    found = result(*options, "--max-backlog", 500, "--rule", "max_loss")
    assert (found["dropped"], found["windows"], found["backlog"]) == (1500, 2, 100)


def test_ids_beyond_the_training_set_are_left_out(options: list[str], records: Path) -> None:
    with RecordWriter(records, "other", durable=False) as writer:
        writer.append([10**12, -1, *range(198)], [1.0] * 200, time=1_750_000_000)
    found = result(*options, "--budget", 1.0, "--rule", "uniform")
    assert found["foreign"] == 2
    assert found["samples"] == found["chosen"] - 2


def test_a_kill_and_the_same_command_train_on_each_window_once(
    options: list[str], records: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(records, tmp_path / "copy")
    whole = result(*options, "--records", copy, "--out", tmp_path / "whole", "--rule", "prob")
    out = tmp_path / "model"
    code = [sys.executable, "-m", "subsetopt", "train", "stream", *options, "--rule", "prob"]
    more = ["--out", str(out), "--checkpoint-every", "4", "--follow"]
    process = subprocess.Popen(
        [*code, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    cursor, deadline, windows = records / "cursors" / "train.json", time.monotonic() + 120, 0
    while windows < WINDOWS and time.monotonic() < deadline and process.poll() is None:
        if cursor.exists():
            windows = json.loads(cursor.read_text())["windows"]
        time.sleep(0.02)
    process.kill()
    _, errors = process.communicate(timeout=60)
    assert windows == WINDOWS, errors
    (kept,) = torch.load(out / "checkpoint.pt", weights_only=True)["states"]
    assert kept["counts"]["samples"] < whole["samples"]  # of 8 windows, as the cursor is beyond
    resumed = result(*options, "--out", out, "--rule", "prob")
    same = ("windows", "records", "chosen", "unknown", "samples", "steps")
    assert [resumed[key] for key in same] == [whole[key] for key in same]
    assert resumed["final"] == whole["final"]
    for name, value in weights(tmp_path / "whole").items():
        assert torch.equal(value, weights(out)[name])
    other = invoke(*options, "--out", out, "--rule", "max_loss")
    assert other.exit_code == 2
    assert "another run" in other.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_after_the_window_at_hand(
    options: list[str], records: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out, cursor = tmp_path / "model", records / "cursors" / "train.json"

    def kill() -> None:
        while not cursor.exists() or json.loads(cursor.read_text())["windows"] < WINDOWS:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    thread = threading.Thread(target=kill)
    thread.start()
    done = invoke(*options, "--out", out, "--follow", "--timeout", 60)
    thread.join()
    assert signal.getsignal(number) is before
    assert done.exit_code == 128 + number
    assert f"the same command resumes from {out}" in done.output
    found = result(*options, "--out", out)
    assert (found["windows"], found["records"]) == (10, 2000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "nothing"), "got 'nothing'"),
        (("--rule", "magic"), "got 'magic'"),
        (("--rule", "vector"), "needs features"),
        (("--budget", "2"), "--budget must be a number in (0, 1]; got 2.0"),
        (("--window", "0"), "--window must be an integer >= 1; got 0"),
        (("--lr", "-1"), "--lr must be a number in (0, inf); got -1.0"),
        (("--batch-size", "0"), "--batch-size must be an integer >= 1; got 0"),
        (("--device", "quantum"), "device must be cpu, cuda or cuda:1; got 'quantum'"),
        (("--name", "a/b"), "digit first; got 'a/b'"),
        (("--delay", "-1"), "delay must be a number of seconds >= 0; got -1.0"),
        (("--max-backlog", "3"), "max_backlog must be an integer >= 200 or None; got 3"),
        (("--evaluate-every", "0"), "--evaluate-every must be an integer >= 1; got 0"),
        (("--timeout", "5"), "--timeout needs --follow"),
        (("--checkpoint-every", "5"), "--checkpoint-every needs --out"),
        (("--records", "/nowhere"), "/nowhere does not exist"),
        (("--lr", "1e30"), "losses became NaN or infinite in window"),
    ],
)
def test_bad_usage(options: list[str], arguments: tuple[str, ...], words: str) -> None:
    done = invoke(*options, *arguments)
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_ids_that_are_strings_are_refused(tmp_path: Path) -> None:
    RecordWriter(tmp_path / "text", "a", layout=Layout(ids="string")).close()
    done = invoke("--records", tmp_path / "text", "--task", "digits")
    assert done.exit_code == 2
    assert "must be int64, numbers of training samples of digits; got strings" in done.output


def test_both_words_are_a_command_and_tasks_still_are() -> None:
    assert "recorded forward passes" in invoke("--help").output
    done = CliRunner().invoke(app, ["train", "--help"])
    assert "train stream" in done.output
    assert CliRunner().invoke(app, ["train", "streams"]).exit_code == 2


def test_a_model_is_trained_by_one_process_at_a_time(options: list[str], tmp_path: Path) -> None:
    out = tmp_path / "model"
    with locked_folder(out):
        done = invoke(*options, "--out", out)
    assert done.exit_code == 2
    assert f"{out} is being written by another run" in done.output
