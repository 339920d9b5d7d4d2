"""Readers: what is no segment is left out and counted, and nothing is lost or comes twice."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.records import LatestLosses, Layout, RecordStore, RecordWriter  # noqa: E402
from subsetopt.records import _segments as on_disk  # noqa: E402
from subsetopt.records import _writer_state as on_disk_times  # noqa: E402
from subsetopt.records._segment_files import Skipped  # noqa: E402
from subsetopt.records._segments import file_of, folder_of  # noqa: E402

from .folders import (  # type: ignore[import-not-found]  # noqa: E402
    T,
    files,
    record,
    rows,
)


def of(root: Path) -> Path:
    return folder_of(root, "records", "a")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[4:120] = bytes(116)  # the pages; the end of the file is sound
    path.write_bytes(held)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_other_parquet(path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2]}), path)


def replaced_by_another_layout(path: Path) -> None:
    table = pa.table({"id": [1]}).replace_schema_metadata(Layout(features=9).records().metadata)
    pq.write_table(table, path)


def replaced_by_another_version(path: Path) -> None:
    text = Layout().to_json().replace('"version": 1', '"version": 7')
    pq.write_table(pa.table({"id": [1]}, metadata={"subsetopt.records": text}), path)


def replaced_by_other_columns(path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}, metadata=Layout().records().metadata), path)


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (truncated, "damaged"),
    (cut_short, "damaged"),
    (emptied, "damaged"),
    (garbled, "damaged"),
    (made_a_folder, "damaged"),
    (replaced_by_other_parquet, "foreign"),
    (replaced_by_another_layout, "another layout"),
    (replaced_by_another_version, "another version"),
    (replaced_by_other_columns, "damaged"),
]


@pytest.mark.parametrize(("spoil", "why"), DAMAGE)
def test_a_spoiled_file_is_left_out_and_counted(
    tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    root = tmp_path / "one version of many"
    ids = record(root, "a", 3)
    store = RecordStore(root)
    losses = LatestLosses(store)
    spoil(file_of(of(root), 4, 8))
    skipped = Skipped()
    found = [int(key) for block in store.blocks(skipped=skipped) for key in block.ids]
    assert found == ids[:4] + ids[8:]
    assert skipped == {why: 1}
    list(store.blocks(skipped=skipped))
    assert skipped == {why: 1}  # the same one
    losses.refresh()
    losses.refresh()
    assert losses.skipped == {why: 1}
    assert losses.lookup(ids).known.tolist() == [True] * 4 + [False] * 4 + [True] * 4


@pytest.mark.parametrize(("spoil", "why"), DAMAGE)
def test_a_spoiled_last_file(tmp_path: Path, spoil: Callable[[Path], None], why: str) -> None:
    ids = record(tmp_path, "a", 2)
    losses = LatestLosses(RecordStore(tmp_path))
    spoil(file_of(of(tmp_path), 4, 8))
    losses.refresh()
    record(tmp_path, "a", 1, first=100)
    losses.refresh()
    losses.refresh()
    known = losses.lookup([*ids, 100]).known
    assert known.tolist() == [True] * 4 + [False] * 4 + [True]
    assert losses.skipped == {why: 1}


def test_files_of_others_are_counted_by_their_names(tmp_path: Path) -> None:
    ids = record(tmp_path, "a", 2)
    for name in ("notes.txt", "1-2.parquet", "000000000000009-000000000000003.parquet"):
        (of(tmp_path) / name).write_bytes(b"PAR1")
    (of(tmp_path) / "folder").mkdir()
    (of(tmp_path) / ".000000000000008-000000000000012.parquet.77.part").write_bytes(b"PAR1")
    (of(tmp_path) / ".hidden").write_bytes(b"")
    (tmp_path / "records" / "README").write_text("by hand")
    (tmp_path / "README").write_text("by hand")
    store = RecordStore(tmp_path)
    assert store.info().left_out == {"foreign": 4}
    assert store.info().records == 8
    skipped = Skipped()
    assert sum(len(block) for block in store.blocks(skipped=skipped)) == len(ids)
    assert skipped == {"foreign": 4}


def test_a_merge_that_was_killed_counts_nothing_twice(tmp_path: Path) -> None:
    record(tmp_path, "a", 4)
    shutil.copytree(tmp_path, tmp_path / "before")
    store = RecordStore(tmp_path)
    wanted = rows(store)
    store.compact()
    for path in (tmp_path / "before" / "records").glob("*/*.parquet"):
        shutil.copy(path, of(tmp_path) / path.name)
    assert len(files(tmp_path)) == 5
    assert rows(store) == wanted
    assert store.info().records == 16
    for more in (RecordStore.compact, lambda one: one.retain(max_records=16)):
        parts = (tmp_path / "before" / "records").glob("*/*.parquet")
        shutil.copy(min(parts), of(tmp_path))
        more(store)
        assert files(tmp_path) == ["000000000000000-000000000000016.parquet"]
        assert rows(store) == wanted


def test_parts_outlive_a_merged_file_that_is_damaged(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    emptied(file_of(of(tmp_path), 0, 100))
    RecordStore(tmp_path).compact()
    assert len(files(tmp_path)) == 3


def test_compaction_during_an_iteration(tmp_path: Path) -> None:
    for name in "ab":
        record(tmp_path, name, 6)
    store = RecordStore(tmp_path)
    wanted = rows(store)
    for after in range(12):
        shutil.rmtree(tmp_path / "c", ignore_errors=True)
        shutil.copytree(tmp_path, tmp_path / "c", ignore=shutil.ignore_patterns("c"))
        other, found = RecordStore(tmp_path / "c"), []
        for count, block in enumerate(other.blocks()):
            if count == after:
                other.compact(rows=[8, 100][after % 2])
            found += [(block.writer, int(number)) for number in block.sequence]
        assert found == [row[:2] for row in wanted]


def test_retention_during_an_iteration(tmp_path: Path) -> None:
    record(tmp_path, "a", 6)
    store = RecordStore(tmp_path)
    found: list[int] = []
    for block in store.blocks():
        if not found:
            store.retain(max_records=8)
        found += block.sequence.tolist()
    assert found == [*range(4), *range(16, 24)]


def test_writing_during_an_iteration(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    store, reached = RecordStore(tmp_path), {"a": 0}
    for block in store.blocks():
        if not reached["a"]:
            record(tmp_path, "a", 1)
        reached["a"] = int(block.sequence[-1]) + 1
    assert reached == {"a": 8}  # what was there at the beginning
    assert [len(block) for block in store.blocks(after=reached)] == [4]
    assert list(store.blocks(after={"a": 12})) == []
    assert [block.sequence.tolist() for block in store.blocks(after={"a": 10})] == [[10, 11]]


def test_a_list_that_is_torn_by_a_merge_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, "a", 3)
    store = RecordStore(tmp_path)
    scanning = os.scandir
    looks: list[Any] = []

    class Torn:
        """Lists neither what has been merged nor, as it came too late, the merged one."""

        def __init__(self, path: Any) -> None:
            self.entries = scanning(path)
            self.torn = "writer=" in str(path) and not looks
            if self.torn:
                looks.append(path)

        def __enter__(self) -> Any:
            listed = list(self.entries.__enter__())
            return listed[:1] if self.torn else listed

        def __exit__(self, *what: Any) -> None:
            self.entries.__exit__(*what)

    monkeypatch.setattr("os.scandir", Torn)
    assert len(on_disk.segments(tmp_path)) == 3
    assert looks
    monkeypatch.undo()
    assert store.info().records == 12


def test_a_lack_of_handles_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, "a", 1)
    store = RecordStore(tmp_path)
    losses = LatestLosses(store)

    def scarce(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as planted:
        planted.setattr(pq, "ParquetFile", scarce)
        with pytest.raises(OSError, match="Too many"):
            losses.refresh()
    losses.refresh()
    assert losses.lookup([0, 1]).known.all()
    assert not losses.skipped


def test_the_latest_rows(tmp_path: Path) -> None:
    store = RecordStore(_opened(tmp_path))
    assert store.tail() is None
    record(tmp_path, "a", 3, first=0, start=T, step=2.0)
    record(tmp_path, "b", 3, first=100, start=T + 1, step=2.0)
    block = store.tail(5)
    assert block is not None
    assert np.asarray(block.ids).tolist() == [109, 10, 110, 11, 111]
    assert block.models is not None
    assert [block.versions[code] for code in block.models] == ["v2"] * 5
    more = store.tail(1000)
    assert more is not None
    assert len(more) == 24
    with pytest.raises(InvalidOption, match="count"):
        store.tail(0)


def _opened(root: Path) -> Path:
    RecordWriter(root, "a").close()
    return root


def test_what_a_folder_holds(tmp_path: Path) -> None:
    store = RecordStore(_opened(tmp_path))
    info = store.info()
    assert (info.records, info.files, info.first, info.last, info.writers) == (0, 0, None, None, {})
    record(tmp_path, "a", 2, start=T + 0.123457)
    record(tmp_path, "b", 1, start=T - 5)
    info = store.info()
    assert (info.records, info.labels, info.files, info.with_loss) == (12, 0, 3, 12)
    assert info.writers == {"a": 8, "b": 4}
    assert (info.first, info.last) == (T - 5, T + 7.123457)
    assert info.bytes == sum(p.stat().st_size for p in tmp_path.glob("records/*/*.parquet"))


def test_ends_of_files_that_state_no_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, "a", 1, 4)
    record(tmp_path, "b", 1, 6, start=T + 100)
    genuine = on_disk_times._times

    def stated(file: Any) -> Any:
        if file.metadata.num_rows == 6:  # as pyarrow does where a bit of a time is wrong
            raise OverflowError("date value out of range")
        return genuine(file)

    monkeypatch.setattr(on_disk_times, "_times", stated)
    store = RecordStore(tmp_path)
    info = store.info()
    assert (info.records, info.last, info.left_out) == (10, T + 3, {"damaged": 1})
    assert store.retain(max_records=0).records == 4  # what may be the newest is kept
    assert len(rows(RecordStore(tmp_path))) == 6
