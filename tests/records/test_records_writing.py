"""Writers: what comes back, what is refused, what is kept when writing fails."""

import errno
import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.records import LabelWriter, Layout, RecordStore, RecordWriter, _appending

from .folders import T, ended, files, ran, record, rows, started, until  # type: ignore[import-not-found]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Let nothing be written as long as the list holds True."""
    full = [True]
    writing: Any = getattr(_appending, "write")  # noqa: B009

    def write(*arguments: Any, **options: Any) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        writing(*arguments, **options)

    monkeypatch.setattr(_appending, "write", write)
    monkeypatch.setattr(_appending, "_WAIT", 0.01)
    yield full
    full[0] = False


# -- what comes back -------------------------------------------------------------------------------


def test_batches_come_back_as_they_were_written(tmp_path: Path) -> None:
    outputs = np.log(np.array([[0.25, 0.75], [0.5, 0.5]], np.float32))
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=2, features=3)) as writer:
        assert writer.append([7, -9], [0.5, 2.0], model="v1", time=T) == 2
        assert writer.append(np.array([7, 8], np.uint8), outputs=outputs, time=[T + 1, T + 2]) == 2
        features = np.arange(3).reshape(1, 3)
        assert writer.append([2**63 - 1], features=features, model="v0", time=T + 3.5) == 1
        assert writer.append([], []) == 0
    store = RecordStore(tmp_path)
    assert rows(store) == [
        ("a", 0, 7, 1_700_000_000_000_000, 0.5, "v1"),
        ("a", 1, -9, 1_700_000_000_000_000, 2.0, "v1"),
        ("a", 2, 7, 1_700_000_001_000_000, None, ""),
        ("a", 3, 8, 1_700_000_002_000_000, None, ""),
        ("a", 4, 2**63 - 1, 1_700_000_003_500_000, None, "v0"),
    ]
    (block,) = store.blocks(["outputs", "features"])
    assert block.outputs is not None
    assert block.features is not None
    assert np.array_equal(block.outputs[2:4], outputs)
    assert np.isnan(block.outputs[[0, 1, 4]]).all()
    assert block.features[4].tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(block.features[:4]).all()
    assert block.losses is None
    with pytest.raises(InvalidOption, match="no column 'colour'"):
        store.blocks(["colour"])


def test_ids_may_be_strings(tmp_path: Path) -> None:
    names = ["a", "übung", "x" * 500, "", "ends in zero\0"]
    with RecordWriter(tmp_path, "a", layout=Layout(ids="string")) as writer:
        writer.append(names, np.arange(5.0))
        writer.append(np.array(["b", "c"]), [5.0, 6.0])
        writer.append(np.array(["d"], object), [7.0])
        writer.append([])
    store = RecordStore(tmp_path)
    wanted = [*names, "b", "c", "d"]
    assert [row[2] for row in rows(store)] == wanted
    assert store.latest(wanted).losses.tolist() == list(range(8))


def test_unknown_losses_and_infinite_ones(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1, 2, 3, 4], [np.inf, np.nan, 1e300, 0.25])
        writer.append([5])
        assert writer.counts.not_finite == 3
    assert [row[4] for row in rows(RecordStore(tmp_path))] == [None, None, None, 0.25, None]
    assert RecordStore(tmp_path).info().with_loss == 1


