"""Streams: each record in one window, each window once, whatever happens in between."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from subsetopt.errors import InvalidFile, InvalidOption, InvalidSelection
from subsetopt.records import (
    LabelWriter,
    Layout,
    RecordStore,
    RecordStream,
    RecordWriter,
    Staleness,
    _cursors,
    _segments,
)
from subsetopt.records._segments import file_of, folder_of

from .folders import T, record, until  # type: ignore[import-not-found]


def first(losses: Any, k: int, features: Any) -> Any:
    return np.arange(k)


def ids_of(stream: RecordStream) -> list[int]:
    return [int(one) for window in stream for one in window.ids]


def test_windows_are_in_the_order_of_time_over_writers(tmp_path: Path) -> None:
    record(tmp_path, "a", 5, start=T, step=2.0)
    record(tmp_path, "b", 5, first=100, start=T + 1, step=2.0)
    stream = RecordStream(RecordStore(tmp_path), "x", window=8, k=0.25)
    windows = list(stream)
    assert [window.number for window in windows] == [0, 1, 2, 3, 4]
    times = np.concatenate([window.times for window in windows])
    assert times.tolist() == (T + np.arange(40)).tolist()
    wanted = np.stack([np.arange(20), 100 + np.arange(20)], axis=1).ravel()
    assert np.concatenate([window.ids for window in windows]).tolist() == wanted.tolist()
    for window in windows:
        assert len(window) == 8
        assert len(window.chosen) == 2
        assert np.array_equal(window.losses, window.ids)
        assert np.array_equal(window.chosen_ids, window.ids[window.chosen])
    held = stream.cursor
    assert (held.windows, held.records, held.chosen, held.unknown, held.lost) == (5, 40, 10, 0, 0)
    assert held.positions == {"a": 20, "b": 20}
    assert stream.backlog == 0


def test_of_many_short_writers_each_folder_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in range(12):
        record(tmp_path, f"w{one}", 1, first=100 * one, start=T + one / 100)
    stream = RecordStream(RecordStore(tmp_path), "x", window=12, k=0.25)
    listed: list[Path] = []
    names = _segments._names

    def watched(folder: Path) -> set[str]:
        listed.append(folder)
        return names(folder)

    monkeypatch.setattr(_segments, "_names", watched)
    windows = list(stream)
    assert [len(window) for window in windows] == [12] * 4
    # At the beginning and at the end for new writers; and for what comes after a writer's last.
    assert len(listed) <= 12 * (2 * len(windows) + 4)


def test_what_has_been_finished_does_not_come_again(tmp_path: Path) -> None:
    record(tmp_path, "a", 5)
    store = RecordStore(tmp_path)
    stream = RecordStream(store, "x", window=8)
    assert ids_of(stream) == list(range(16))  # four are no window
    stream.close()
    stream = RecordStream(store, "x", window=8)
    assert list(stream) == []
    record(tmp_path, "a", 3, first=20, start=T + 20)
    assert ids_of(stream) == list(range(16, 32))


@pytest.mark.parametrize(("k", "wanted"), [(3, 3), (1, 1), (100, 6), (0.5, 3), (1.0, 6), (1e-9, 1)])
def test_how_many_are_chosen(tmp_path: Path, k: Any, wanted: int) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append(np.arange(8), [1, 2, np.nan, 3, 4, np.nan, 5, 6], time=T)
    stream = RecordStream(RecordStore(tmp_path), "x", window=8, k=k, choose=first)
    (window,) = stream
    assert window.chosen.tolist() == [0, 1, 3, 4, 6, 7][:wanted]
    assert stream.cursor.unknown == 2


def test_losses_that_are_too_old_are_unknown(tmp_path: Path) -> None:
    now = time.time()
    with RecordWriter(tmp_path, "a") as writer:
        writer.append(
            np.arange(4), [1.0, 2.0, 3.0, np.nan], time=[now - 5000, now - 4000, now, now]
        )
    options: Any = {"window": 4, "k": 4, "choose": first}
    store = RecordStore(tmp_path)
    young = Staleness(older_than=1000.0, unknown="exclude")
    stream = RecordStream(store, "x", staleness=young, **options)
    assert [window.chosen.tolist() for window in stream] == [[2]]
    assert stream.cursor.unknown == 3
    stream = RecordStream(store, "y", staleness=Staleness(older_than=1000.0), **options)
    assert [len(window.chosen) for window in stream] == [4]
    assert stream.cursor.unknown == 3


def test_a_window_of_which_nothing_is_known(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append(np.arange(4), time=T)
    (window,) = RecordStream(RecordStore(tmp_path), "x", window=4)
    assert window.chosen.tolist() == []
    assert np.isnan(window.losses).all()


def test_choosing_by_features_of_what_is_known(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(ids="string", features=1)) as writer:
        features = [[3.0], [9.0], [1.0]]
        writer.append(["a", "b", "c"], [1.0, np.nan, 2.0], features=features, time=T)
    seen = []

    def choose(losses: Any, k: int, features: Any) -> Any:
        seen.append((losses.tolist(), k, features.tolist()))
        return [1]

    stream = RecordStream(RecordStore(tmp_path), "x", window=3, k=1, choose=choose, features=True)
    (window,) = stream
    assert seen == [([1.0, 2.0], 1, [[3.0], [1.0]])]
    assert window.chosen_ids == ["c"]
    assert window.ids == ["a", "b", "c"]


def test_labels_are_waited_for(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=2)) as writer:
        writer.append([1, 2], outputs=[[-1.0, -2.0], [-3.0, -4.0]], time=time.time())
    store = RecordStore(tmp_path)
    assert list(RecordStream(store, "x", window=2, delay=1000.0)) == []
    stream = RecordStream(
        store, "y", window=2, k=1, delay=0.5, follow=True, poll=0.01, timeout=30.0, choose=first
    )
    with LabelWriter(tmp_path, "crm") as labels:
        labels.append([2], [1])
    window = next(iter(stream))
    assert np.isnan(window.losses[0])
    assert window.losses[1] == 4.0
    assert window.chosen.tolist() == [1]


def test_a_backlog_is_dropped_from_its_oldest_end(tmp_path: Path) -> None:
    record(tmp_path, "a", 10)
    store = RecordStore(tmp_path)
    stream = RecordStream(store, "x", window=4, max_backlog=10)
    assert stream.backlog == 40
    assert ids_of(stream) == list(range(30, 38))
    assert stream.cursor.dropped == 30
    assert stream.cursor.lost == 0


def test_what_a_retention_dropped_is_no_backlog(tmp_path: Path) -> None:
    record(tmp_path, "a", 10)
    store = RecordStore(tmp_path)
    store.retain(max_records=8)
    stream = RecordStream(store, "x", window=4, max_backlog=8)
    assert stream.backlog == 8
    assert ids_of(stream) == list(range(32, 40))
    assert (stream.cursor.dropped, stream.cursor.lost) == (0, 32)


def test_lost_records_are_counted_once(tmp_path: Path) -> None:
    record(tmp_path, "a", 6)
    file_of(folder_of(tmp_path, "records", "a"), 8, 12).write_bytes(b"")
    store = RecordStore(tmp_path)
    found = []
    for _ in range(5):
        stream = RecordStream(store, "x", window=4)
        windows = iter(stream)
        window = next(windows, None)
        again = next(iter(stream), None)  # the same one, not finished yet
        if window is not None and again is not None:
            assert np.array_equal(window.ids, again.ids)
            found += window.ids.tolist()
            stream.commit()
        stream.close()
    assert found == [*range(8), *range(12, 24)]
    assert (stream.cursor.lost, stream.cursor.records) == (4, 20)


def test_the_newest_are_what_comes_after_the_first_start(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    store = RecordStore(tmp_path)
    stream = RecordStream(store, "x", window=4, start="newest")
    assert list(stream) == []
    stream.close()
    record(tmp_path, "a", 1, first=50, start=T + 50)
    record(tmp_path, "b", 1, first=90, start=T + 90)
    stream = RecordStream(store, "x", window=4, start="newest")
    assert ids_of(stream) == [50, 51, 52, 53, 90, 91, 92, 93]


def test_following_a_writer(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", flush_seconds=0.02, durable=False) as writer:
        stream = RecordStream(
            RecordStore(tmp_path), "x", window=10, follow=True, poll=0.01, timeout=60.0
        )

        def write() -> None:
            for p in range(40):
                writer.append([2 * p, 2 * p + 1], [1.0, 2.0])
                time.sleep(0.002)

        thread = threading.Thread(target=write)
        thread.start()
        found = []
        for window in stream:
            found += window.ids.tolist()
            if len(found) == 80:
                stream.stop()
        thread.join()
    assert found == list(range(80))
    assert _cursors.load(tmp_path / "cursors" / "x.json").windows == 8


def test_following_ends_after_a_while_without_more(tmp_path: Path) -> None:
    record(tmp_path, "a", 1)
    stream = RecordStream(
        RecordStore(tmp_path), "x", window=4, follow=True, poll=0.01, timeout=0.05
    )
    assert ids_of(stream) == [0, 1, 2, 3]


def test_a_finished_window_is_written_down_while_waiting(tmp_path: Path) -> None:
    record(tmp_path, "a", 1)
    stream = RecordStream(RecordStore(tmp_path), "x", window=4, follow=True, poll=0.01)
    thread = threading.Thread(target=lambda: list(stream))
    thread.start()
    try:
        until(lambda: _cursors.load(tmp_path / "cursors" / "x.json").windows == 1)
    finally:
        stream.stop()
        thread.join(30.0)
    assert not thread.is_alive()


def test_stopping_before_the_beginning(tmp_path: Path) -> None:
    record(tmp_path, "a", 2)
    stream = RecordStream(RecordStore(tmp_path), "x", window=4, follow=True)
    stream.stop()
    assert list(stream) == []
    stream.follow = False
    assert ids_of(stream) == list(range(8))


def test_going_on_from_a_checkpoint(tmp_path: Path) -> None:
    record(tmp_path, "a", 6)
    store = RecordStore(tmp_path)
    stream = RecordStream(store, "x", window=4, k=2)
    windows = iter(stream)
    next(windows)
    second = next(windows)
    state, wanted = stream.state_dict(), [second, *windows]
    stream.close()
    for name in ("x", "y"):
        other = RecordStream(store, name, window=4, k=2)
        other.load_state_dict(state)
        found = list(other)
        assert [window.number for window in found] == [1, 2, 3, 4, 5]
        for one, two in zip(found, wanted, strict=True):
            assert np.array_equal(one.ids, two.ids)
            assert np.array_equal(one.chosen, two.chosen)
        other.close()


@pytest.mark.parametrize(
    "state",
    [
        {},
        None,
        [],
        {"version": 2},
        {"version": 1, "colour": 3},
        {"version": 1, "positions": [1]},
        {"version": 1, "positions": {"a": "b"}},
        {"version": 1, "windows": -1},
        {"version": 1, "pending": {}},
        {"version": 1, "pending": 3},
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, state: Any) -> None:
    record(tmp_path, "a", 1)
    stream = RecordStream(RecordStore(tmp_path), "x", window=4)
    with pytest.raises(InvalidFile, match="cursor"):
        stream.load_state_dict(state)
    assert ids_of(stream) == [0, 1, 2, 3]
    stream.close()
    (tmp_path / "cursors" / "x.json").write_text("{")
    with pytest.raises(InvalidFile, match=r"x\.json is not a cursor"):
        RecordStream(RecordStore(tmp_path), "x")


def test_one_stream_at_a_time_has_a_name(tmp_path: Path) -> None:
    record(tmp_path, "a", 1)
    store = RecordStore(tmp_path)
    stream = RecordStream(store, "x", window=4)
    with pytest.raises(InvalidOption, match="a stream called 'x'"):
        RecordStream(store, "x")
    RecordStream(store, "y").close()
    stream.close()
    stream.close()
    for use in (lambda: list(stream), stream.commit, lambda: stream.load_state_dict({})):
        with pytest.raises(InvalidOption, match="has been closed"):
            use()
    assert ids_of(RecordStream(store, "x", window=4)) == [0, 1, 2, 3]


BAD: Any = [[0], [0, 0], [0, 8], [-1, 0], [0.0, 1.0], [[0, 1]], None, ["a", "b"], [True, False]]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_choice_loses_nothing(tmp_path: Path, bad: Any) -> None:
    record(tmp_path, "a", 4)
    stream = RecordStream(RecordStore(tmp_path), "x", window=8, k=2, choose=lambda *_: bad)
    with pytest.raises(InvalidSelection, match=r"what was chosen must .*different rows of 8; got"):
        next(iter(stream))
    stream.choose = lambda *_: [7, 0]
    windows = list(stream)
    assert [window.number for window in windows] == [0, 1]
    assert [window.chosen.tolist() for window in windows] == [[0, 7]] * 2
    assert np.concatenate([window.ids for window in windows]).tolist() == list(range(16))
    assert stream.cursor.lost == 0


def test_nothing_is_handed_out_that_is_not_written_down(tmp_path: Path, monkeypatch: Any) -> None:
    record(tmp_path, "a", 4)
    stream = RecordStream(RecordStore(tmp_path), "x", window=4)
    windows = iter(stream)
    next(windows)
    with monkeypatch.context() as planted:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        planted.setattr(_cursors, "save", full)
        with pytest.raises(OSError, match="No space"):
            next(windows)
    found = list(stream)
    assert [window.number for window in found] == [1, 2, 3]
    assert np.concatenate([window.ids for window in found]).tolist() == list(range(4, 16))


@pytest.mark.parametrize("compacted", [False, True])
def test_a_window_that_was_not_finished_comes_again(tmp_path: Path, compacted: bool) -> None:
    record(tmp_path, "a", 6, step=2.0)
    record(tmp_path, "b", 6, first=100, start=T + 1, step=2.0)
    store = RecordStore(tmp_path)

    def choose(losses: Any, k: int, features: Any) -> Any:
        return np.random.default_rng().permutation(len(losses))[:k]  # another one each time

    options: Any = {"window": 10, "k": 3, "choose": choose}
    stream = RecordStream(store, "x", **options)
    windows = iter(stream)
    next(windows)
    wanted = next(windows)
    stream.close()
    if compacted:
        store.compact()
    for _ in range(2):
        stream = RecordStream(store, "x", **options)
        found = next(iter(stream))
        assert found.number == 1
        assert np.array_equal(found.ids, wanted.ids)
        assert np.array_equal(found.times, wanted.times)
        assert np.array_equal(found.chosen, wanted.chosen)
        stream.close()
    stream = RecordStream(store, "x", **options)
    left = list(stream)
    assert [window.number for window in left] == [1, 2, 3]
    assert len({int(one) for window in left for one in window.ids}) == 30


@pytest.mark.parametrize(
    "options",
    [
        {"window": 0},
        {"k": 0},
        {"k": 0.0},
        {"k": 1.5},
        {"k": True},
        {"delay": -1.0},
        {"max_backlog": 1},
        {"features": True},
        {"start": "middle"},
        {"name": "a/b"},
    ],
)
def test_options_of_streams(tmp_path: Path, options: dict[str, Any]) -> None:
    record(tmp_path, "a", 1)
    with pytest.raises(InvalidOption, match=next(iter(options))):
        RecordStream(RecordStore(tmp_path), **{"name": "x", **options})
    RecordStream(RecordStore(tmp_path), "x").close()
