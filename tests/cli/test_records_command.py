import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app

pq = pytest.importorskip("pyarrow.parquet")

from subsetopt.records import (  # noqa: E402
    LabelWriter,
    Layout,
    RecordStore,
    RecordStream,
    RecordWriter,
)
from subsetopt.records._choices import read_choices  # noqa: E402
from subsetopt.records._distribution import distribution  # noqa: E402

START = 1_700_000_000


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["records", *map(str, arguments)])


def ready(*arguments: Any) -> Any:
    done = invoke(*arguments)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return records of two writers, a loss a second, every tenth unknown, in ten files."""
    root = tmp_path / "records"
    rng = np.random.default_rng(0)
    for part in range(5):
        for name in ("one", "two"):
            ids = np.arange(100) + 50 * part
            losses = rng.exponential(size=100).astype(np.float32)
            losses[::10] = np.nan
            times = START + 100 * part + np.arange(100)
            with RecordWriter(root, name, durable=False) as writer:
                writer.append(ids, losses, model=f"v{part}", time=times)
    return root


@pytest.fixture
def chosen(folder: Path) -> Path:
    stream = RecordStream(RecordStore(folder), "trainer", window=200, k=0.1, keep_choices=True)
    assert len(list(stream)) == 5
    stream.close()
    return folder


# -- info and tail --------------------------------------------------------------------------------


def test_info_says_what_there_is(chosen: Path) -> None:
    (chosen / "records" / "writer=one" / "notes.txt").write_text("mine")
    (chosen / "cursors" / "broken.json").write_text("{")
    text = ready("info", chosen).stdout
    for words in ("1,000, 90 % with a loss", "one 500, two 500", "10 files", "2023-11-14 22:13:20"):
        assert words in text
    assert "1 foreign, 1 damaged cursor" in text
    found = json.loads(ready("info", chosen, "--json").stdout)
    assert (found["records"], found["labels"], found["with_loss"]) == (1000, 0, 900)
    assert found["writers"] == {"one": 500, "two": 500}
    assert found["labels_no_class"] is found["labels_from_one"] is None
    assert found["layout"]["version"] == 1
    (stream,) = found["streams"]
    assert stream["name"] == "trainer"
    assert (stream["windows"], stream["records"], stream["chosen"]) == (5, 1000, 90)
    assert (stream["unknown"], stream["backlog"], stream["pending"]) == (100, 0, False)


def test_info_of_a_folder_without_records(tmp_path: Path) -> None:
    RecordWriter(tmp_path / "new", "a", layout=Layout(ids="string", features=3)).close()
    text = ready("info", tmp_path / "new").stdout
    assert "nothing yet" in text
    assert "ids string, 3 features" in text
    assert ready("tail", tmp_path / "new").stdout == ""
    assert invoke("plot", tmp_path / "new", "--out", tmp_path / "a.svg").exit_code == 2


def test_tail_prints_the_latest(folder: Path) -> None:
    lines = ready("tail", folder, "-n", 4).stdout.splitlines()
    assert len(lines) == 4
    assert [line.split()[2] for line in lines] == ["298", "298", "299", "299"]
    rows = [
        json.loads(line) for line in ready("tail", folder, "-n", 30, "--json").stdout.splitlines()
    ]
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert rows[-1]["time"] == START + 499
    assert {row["writer"] for row in rows} == {"one", "two"}
    assert [row["loss"] for row in rows if row["id"] == 290] == [None, None]
    assert ready("tail", folder, "-n", 0).stdout == ""
    assert len(ready("tail", folder, "-n", 5000).stdout.splitlines()) == 1000


def test_tail_follows_until_ctrl_c(folder: Path) -> None:
    code = [sys.executable, "-m", "subsetopt", "records", "tail", str(folder), "--follow", "--json"]
    process = subprocess.Popen(
        [*code, "-n", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["id"] == 299
    with RecordWriter(folder, "three", durable=False) as writer:
        writer.append([7], [0.5], time=START)
    assert json.loads(process.stdout.readline()) == {
        "time": START,
        "writer": "three",
        "id": 7,
        "loss": 0.5,
        "model": "",
    }
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output, error) == (130, "", "")


# -- compact --------------------------------------------------------------------------------------


def test_compact_merges_and_drops(folder: Path) -> None:
    assert "merged 10 files into 6" in ready("compact", folder, "--rows", 200).stdout
    done = json.loads(ready("compact", folder, "--max-records", 300, "--json").stdout)
    assert done["dropped"]["records"] == 600
    assert done["merged"]["files"] == 2
    assert RecordStore(folder).info().records == 400
    assert "nothing to merge in 2 files" in ready("compact", folder).stdout
    done = ready("compact", folder, "--max-age", "2w")
    assert "dropped 2 files with 400 records" in done.stdout
    assert RecordStore(folder).info().records == 0


def test_compact_merges_across_writers_where_it_is_asked_to(tmp_path: Path) -> None:
    for number in range(12):
        with RecordWriter(tmp_path, f"process-{number:02}", durable=False) as writer:
            writer.append([number], [1.0])
    assert "nothing to merge in 12 files" in ready("compact", tmp_path).stdout
    assert "merged 12 files into 1" in ready("compact", tmp_path, "--across-writers").stdout
    assert "process-09 1 and 2 more" in " ".join(ready("info", tmp_path).stdout.split())


@pytest.mark.parametrize("age", ["1000000h", "30000d", "3000000000", "9e9w", "99999w"])
def test_what_is_young_stays(folder: Path, age: str) -> None:
    done = invoke("compact", folder, "--max-age", age)
    assert done.exit_code == 0
    assert "nothing to drop" in done.output


# -- export ---------------------------------------------------------------------------------------


def test_export_writes_each_record_once(folder: Path, tmp_path: Path) -> None:
    import pandas as pd

    for suffix in ("parquet", "csv", "jsonl"):
        ready("export", folder, "--out", tmp_path / f"all.{suffix}")
    frames = [
        pd.read_parquet(tmp_path / "all.parquet"),
        pd.read_csv(tmp_path / "all.csv", parse_dates=["time"]),
        pd.read_json(tmp_path / "all.jsonl", lines=True),
    ]
    frames[2]["time"] = pd.to_datetime(frames[2]["time"], format="ISO8601")
    for frame in frames:
        assert list(frame) == ["id", "time", "writer", "sequence", "model", "loss"]
        assert len(frame) == 1000
        assert frame["loss"].isna().sum() == 100
        assert frame.groupby("writer")["sequence"].nunique().tolist() == [500, 500]
        assert (frame["time"] == frames[0]["time"]).all()
        np.testing.assert_allclose(frame["loss"], frames[0]["loss"], rtol=1e-6)
    assert [path.name for path in tmp_path.glob(".*.part")] == []


def test_export_takes_a_part(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.parquet"
    limits = ("--since", "2023-11-14T22:15:00", "--until", START + 150, "--writer", "two")
    done = ready("export", folder, "--out", out, *limits)
    assert "50 records written" in done.output
    table = pq.read_table(out)
    assert set(table.column("writer").to_pylist()) == {"two"}
    assert table.column("time").to_pylist()[0].isoformat() == "2023-11-14T22:15:00+00:00"


def test_labels_that_are_no_class_are_reported(tmp_path: Path) -> None:
    root = tmp_path / "records"
    with RecordWriter(root, "a", layout=Layout(outputs=2)) as writer:
        writer.append([1, 2, 3], outputs=np.log(np.full((3, 2), 0.5)))
    for name, labels, text, counts in (
        ("b", [1, 2, 2], "3, 3 are not a class in 0..1 and give no loss: they seem", (3, True)),
        ("c", [0, 0, 0.5], "6, 3 are not a class in 0..1 and give no loss", (3, False)),
    ):
        with LabelWriter(root, name) as writer:
            writer.append([1, 2, 3], labels)
        assert text in " ".join(ready("info", root).stdout.split())
        found = json.loads(ready("info", root, "--json").stdout)
        assert (found["labels_no_class"], found["labels_from_one"]) == counts


def test_export_of_the_latest_joins_labels(tmp_path: Path) -> None:
    root = tmp_path / "records"
    with RecordWriter(root, "a", layout=Layout(ids="string", outputs=2)) as writer:
        outputs = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], np.float32))
        writer.append(["x", "y", "z"], outputs=outputs, model="v1", time=START)
        writer.append(["x"], [3.0], model="v2", time=START - 5)
    with LabelWriter(root, "b") as labels:
        labels.append(["y"], [0])
    ready("export", root, "--latest", "--out", tmp_path / "latest.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "latest.jsonl").read_text().splitlines()]
    assert [(row["id"], row["model"]) for row in rows] == [("x", "v2"), ("y", "v1")]
    assert rows[1]["loss"] == pytest.approx(-np.log(0.2))
    ready("export", root, "--out", tmp_path / "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["loss"] is None for row in rows] == [True, False, True, False]


# -- plot -----------------------------------------------------------------------------------------


def test_plot_draws_what_was_chosen(chosen: Path, tmp_path: Path) -> None:
    for suffix in ("svg", "png"):
        done = ready("plot", chosen, "--out", tmp_path / f"losses.{suffix}", "--bins", 20)
        assert "with what trainer chose" in done.output
    drawn = (tmp_path / "losses.svg").read_text()
    for words in ("Recorded losses over time", "chosen", "unknown", "time, UTC"):
        assert words in drawn
    assert (tmp_path / "losses.png").read_bytes()[:4] == b"\x89PNG"


def test_quantiles_are_those_of_the_losses(chosen: Path) -> None:
    found = distribution(RecordStore(chosen), 5)
    blocks = list(RecordStore(chosen).blocks(("loss",)))
    times = np.concatenate([block.times for block in blocks]) / 1e6
    losses = np.concatenate([np.asarray(block.losses) for block in blocks])
    for i in range(5):
        within = (times >= found.edges[i]) & (times < found.edges[i + 1] + (i == 4))
        own = losses[within & ~np.isnan(losses)]
        expected = np.quantile(own, (0.1, 0.5, 0.9), method="lower")
        np.testing.assert_allclose(found.quantiles[:, i], expected, rtol=0.005)
        assert found.unknown[i] == pytest.approx(np.isnan(losses[within]).mean())
    assert found.chosen_records == 90


def test_plot_of_one_record(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "records", "a") as writer:
        writer.append([1], [0.5], time=START)
    ready("plot", tmp_path / "records", "--out", tmp_path / "one.svg")


# -- choices --------------------------------------------------------------------------------------


def test_choices_go_back_with_the_stream(folder: Path) -> None:
    stream = RecordStream(RecordStore(folder), "t", window=100, k=10, keep_choices=True)
    states = []
    for window in stream:
        states.append(stream.state_dict())
        assert window.number < 10
    for state in (states[4], states[0]):
        stream.load_state_dict(state)
        assert len(list(stream)) == 10 - state["windows"]
        found = pq.read_table(folder / "choices" / "stream=t", partitioning=None)
        assert sorted(set(found.column("window").to_pylist())) == list(range(10))
        assert found.num_rows == 100
    # A file that ends behind the cursor, as after a crash between the two.
    stream.load_state_dict(states[2])
    assert sum(len(times) for times, _ in read_choices(folder, "t")) == 20
    stream.close()


def test_choices_never_stop_a_stream(folder: Path) -> None:
    (folder / "choices").write_text("in the way")
    stream = RecordStream(RecordStore(folder), "t", window=100, k=10, keep_choices=True)
    assert len(list(stream)) == 10
    stream.close()
    again = RecordStream(RecordStore(folder), "t", window=100, k=10)
    assert list(again) == []
    again.close()


def test_a_stream_that_ended_has_finished_its_last_window(folder: Path) -> None:
    stream = RecordStream(RecordStore(folder), "t", window=100, k=10)
    assert len(list(stream)) == 10
    stream.close()
    held = json.loads((folder / "cursors" / "t.json").read_text())
    assert (held["windows"], held["pending"]) == (10, None)


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["info", "tail", "compact", "export", "plot"])
def test_folders_that_hold_no_records(name: str, tmp_path: Path, folder: Path) -> None:
    more = {"export": ("--out", tmp_path / "a.csv"), "plot": ("--out", tmp_path / "a.svg")}
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "holiday.jpg").write_bytes(b"sun")
    other = tmp_path / "other"
    other.mkdir()
    (other / "layout.json").write_text('{"version": 99, "ids": "int64"}')
    for root, words in (
        (tmp_path / "nowhere", "does not exist"),
        (foreign, "holds no records"),
        (other, "has version 99"),
    ):
        done = invoke(name, root, *more.get(name, ()))
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compact", "--max-age", "yesterday"), "--max-age must be a number > 0 of seconds"),
        (("compact", "--max-age", "0d"), "got '0d'"),
        (("compact", "--max-age", "nan"), "90m, 12h, 30d, 2w"),
        (("compact", "--max-records", "-1"), "--max-records must be an integer >= 0; got -1"),
        (("compact", "--rows", "0"), "--rows must be an integer >= 1; got 0"),
        (("tail", "-n", "-1"), "--lines must be an integer >= 0; got -1"),
        (("export", "--out", "a.xlsx"), ".parquet, .csv, .jsonl"),
        (("export", "--out", "/nowhere/a.csv"), "no such folder"),
        (("export", "--out", "OUT", "--since", "soon"), "--since must be a date"),
        (("export", "--out", "OUT", "--writer", "three"), "there is one, two"),
        (("export", "--out", "OUT", "--latest", "--writer", "one"), "--latest"),
        (("plot", "--out", "a.gif"), ".svg, .png"),
        (("plot", "--out", "/nowhere/a.svg"), "no such folder"),
        (("plot", "--out", "OUT.svg", "--bins", "0"), "--bins must be an integer >= 1; got 0"),
        (("plot", "--out", "OUT.svg", "--stream", "other"), "keep_choices=True"),
    ],
)
def test_bad_usage(arguments: tuple[str, ...], words: str, folder: Path, tmp_path: Path) -> None:
    name, *more = (text.replace("OUT.svg", str(tmp_path / "a.svg")) for text in arguments)
    done = invoke(name, folder, *(text.replace("OUT", str(tmp_path / "a.csv")) for text in more))
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    done = invoke("export", folder, "--out", closed / "a.csv")
    assert done.exit_code == 2
    assert "not writable" in done.output


def test_damaged_files_are_left_out(folder: Path, tmp_path: Path) -> None:
    damaged = next((folder / "records" / "writer=one").glob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    found = json.loads(ready("info", folder, "--json").stdout)
    assert (found["records"], found["left_out"]) == (900, {"damaged": 1})
    assert "900 records written" in ready("export", folder, "--out", tmp_path / "a.csv").output
    assert ready("tail", folder).exit_code == 0


def test_without_pyarrow_the_mend_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    done = invoke("info", folder)
    assert done.exit_code == 3
    assert "subsetopt[records]" in done.output


def test_ctrl_c_leaves_no_half_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: Any, **__: Any) -> Any:
        yield from list(blocks(RecordStore(folder)))[:2]
        raise KeyboardInterrupt

    blocks = RecordStore.blocks
    monkeypatch.setattr(RecordStore, "blocks", broken_off)
    (tmp_path / "a.csv").write_text("before")
    done = invoke("export", folder, "--out", tmp_path / "a.csv")
    assert done.exit_code == 130
    assert (tmp_path / "a.csv").read_text() == "before"
    assert not list(tmp_path.glob(".a.csv*"))


def test_no_pipe_is_replaced(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    done = invoke("export", folder, "--out", tmp_path / "pipe.csv")
    assert done.exit_code == 2
    assert "not a regular file" in done.output