def test_no_probability_is_finite_enough_and_no_number_is_not(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=2, features=1)) as writer:
        writer.append([1, 2], outputs=[[-np.inf, 0.0], [np.nan, 0.0]], features=[[np.inf], [1.0]])
        assert writer.counts.not_finite == 2
    (block,) = RecordStore(tmp_path).blocks(["outputs"])
    assert block.outputs is not None
    assert np.array_equal(block.outputs, [[-np.inf, 0.0], [np.nan, 0.0]], equal_nan=True)


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (5, [5_000_000] * 2),
        (5.25, [5_250_000] * 2),
        ([5, 6], [5_000_000, 6_000_000]),
        (np.array([1_700_000_000] * 2, np.int32), [1_700_000_000_000_000] * 2),
        (np.array([1_700_000_000] * 2, np.uint64), [1_700_000_000_000_000] * 2),
        (np.datetime64("2023-11-14T22:13:20.000007"), [1_700_000_000_000_007] * 2),
        (np.array(["1970-01-01", "1970-01-02"], "M8[D]"), [0, 86_400_000_000]),
        (np.array([7_000, 8_999], "M8[ns]"), [7, 8]),
        (-5.0, [0, 0]),
    ],
)
def test_times(tmp_path: Path, time: Any, wanted: list[int]) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1, 2], time=time)
    assert [row[3] for row in rows(RecordStore(tmp_path))] == wanted
    info = RecordStore(tmp_path).info()
    assert (info.first, info.last) == (wanted[0] / 1e6, wanted[1] / 1e6)


def test_the_time_without_one_is_now(tmp_path: Path) -> None:
    from time import time

    before = time()
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1])
        assert writer.counts.clock_backwards == 0
    assert int(before * 1e6) <= rows(RecordStore(tmp_path))[0][3] <= time() * 1e6


def test_a_clock_that_goes_backwards_stands_still(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1, 2, 3, 4], time=[3.0, 2.0, 4.0, 3.5])
        writer.append([5], time=1.0)
        writer.append([6], time=[9.0])
        assert writer.counts.clock_backwards == 3
    times = [row[3] for row in rows(RecordStore(tmp_path))]
    assert times == [3_000_000, 3_000_000, 4_000_000, 4_000_000, 4_000_000, 9_000_000]


# -- what is refused -------------------------------------------------------------------------------

REFUSED: Any = [
    (([1.5],), {}, "dtype float64"),
    (([[1]],), {}, r"shape \(1, 1\)"),
    ((["a"],), {}, "dtype <U1"),
    (([True],), {}, "dtype bool"),
    (([2**63],), {}, "int64 does not hold"),
    ((3,), {}, r"shape \(\)"),
    (([1, 2], [0.5]), {}, r"losses must .*got \(1,\)"),
    (([1], ["high"]), {}, "losses must be floats"),
    (([1],), {"outputs": [[1.0, 2.0]]}, r"outputs must .*got \(1, 2\)"),
    (([1],), {"outputs": [1.0, 2.0, 3.0]}, r"outputs must .*got \(3,\)"),
    (([1],), {"features": [[1.0]]}, "stores no features"),
    (([1],), {"time": "noon"}, "seconds since 1970"),
    (([1],), {"time": [1.0, 2.0]}, r"got \(2,\)"),
    (([1],), {"time": np.nan}, "must be finite"),
    (([1],), {"time": np.datetime64("NaT")}, "must be finite"),
    (([1],), {"time": 1_700_000_000_000}, "year 10000"),  # milliseconds
    (([1],), {"model": "\ud800"}, "model is not text"),
]


@pytest.mark.parametrize(("arguments", "options", "complaint"), REFUSED)
def test_records_that_are_refused(
    tmp_path: Path, arguments: Any, options: Any, complaint: str
) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=3)) as writer:
        with pytest.raises(InvalidProblem, match=complaint):
            writer.append(*arguments, **options)
        writer.append([1], [1.0])
        assert writer.counts.appended == 1


@pytest.mark.parametrize("ids", [[1], ["a", 1], ["a", None], [b"a"], "abc", [["a"]], ["\ud800"]])
def test_strings_that_are_refused(tmp_path: Path, ids: Any) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(ids="string")) as writer:
        with pytest.raises(InvalidProblem, match="ids are no"):
            writer.append(ids)
        writer.append(["fine"])
    assert RecordStore(tmp_path).info().records == 1


