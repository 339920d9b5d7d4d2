"""Merging and dropping: what is read stays the same, or is what was asked to be kept."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.errors import InvalidOption
from subsetopt.records import (
    LabelWriter,
    Layout,
    RecordStore,
    RecordWriter,
    _compaction,
    _maintenance,
)
from subsetopt.records import _segments as on_disk
from subsetopt.records._segments import file_of, folder_of

from .folders import T, ended, files, record, rows, started  # type: ignore[import-not-found]


def names(root: Path, kind: str = "records") -> list[tuple[int, int]]:
    parts = (name.removesuffix(".parquet").split("-") for name in files(root, kind))
    return [(int(start), int(stop)) for start, stop in parts]


def label(root: Path, segments: int, start: float = T) -> None:
    with LabelWriter(root, "crm", durable=False) as writer:
        for p in range(segments):
            writer.append([2 * p, 2 * p + 1], [p % 3, p % 2], time=start + p)
            writer.flush()


def test_a_compaction_changes_nothing_that_is_read(tmp_path: Path) -> None:
    record(tmp_path, "a", 5)
    record(tmp_path, "b", 1, first=100)
    label(tmp_path, 4)
    store = RecordStore(tmp_path)
    before, labels = rows(store), store.labels().lookup(np.arange(8)).tolist()
    first = store.info().first
    done = store.compact()
    assert (done.files_before, done.files) == (10, 3)
    assert 0 < done.bytes < done.bytes_before
    assert rows(store) == before
    assert store.info().first == first
    assert store.labels().lookup(np.arange(8)).tolist() == labels
    again = store.compact()
    assert (again.files_before, again.files, again.bytes) == (3, 3, done.bytes)


def test_vectors_and_gaps_in_them_survive_a_compaction(tmp_path: Path) -> None:
    layout = Layout(ids="string", outputs=2, features=1)
    with RecordWriter(tmp_path, "a", layout=layout) as writer:
        for p in range(6):
            outputs = [[p, -p]] if p % 2 else None
            features = [[p]] if p % 3 else None
            writer.append([f"{p}"], outputs=outputs, features=features, model=f"m{p % 2}")
            writer.flush()
    store = RecordStore(tmp_path)
    store.compact()
    assert names(tmp_path) == [(0, 6)]
    (block,) = store.blocks(["outputs", "features", "model"])
    assert block.outputs is not None
    assert block.features is not None
    assert block.models is not None
    assert np.isnan(block.outputs[::2]).all()
    assert block.outputs[1::2].tolist() == [[1, -1], [3, -3], [5, -5]]
    assert np.isnan(block.features[::3]).all()
    assert [block.versions[code] for code in block.models] == ["m0", "m1"] * 3
    assert block.ids == list("012345")


def test_a_merged_file_has_so_many_rows_at_most(tmp_path: Path) -> None:
    record(tmp_path, "a", 7)
    store = RecordStore(tmp_path)
    store.compact(rows=3)
    assert len(names(tmp_path)) == 7
    store.compact(rows=8)
    assert names(tmp_path) == [(0, 8), (8, 16), (16, 24), (24, 28)]
    for count in (0, 1.5, None):
        with pytest.raises(InvalidOption, match="rows"):
            store.compact(rows=count)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1")])
def test_nothing_is_merged_across_a_gap(tmp_path: Path, damage: Any) -> None:
    record(tmp_path, "a", 5)
    damage(file_of(folder_of(tmp_path, "records", "a"), 8, 12))
    store = RecordStore(tmp_path)
    before = rows(store)
    store.compact()
    assert [one for one in names(tmp_path) if one != (8, 12)] == [(0, 8), (12, 20)]
    assert rows(store) == before


def test_dropping_by_number_keeps_more_not_less(tmp_path: Path) -> None:
    record(tmp_path, "a", 3, start=T)
    record(tmp_path, "b", 3, start=T + 2)
    label(tmp_path, 1)
    store = RecordStore(tmp_path)
    assert store.retain(max_records=24).files == 0
    assert store.retain().files == 0
    dropped = store.retain(max_records=13)
    assert (dropped.files, dropped.records) == (2, 8)
    assert dropped.bytes > 0
    assert store.info().writers == {"a": 8, "b": 8}
    store.retain(max_records=0)
    assert store.info().records == 0
    assert store.info().labels == 2


def test_dropping_by_age_keeps_more_not_less(tmp_path: Path, monkeypatch: Any) -> None:
    record(tmp_path, "a", 3)  # times T .. T + 11
    label(tmp_path, 6)  # T .. T + 5
    monkeypatch.setattr(_maintenance, "now", lambda: T + 100)
    store = RecordStore(tmp_path)
    assert store.retain(max_age=97.0).records == 2 * 3
    assert names(tmp_path) == [(0, 4), (4, 8), (8, 12)]  # the last of the first is young enough
    assert names(tmp_path, "labels") == [(6, 8), (8, 10), (10, 12)]
    store.retain(max_age=96.0)
    assert names(tmp_path) == [(4, 8), (8, 12)]
    store.retain(max_age=1.0)
    assert names(tmp_path) == names(tmp_path, "labels") == []


def test_a_writer_whose_files_were_dropped_knows_its_number_and_its_time(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    store = RecordStore(tmp_path)
    store.retain(max_records=0)
    with RecordWriter(tmp_path, "a", durable=False) as writer:
        writer.append([7], [1.0], time=T - 100)
        assert writer.counts.clock_backwards == 1
    assert [row[1:4] for row in rows(store)] == [(8, 7, int((T + 7) * 1e6))]


@pytest.mark.parametrize("options", [{"max_age": 0}, {"max_age": -1.0}, {"max_records": -1}])
def test_limits_outside_their_domain(tmp_path: Path, options: Any) -> None:
    record(tmp_path, "a", 1)
    with pytest.raises(InvalidOption, match=next(iter(options))):
        RecordStore(tmp_path).retain(**options)
    assert len(names(tmp_path)) == 1


HOLDING = """
import sys, time
from pathlib import Path
from subsetopt.records._maintenance import _alone
lock = _alone(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_one_process_at_a_time_maintains(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    store = RecordStore(tmp_path)
    process = started(HOLDING, tmp_path)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        for maintain in (store.compact, lambda: store.retain(max_records=0)):
            with pytest.raises(InvalidOption, match="another process compacts"):
                maintain()
    finally:
        ended(process)
    assert store.compact().files == 1


def test_maintenance_beside_a_writer(tmp_path: Path) -> None:
    stop, errors = threading.Event(), []
    with RecordWriter(tmp_path, "a", durable=False) as writer:
        store = RecordStore(tmp_path)

        def maintain() -> None:
            try:
                while not stop.is_set():
                    store.compact(rows=64)
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=maintain)
        thread.start()
        try:
            for p in range(60):
                writer.append([2 * p, 2 * p + 1], [1.0, 2.0])
                writer.flush()
                assert sum(len(block) for block in store.blocks()) == 2 * p + 2
        finally:
            stop.set()
            thread.join()
    assert not errors
    assert [row[1:3] for row in rows(store)] == [(p, p) for p in range(120)]


def test_a_writer_that_starts_leaves_a_merge_alone(tmp_path: Path, monkeypatch: Any) -> None:
    record(tmp_path, "a", 3)
    fsync = os.fsync
    begun: list[int] = []

    def late(handle: int) -> None:
        if not begun:
            begun.append(handle)
            RecordWriter(tmp_path, "a").close()
        fsync(handle)

    monkeypatch.setattr("os.fsync", late)
    RecordStore(tmp_path).compact()
    assert begun
    assert names(tmp_path) == [(0, 12)]


def test_a_merge_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    begun = folder_of(tmp_path, "records", "a") / ".000-008.parquet.77.merge"
    begun.write_bytes(b"half")
    RecordStore(tmp_path).compact()
    assert not begun.exists()


def test_a_compaction_that_fails_loses_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    record(tmp_path, "a", 3)
    before = rows(RecordStore(tmp_path))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as planted:
        planted.setattr(_compaction, "write", full)
        with pytest.raises(OSError, match="No space"):
            RecordStore(tmp_path).compact()
    assert rows(RecordStore(tmp_path)) == before
    assert RecordStore(tmp_path).compact().files == 1  # nobody holds the lock


def test_times_do_not_depend_on_where_one_is(tmp_path: Path, monkeypatch: Any) -> None:
    record(tmp_path, "a", 1)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert RecordStore(tmp_path).info().first == T
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_segment_that_is_written_meanwhile_is_not_taken_for_merged(
    tmp_path: Path, monkeypatch: Any
) -> None:
    record(tmp_path, "a", 2)
    listing, left = on_disk.listed, 3

    def late(*arguments: Any) -> list[Any]:
        nonlocal left
        found = list(listing(*arguments))
        if left:
            left -= 1
            record(tmp_path, "a", 1)
        return found

    monkeypatch.setattr(on_disk, "listed", late)
    assert on_disk.superseded(tmp_path, "records") == []
    RecordStore(tmp_path).compact()
    assert not left
    assert [row[1] for row in rows(RecordStore(tmp_path))] == list(range(20))


def test_merged_files_are_written_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_compaction, "_ROWS", 50)
    with RecordWriter(tmp_path, "a") as writer:
        for batch in range(10):
            writer.append(range(20 * batch, 20 * batch + 20), [1.0] * 20, model=f"v{batch}")
            writer.flush()
    store = RecordStore(tmp_path)

    def versions() -> list[str]:
        return [one for block in store.blocks() for one in np.array(block.versions)[block.models]]

    before = versions()
    store.compact()
    found = list(store.blocks())
    assert [len(block) for block in found] == [60, 60, 60, 20]
    assert versions() == before
    assert [one for block in found for one in block.ids.tolist()] == list(range(200))
