"""Files of many writers merged into few: nothing is lost or doubled, whenever it is ended."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")
import pyarrow.parquet as pq

from subsetopt.errors import InvalidFile
from subsetopt.records import (
    LabelWriter,
    Layout,
    RecordStore,
    RecordStream,
    RecordWriter,
    _compaction,
    _maintenance,
    _segments,
)

from .folders import T, files, record, rows  # type: ignore[import-not-found]


def many(root: Path, writers: int = 5, segments: int = 2) -> None:
    """Record with writers that end, each for a while of its own, and with labels of two more."""
    for w in range(writers):
        record(root, f"w{w}", segments, first=100 * w, start=T + w)
    for name in ("crm", "shop"):
        with LabelWriter(root, name, durable=False) as writer:
            writer.append([1, 2], [0, 1], time=T)


def shared(root: Path, kind: str = "records") -> list[Path]:
    return sorted((root / kind / "writer=_shared").glob("*.parquet"))


def folders(root: Path, kind: str = "records") -> list[str]:
    return sorted(path.name for path in (root / kind).glob("writer=*"))


def test_few_files_hold_what_many_did(tmp_path: Path) -> None:
    many(tmp_path)
    store = RecordStore(tmp_path)
    before, info, labels = rows(store), store.info(), store.labels().lookup([1, 2, 3]).tolist()
    assert json.loads((tmp_path / "layout.json").read_text())["version"] == 1
    done = store.compact(across_writers=True)
    assert (done.files_before, done.files) == (12, 2)
    assert rows(store) == before
    assert store.labels().lookup([1, 2, 3]).tolist()[:2] == labels[:2]
    after = store.info()
    assert (after.writers, after.records, after.with_loss) == (info.writers, 40, 40)
    assert (after.first, after.last, after.labels, after.files) == (info.first, info.last, 4, 2)
    assert folders(tmp_path) == folders(tmp_path, "labels") == ["writer=_shared"]
    again = store.compact(across_writers=True)
    assert (again.files_before, again.files, again.bytes) == (2, 2, done.bytes)
    assert store.compact().files == 2  # of one writer's there are none
    assert rows(store) == before


def test_who_recorded_what_is_in_the_file_and_in_its_end(tmp_path: Path) -> None:
    many(tmp_path, 2)
    RecordStore(tmp_path).compact(across_writers=True)
    (path,) = shared(tmp_path)
    table = pq.read_table(path, partitioning=None)
    assert table.column("recorded_by").to_pylist() == ["w0"] * 8 + ["w1"] * 8
    held = table.schema.metadata
    assert json.loads(held[b"subsetopt.records"])["version"] == 2
    assert json.loads(held[b"subsetopt.records.writers"]) == [["w0", 0, 8, 8], ["w1", 0, 8, 8]]
    assert json.loads((tmp_path / "layout.json").read_text())["version"] == 2


def test_vectors_text_and_unknown_losses(tmp_path: Path) -> None:
    layout = Layout(ids="string", outputs=2, features=1)
    for w in range(3):
        with RecordWriter(tmp_path, f"w{w}", layout=layout, durable=False) as writer:
            writer.append(["a", "b"], [np.nan, w], outputs=[[w, 1]] * 2, model=f"m{w}", time=T + w)
    store = RecordStore(tmp_path)

    def read() -> list[Any]:
        found = store.blocks(["loss", "model", "outputs", "features"])
        return [
            (b.writer, b.ids, np.array(b.versions)[b.models].tolist(), str((b.losses, b.outputs)))
            for b in found
        ]

    before = read()
    store.compact(across_writers=True)
    assert read() == before
    assert store.info().with_loss == 3


def test_row_groups_and_files_end_in_the_middle_of_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(tmp_path, 6, 3)
    store = RecordStore(tmp_path)
    before = rows(store)
    monkeypatch.setattr(_compaction, "_ROWS", 5)
    store.compact(30, across_writers=True)
    assert len(shared(tmp_path)) == 3
    assert rows(store) == before
    record(tmp_path, "w1", 2, first=1000, start=T + 100)  # it goes on with its numbers
    record(tmp_path, "new", 1, first=2000, start=T + 90)
    before = rows(store)
    assert [row[1] for row in before if row[0] == "w1"] == list(range(20))
    store.compact(across_writers=True)
    assert len(shared(tmp_path)) == 1
    assert rows(store) == before
    assert max(len(block) for block in store.blocks()) <= 8


def test_a_writer_that_comes_back_knows_its_number_and_its_time(tmp_path: Path) -> None:
    many(tmp_path)
    store = RecordStore(tmp_path)
    store.compact(across_writers=True)
    store.retain(max_records=0)
    assert store.info().records == 0
    with RecordWriter(tmp_path, "w3", durable=False) as writer:
        writer.append([7], [1.0], time=T - 100)
        assert writer.counts.clock_backwards == 1
    ((name, number, _, time, *_),) = rows(store)
    assert (name, number, time) == ("w3", 8, int((T + 3 + 7) * 1e6))


def test_old_shared_files_are_dropped_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(tmp_path, 4)
    store = RecordStore(tmp_path)
    store.compact(16, across_writers=True)
    assert len(shared(tmp_path)) == 2
    assert store.retain(max_records=17).files == 0
    assert store.retain(max_records=16).records == 16
    assert store.info().records == 16
    monkeypatch.setattr(_maintenance, "now", lambda: T + 100)
    store.retain(max_age=1.0)
    assert (store.info().records, store.info().labels) == (0, 0)
    record(tmp_path, "w0", 1)
    record(tmp_path, "w1", 1)
    store.compact(across_writers=True)
    assert shared(tmp_path)[0].name.startswith("000000000000032-")  # no name comes twice


def test_writers_that_are_open_keep_their_folders(tmp_path: Path) -> None:
    many(tmp_path)
    with RecordWriter(tmp_path, "w0", durable=False) as writer:
        RecordStore(tmp_path).compact(across_writers=True)
        writer.append([1], [1.0], time=T + 50)
    assert folders(tmp_path) == ["writer=_shared", "writer=w0"]
    assert [row[1] for row in rows(RecordStore(tmp_path)) if row[0] == "w0"] == list(range(9))


def test_one_writer_alone_needs_no_shared_file(tmp_path: Path) -> None:
    record(tmp_path, "a", 3)
    RecordStore(tmp_path).compact(across_writers=True)
    assert files(tmp_path) == ["000000000000000-000000000000012.parquet"]
    assert json.loads((tmp_path / "layout.json").read_text())["version"] == 1


def test_a_damaged_file_stays_and_the_others_are_merged(tmp_path: Path) -> None:
    many(tmp_path)
    spoiled = tmp_path / "records/writer=w2/000000000000000-000000000000004.parquet"
    held = bytearray(spoiled.read_bytes())
    held[4:200] = b"x" * 196  # its end is sound
    spoiled.write_bytes(held)
    store = RecordStore(tmp_path)
    before = rows(store)
    store.compact(across_writers=True)
    assert rows(store) == before
    assert folders(tmp_path) == ["writer=_shared", "writer=w2"]
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("end", [b"", b"PAR1"])
def test_a_damaged_shared_file_is_counted(tmp_path: Path, end: bytes) -> None:
    many(tmp_path)
    store = RecordStore(tmp_path)
    store.compact(across_writers=True)
    (path,) = shared(tmp_path)
    path.write_bytes(end)
    assert rows(store) == []
    assert store.info().left_out == {"damaged": 1}
    record(tmp_path, "w0", 1)
    assert [row[1] for row in rows(store)] == [8, 9, 10, 11]


def test_notes_of_numbers_that_are_damaged_are_refused(tmp_path: Path) -> None:
    many(tmp_path)
    RecordStore(tmp_path).compact(across_writers=True)
    (tmp_path / "records/.writers.json").write_text('{"w0": 3}')
    with pytest.raises(InvalidFile, match="damaged"):
        RecordWriter(tmp_path, "w0")


class Killed(BaseException):
    """As if the process were gone: whoever cleans up after it is gone, too."""


@contextmanager
def every_step(monkeypatch: pytest.MonkeyPatch, happens: Callable[[str], None]) -> Iterator[None]:
    """Call back before each change of a folder."""
    with monkeypatch.context() as planted:
        for owner, name in (
            (Path, "replace"),
            (os, "replace"),
            (Path, "unlink"),
            (Path, "rmdir"),
            (Path, "mkdir"),
            (os, "fsync"),
        ):
            real = getattr(owner, name)

            def step(*given: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
                happens(_name)
                return _real(*given, **named)

            planted.setattr(owner, name, step)
        yield


def test_a_compaction_that_is_killed_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files of writers alone, and of a shared one and new ones."""
    record(tmp_path / "first", "w0", 1)
    record(tmp_path / "first", "w1", 2, first=100)
    copytree(tmp_path / "first", tmp_path / "later")
    RecordStore(tmp_path / "later").compact(across_writers=True)
    record(tmp_path / "later", "w1", 1, first=200)

    left = 0

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    for name in ("first", "later"):
        before = rows(RecordStore(tmp_path / name))
        for steps in range(100):
            root, left = tmp_path / f"{name}-{steps}", steps
            copytree(tmp_path / name, root)
            store = RecordStore(root)
            with every_step(monkeypatch, die), suppress(Killed):
                store.compact(across_writers=True)
            assert rows(store) == before
            with RecordWriter(root, "w1", durable=False) as writer:  # it knows what it had
                writer.append([300], [1.0], time=T + 100)
            grown = rows(store)
            (new,) = set(grown) - set(before)
            assert new[:3] == ("w1", sum(row[0] == "w1" for row in before), 300)
            assert len(grown) == len(before) + 1
            store.compact(across_writers=True)
            assert rows(store) == grown
            assert len(files(root)) == 1
            with RecordWriter(root, "w0", durable=False) as writer:
                writer.append([301], [1.0], time=T + 100)
            assert len(rows(store)) == len(grown) + 1
            assert not list((root / "records").glob("*/.*.merge"))
            if left >= 0:
                break
        assert 10 < steps < 99