@pytest.mark.parametrize(
    "labels",
    [
        [1.0, 2.0],
        [np.nan],
        [np.inf],
        [[1.0]],
        ["cat"],
        ["1"],
        [None],
        [1j],
        [10**400],
        ["2020-01-01"],
    ],
)
@pytest.mark.parametrize("dtype", [None, object])
def test_labels_that_are_refused(tmp_path: Path, labels: Any, dtype: Any) -> None:
    given = np.array(labels, "M8[D]" if labels == ["2020-01-01"] else dtype)
    with LabelWriter(tmp_path, "a") as writer:
        with pytest.raises(InvalidProblem, match="labels"):
            writer.append([1], given)
        assert writer.append([], []) == 0
    assert RecordStore(tmp_path).info().labels == 0


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "a/b"},
        {"name": ".a"},
        {"name": "a=b"},
        {"name": "x" * 101},
        {"name": 3},
        {"flush_records": 0},
        {"flush_records": 1.5},
        {"flush_seconds": 0},
        {"flush_seconds": float("nan")},
        {"full": "explode"},
    ],
)
def test_options_of_writers(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        RecordWriter(**{"root": tmp_path / "r", "name": "a", **options})
    assert not (tmp_path / "r").exists()


# -- names and numbers -----------------------------------------------------------------------------


def test_two_writers_have_two_names(tmp_path: Path) -> None:
    first = RecordWriter(tmp_path, "a")
    with pytest.raises(InvalidOption, match=r"writer 'a' of .* is open already"):
        RecordWriter(tmp_path, "a")
    LabelWriter(tmp_path, "a").close()  # of labels, which is another one
    RecordWriter(tmp_path, "b").close()
    first.close()
    first.close()
    RecordWriter(tmp_path, "a").close()


OPEN = """
import sys, time
from subsetopt.records import RecordWriter
writer = RecordWriter(sys.argv[1], "a", flush_seconds=1000.0)
writer.append([1], [1.0])
writer.flush()
writer.append([2], [2.0])
print("open", flush=True)
time.sleep(60)
"""


def test_a_name_is_free_when_its_process_has_been_killed(tmp_path: Path) -> None:
    process = started(OPEN, tmp_path)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(InvalidOption, match="open already"):
            RecordWriter(tmp_path, "a")
    finally:
        ended(process)
    (tmp_path / "records" / "writer=a" / ".000-001.parquet.1.part").write_bytes(b"half")
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([3], [3.0])
    assert [row[1:3] for row in rows(RecordStore(tmp_path))] == [(0, 1), (1, 3)]
    assert not list(tmp_path.glob("records/*/.*.part"))


def test_numbers_go_on_whatever_has_been_dropped(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    record(tmp_path, "a", 1)
    store = RecordStore(tmp_path)
    assert [row[1] for row in rows(store)] == list(range(12))
    assert store.retain(max_records=0).records == 12
    assert files(tmp_path) == []
    record(tmp_path, "a", 1)
    assert [row[1] for row in rows(store)] == [12, 13, 14, 15]


def test_files_of_others_do_not_disturb_a_writer(tmp_path: Path) -> None:
    record(tmp_path, "a", 1)
    for name in ("2024-01-02.parquet", "1-2x.parquet", "notes.txt"):
        (tmp_path / "records" / "writer=a" / name).write_text("")
    record(tmp_path, "a", 1)
    assert [row[1] for row in rows(RecordStore(tmp_path))] == list(range(8))


# -- when it is written ----------------------------------------------------------------------------


def test_a_segment_is_written_once_enough_wait(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", flush_records=10, flush_seconds=1000.0) as writer:
        writer.append(np.arange(9))
        assert files(tmp_path) == []
        writer.append(np.arange(5))
        until(lambda: writer.counts.written == 14)
        assert RecordStore(tmp_path).info().records == 14


def test_a_segment_is_written_once_the_first_record_is_old(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", flush_seconds=0.05) as writer:
        writer.append([1])
        until(lambda: writer.counts.written == 1)
        writer.append([2])
        until(lambda: writer.counts.written == 2)
    with LabelWriter(tmp_path, "a", flush_seconds=0.05) as labels:
        labels.append([1], [2])
        until(lambda: labels.counts.written == 1)


def test_threads_share_a_writer(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", flush_records=50, durable=False) as writer:

        def work(first: int) -> None:
            for p in range(100):
                writer.append([first + p], [1.0])

        threads = [threading.Thread(target=work, args=(1000 * t,)) for t in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert writer.counts.appended == 400
        assert writer.counts.clock_backwards == 0
    found = rows(RecordStore(tmp_path))
    assert [row[1] for row in found] == list(range(400))
    wanted = [1000 * t + p for t in range(4) for p in range(100)]
    assert sorted(row[2] for row in found) == wanted


# -- when it cannot be written ---------------------------------------------------------------------


def test_what_cannot_be_written_is_kept_and_tried_again(
    tmp_path: Path, full_disk: list[bool]
) -> None:
    with RecordWriter(tmp_path, "a", flush_records=2, flush_seconds=0.01) as writer:
        writer.append([1, 2, 3], time=T)
        until(lambda: writer.counts.failures >= 3)
        with pytest.raises(OSError, match="No space left"):
            writer.flush()
        writer.append([4], time=T)
        assert writer.counts.written == 0
        assert "No space left" in writer.counts.last_error
        full_disk[0] = False
        until(lambda: writer.counts.written == 4)
        assert writer.counts.dropped == 0
    assert [row[1:3] for row in rows(RecordStore(tmp_path))] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_other_failures_lose_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RecordWriter(tmp_path, "a") as writer, monkeypatch.context() as planted:
        writer.append([1])

        def scarce(*_: object) -> None:
            raise MemoryError

        planted.setattr(writer, "_table", scarce)
        with pytest.raises(MemoryError):
            writer.flush()
        assert writer.counts.failures == 1
    assert RecordStore(tmp_path).info().records == 1


def test_a_failure_goes_on_for_days(
    tmp_path: Path, full_disk: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_appending, "_LONGEST", 1e-9)
    with RecordWriter(tmp_path, "a", flush_records=1) as writer:
        writer.append([1])
        until(lambda: writer.counts.failures > 1100)  # 2.0 ** 1024 is no number
        full_disk[0] = False
        until(lambda: writer.counts.written == 1)


def test_a_full_buffer_drops(tmp_path: Path, full_disk: list[bool]) -> None:
    with RecordWriter(tmp_path, "a", flush_records=2, full="drop") as writer:
        taken = [writer.append([p, p]) for p in range(20)]
        assert taken == [2] * 16 + [0] * 4
        assert writer.counts.dropped == 8
        assert writer.counts.appended == 32
        full_disk[0] = False
    assert RecordStore(tmp_path).info().records == 32


def test_a_full_buffer_lets_the_caller_wait(tmp_path: Path, full_disk: list[bool]) -> None:
    with RecordWriter(tmp_path, "a", flush_records=1) as writer:
        for p in range(16):
            writer.append([p])
        waiting = threading.Thread(target=writer.append, args=([16],))
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        full_disk[0] = False
        waiting.join(30.0)
        assert not waiting.is_alive()
    assert RecordStore(tmp_path).info().records == 17


def test_what_cannot_be_written_at_the_end_is_lost_and_counted(
    tmp_path: Path, full_disk: list[bool]
) -> None:
    writer = RecordWriter(tmp_path, "a")
    writer.append([1, 2])
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert writer.counts.dropped == 2
    writer.close()
    full_disk[0] = False
    RecordWriter(tmp_path, "a").close()  # the name is free
    assert RecordStore(tmp_path).info().records == 0


def test_nothing_half_is_left_by_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1])
        with monkeypatch.context() as planted:
            planted.setattr("os.fsync", fails)
            with pytest.raises(OSError, match="broken"):
                writer.flush()
        left = [path.name for path in (tmp_path / "records" / "writer=a").iterdir()]
        assert left in ([], [".lock"])


# -- the end ---------------------------------------------------------------------------------------


def test_a_closed_writer_takes_nothing(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path, "a")
    writer.close()
    for use in (lambda: writer.append([1]), writer.flush):
        with pytest.raises(InvalidOption, match="has been closed"):
            use()


def test_a_writer_that_closes_meanwhile_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RecordWriter(tmp_path, "a")
    checking = writer._require_open

    def checked() -> None:
        monkeypatch.setattr(writer, "_require_open", checking)
        checking()
        writer.close()  # by another thread, just after the check

    monkeypatch.setattr(writer, "_require_open", checked)
    with pytest.raises(InvalidOption, match="has been closed"):
        writer.append([1])
    assert writer.counts.appended == 0


FORKED = """
import os, sys
from subsetopt.errors import InvalidOption
from subsetopt.records import RecordWriter
writer = RecordWriter(sys.argv[1], "a")
writer.append([1], [1.0])
child = os.fork()
if child == 0:
    try:
        writer.append([2], [2.0])
    except InvalidOption as error:
        print(error, flush=True)
    writer.close()
    sys.exit(0)  # what is done at the end is done here too
os.waitpid(child, 0)
try:
    RecordWriter(sys.argv[1], "a")
except InvalidOption:
    print("still mine", flush=True)
"""


def test_a_writer_belongs_to_its_process(tmp_path: Path) -> None:
    first, second = ran(FORKED, tmp_path).splitlines()
    assert "open one in each process" in first
    assert second == "still mine"
    assert [row[2] for row in rows(RecordStore(tmp_path))] == [1]


def test_a_forgotten_writer_writes_what_waits(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path, "a")
    writer.append([1])
    del writer
    gc.collect()
    until(lambda: files(tmp_path))
    until(lambda: _free(tmp_path))


def _free(root: Path) -> bool:
    try:
        RecordWriter(root, "a").close()
    except InvalidOption:
        return False
    return True


AT_THE_END = """
import sys
from subsetopt.records import LabelWriter, RecordWriter
writer = RecordWriter(sys.argv[1], "kept")
writer.append([1], [1.0])
def work():
    forgotten = RecordWriter(sys.argv[1], "forgotten")
    forgotten.append([2], [2.0])
work()
labels = LabelWriter(sys.argv[1], "kept")
labels.append([1], [0])
"""


def test_the_end_of_the_process_writes_what_waits(tmp_path: Path) -> None:
    assert ran(AT_THE_END, tmp_path) == ""
    info = RecordStore(tmp_path).info()
    assert info.writers == {"forgotten": 1, "kept": 1}
    assert info.labels == 1


CLOSED_BY_ITS_THREAD = """
import sys, threading, time
from subsetopt.records import RecordWriter
from subsetopt.records._appending import Appender
closing, write_all = threading.Event(), Appender._write_all
def slowly(self):
    closing.set()
    time.sleep(0.3)
    return write_all(self)
Appender._write_all = slowly
def work():
    forgotten = RecordWriter(sys.argv[1], "forgotten", flush_seconds=60.0)
    forgotten.append([2], [2.0])
    time.sleep(0.1)  # the thread holds it when it is forgotten here
work()
assert closing.wait(30)
"""


def test_the_end_of_the_process_waits_for_a_thread_that_closes_a_writer(tmp_path: Path) -> None:
    assert ran(CLOSED_BY_ITS_THREAD, tmp_path) == ""
    assert RecordStore(tmp_path).info().writers == {"forgotten": 1}


def test_time_does_not_fall_when_a_writer_is_started_again(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1, 2], [1.0, 2.0], time=[100.0, 300.0])
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([3], [3.0], time=200.0)
        assert writer.counts.clock_backwards == 1
    [first, second] = RecordStore(tmp_path).blocks(("loss",))
    assert [*first.times, *second.times] == [100_000_000, 300_000_000, 300_000_000]