def test_who_reads_while_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tmp_path, 6)
    store = RecordStore(tmp_path)
    before = rows(store)
    stream = RecordStream(store, "trainer", window=2, k=1)
    windows = iter(stream)
    had = [next(windows).ids.tolist()]
    seen = 0

    def read(_: str) -> None:
        nonlocal seen
        seen += 1
        if reading:
            return
        reading.append(True)
        assert rows(store) == before
        if seen % 2 and (window := next(windows, None)) is not None:
            had.append(window.ids.tolist())
        reading.clear()

    reading: list[bool] = []
    with every_step(monkeypatch, read):
        store.compact(across_writers=True)
    assert seen > 10
    had += [window.ids.tolist() for window in windows]
    in_order = [row[2] for row in sorted(before, key=lambda row: (row[3], row[0]))]
    assert [one for window in had for one in window] == in_order
    assert stream.cursor.lost == 0


@pytest.mark.parametrize("step", ["folders", "shared"])
def test_a_merge_while_the_folder_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    many(tmp_path)
    store = RecordStore(tmp_path)
    before = rows(store)
    real = getattr(_segments, step)

    def late(*given: Any) -> Any:
        monkeypatch.setattr(_segments, step, real)
        store.compact(across_writers=True)
        return real(*given)

    monkeypatch.setattr(_segments, step, late)
    assert rows(store) == before
    assert folders(tmp_path) == ["writer=_shared"]


def test_streams_go_on_in_the_same_order(tmp_path: Path) -> None:
    many(tmp_path / "a", 6)
    many(tmp_path / "b", 6)
    had = {}
    for name in "ab":
        store = RecordStore(tmp_path / name)
        stream = RecordStream(store, "trainer", window=7, k=2)
        windows = iter(stream)
        had[name] = [next(windows).ids.tolist() for _ in range(3)]
        windows.close()  # type: ignore[attr-defined]
        stream.close()
        if name == "b":
            store.compact(20, across_writers=True)
        stream = RecordStream(store, "trainer", window=7, k=2)
        assert stream.backlog == 48 - 14  # the third is at hand
        had[name] += [window.ids.tolist() for window in stream]
        stream.close()
    assert had["a"] == had["b"]


def test_writers_start_while_folders_go(tmp_path: Path) -> None:
    many(tmp_path)
    store, errors = RecordStore(tmp_path), []

    def write() -> None:
        try:
            for p in range(12):
                with RecordWriter(tmp_path, "w0", durable=False) as writer:
                    writer.append([1000 + p], [1.0], time=T + 100 + p)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while thread.is_alive():
        store.compact(across_writers=True)
    thread.join()
    assert not errors
    store.compact(across_writers=True)
    own = [row[1:3] for row in rows(store) if row[0] == "w0"]
    assert [number for number, _ in own] == list(range(20))
    assert [key for _, key in own[8:]] == [1000 + p for p in range(12)]
    assert folders(tmp_path) == ["writer=_shared"]
