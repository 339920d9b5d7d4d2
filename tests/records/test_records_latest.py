"""The latest loss of each id, against a dictionary; labels that come late, twice or never."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as some

from subsetopt._kernels.record_tables import _MULTIPLIER, _first
from subsetopt.errors import InvalidProblem
from subsetopt.records import (
    LabelWriter,
    LatestLosses,
    Layout,
    RecordStore,
    RecordStream,
    RecordWriter,
    Staleness,
)
from subsetopt.records._classes import Classes
from subsetopt.records._exporting import Joined
from subsetopt.records._ids import Ids

from .folders import T  # type: ignore[import-not-found]

LOW, HIGH = -(2**63), 2**63 - 1
KEYS = [LOW, LOW + 1, -1, 0, 1, 2**32, -(2**32), HIGH]
BATCHES = some.lists(
    some.tuples(
        some.sampled_from("ab"),
        some.lists(
            some.tuples(
                some.sampled_from(KEYS), some.none() | some.floats(0, 9, width=32, allow_nan=False)
            ),
            max_size=6,
        ),
        some.booleans(),  # whether to bring what is known up to date after it
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(BATCHES, some.booleans())
def test_the_latest_losses_are_those_of_a_dictionary(batches: Any, only: bool) -> None:
    wanted: dict[int, tuple[float, float, str]] = {}
    some_keys = KEYS[::2] if only else KEYS
    with tempfile.TemporaryDirectory() as root:
        writers = {name: RecordWriter(root, name, durable=False) for name in "ab"}
        store = RecordStore(root)
        losses = LatestLosses(store, only=some_keys if only else None)
        at = T
        for number, (name, batch, refreshed) in enumerate(batches):
            values = [np.nan if loss is None else loss for _, loss in batch]
            times = at + np.arange(len(batch))
            at += len(batch)
            model = f"v{number}"
            writers[name].append([key for key, _ in batch], values, time=times, model=model)
            writers[name].flush()
            for (key, loss), time in zip(batch, times, strict=True):
                if loss is not None and key in some_keys:
                    wanted[key] = (loss, float(time), model)
            if refreshed:
                losses.refresh()
                assert_same(losses.lookup(KEYS), wanted)
        losses.refresh()
        assert losses.refresh() == 0
        assert losses.read == sum(len(batch) for _, batch, _ in batches)
        assert_same(losses.lookup(KEYS), wanted)
        assert_same(store.latest(some_keys), wanted, some_keys)
        for writer in writers.values():
            writer.close()


def assert_same(found: Any, wanted: Any, keys: Any = KEYS) -> None:
    for p, key in enumerate(keys):
        loss, time, model = wanted.get(key, (np.nan, np.nan, ""))
        assert np.array_equal([found.losses[p]], [np.float32(loss)], equal_nan=True)
        assert np.array_equal([found.times[p]], [time], equal_nan=True)
        assert found.models[p] == model
        assert found.known[p] == (key in wanted)


def test_ages(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a") as writer:
        writer.append([1, 2], [0.5, np.nan], time=T)
    latest = RecordStore(tmp_path).latest([2, 1, 3])
    assert np.array_equal(latest.ages(T + 5), [np.nan, 5.0, np.nan], equal_nan=True)
    assert latest.ages()[1] > 5
    assert RecordStore(tmp_path).latest([]).losses.tolist() == []


def test_places_of_many_ids_and_of_ids_that_collide() -> None:
    ids = Ids()
    # Multiplied, these are 0, 1, 2, ..., of which the high bits say where to look: the same place.
    inverse = pow(int(_MULTIPLIER), -1, 2**64)
    mixed = [p * inverse % 2**64 for p in range(1000)]
    collide = np.array([one ^ one >> 32 for one in mixed], np.uint64).view(np.int64)
    look: Any = _first
    assert {int(look.py_func(key, 53)) for key in collide} == {0}
    rng = np.random.default_rng(0)
    many = np.unique(rng.integers(LOW, HIGH, 50_000, endpoint=True))
    rng.shuffle(many)
    wanted: dict[int, int] = {}
    for keys in (collide, many[:10], many, np.array([LOW, HIGH, 0, -1]), many[::-1].copy()):
        places = ids.add(keys)
        expected = [wanted.setdefault(int(key), len(wanted)) for key in keys]
        assert places.tolist() == expected
        assert len(ids) == len(wanted)
    assert ids.find(collide).tolist() == [wanted[int(key)] for key in collide]
    assert ids.find(np.array([7_777_777], np.int64)).tolist() == [-1]
    assert ids.keys().tolist() == list(wanted)


@pytest.mark.parametrize("ids", [["a"], [1.5], [[1]], 3, [2**63]])
def test_ids_of_another_kind(tmp_path: Path, ids: Any) -> None:
    RecordWriter(tmp_path, "a").close()
    store = RecordStore(tmp_path)
    for look in (store.latest, LatestLosses(store).lookup, store.labels().lookup):
        with pytest.raises(InvalidProblem, match="ids"):
            look(ids)


# -- labels ----------------------------------------------------------------------------------------

LOG = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.375, 0.5]], np.float32))


def labelled(root: Path, ids: Any, labels: Any, time: float, name: str = "crm") -> None:
    with LabelWriter(root, name, durable=False) as writer:
        writer.append(ids, labels, time=time)


@pytest.mark.parametrize("strings", [False, True])
def test_labels_before_after_and_never(tmp_path: Path, strings: bool) -> None:
    keys: Any = ["x", "y", "z"] if strings else [7, 8, 9]
    layout = Layout(ids="string" if strings else "int64", outputs=3)
    with RecordWriter(tmp_path, "a", layout=layout) as writer:
        store = RecordStore(tmp_path)
        losses = LatestLosses(store)
        labelled(tmp_path, keys[:1], [1], T - 5)
        writer.append(keys[:2], outputs=LOG, time=T, model="v1")
        writer.append(keys[2:], outputs=LOG[:1], time=T)
        writer.flush()
        losses.refresh()
        found = losses.lookup(keys)
        assert np.array_equal(found.losses, [-LOG[0, 1], np.nan, np.nan], equal_nan=True)
        labelled(tmp_path, keys[1:2], [2], T + 9)
        losses.refresh()
        found = losses.lookup(keys)
        assert np.array_equal(found.losses, [-LOG[0, 1], -LOG[1, 2], np.nan], equal_nan=True)
        assert found.times[:2].tolist() == [T, T]  # of the records
        assert found.models.tolist() == ["v1", "v1", ""]
        writer.append(keys[1:2], [9.0], time=T + 20, model="v2")  # a later one, with its loss
        writer.flush()
        losses.refresh()
        assert losses.lookup(keys[1:2]).losses.tolist() == [9.0]
        assert store.latest(keys[1:2]).models.tolist() == ["v2"]


def test_labels_that_repeat_and_contradict(tmp_path: Path) -> None:
    RecordWriter(tmp_path, "a", layout=Layout(outputs=3)).close()
    labelled(tmp_path, [1, 2, 3], [0, 1, 2], T + 10)
    labelled(tmp_path, [1, 2], [0, 2], T + 20)  # one again, and one that says something else
    labelled(tmp_path, [3], [0], T, name="z")  # read later, but said earlier
    labels = RecordStore(tmp_path).labels()
    assert labels.lookup([1, 2, 3, 4])[:3].tolist() == [0.0, 2.0, 2.0]
    assert np.isnan(labels.lookup([4])).all()
    assert (labels.read, labels.duplicates, labels.conflicts) == (6, 3, 2)
    labelled(tmp_path, [1], [2], T + 20)  # of the same time: the one that was written last
    labels.refresh()
    assert labels.lookup([1]).tolist() == [2.0]


@pytest.mark.parametrize("label", [-1, 3, 1.5, 1e300])
def test_labels_that_are_no_class(tmp_path: Path, label: float) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=3)) as writer:
        writer.append([1], outputs=LOG[:1], time=T)
    labelled(tmp_path, [1], [label], T)
    store = RecordStore(tmp_path)
    assert not store.latest([1]).known.any()
    found = store.classes()
    assert found is not None
    assert (found.labels, found.no_class, found.from_one) == (1, 1, label == 3)


def test_labels_that_count_from_one_give_no_loss_of_another_class(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=3)) as writer:
        writer.append([1, 2, 3, 4], outputs=LOG[[0, 1, 0, 0]], time=T)
    store = RecordStore(tmp_path)
    latest, joined = LatestLosses(store), Joined(store)
    labelled(tmp_path, [1, 2, 3], [1, 2, 3], T)
    (block,) = store.blocks(("loss", "outputs"))
    for losses in (
        store.latest([1, 2, 3]).losses,
        Joined(store).losses(block),
        next(iter(RecordStream(store, "a", window=4, k=1, staleness=Staleness()))).losses,
    ):
        assert np.isnan(losses).all()
    latest.refresh()
    assert not latest.lookup([1, 2, 3]).known.any()
    found = store.classes()
    assert found is not None
    assert (found.labels, found.no_class, found.from_one) == (3, 3, True)
    labelled(tmp_path, [4], [0], T, name="b")  # so they are counted from 0 after all
    latest.refresh()
    assert latest.lookup([1, 2, 3, 4]).known.tolist() == [True, True, False, True]
    assert latest.lookup([1]).losses[0] == -LOG[0, 1]
    found = store.classes()
    assert found is not None
    assert (found.labels, found.no_class, found.from_one) == (4, 1, False)
    assert np.isnan(joined.losses(block)).all()  # it holds the labels of its beginning


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        (np.array([0, 1, -1, 2**62]), [True, True, False, False]),
        (np.array([0, 2**63, 2], np.uint64), [True, False, True]),
        (np.array([0.0, 1.5, -0.5, np.nan, np.inf], np.float32), [True, *[False] * 4]),
        (np.array([True, False]), [True, True]),
        (np.array([2, 3, 0], np.int8), [True, False, True]),
    ],
)
def test_labels_of_any_dtype(labels: Any, known: list[bool]) -> None:
    classes = Classes(3)
    classes.see(labels)
    assert classes.known(labels).tolist() == known
    losses = classes.losses(np.tile(LOG[:1], (len(labels), 1)), labels)
    assert (~np.isnan(losses)).tolist() == known
    assert classes.no_class == classes.left_out == known.count(False)


@pytest.mark.parametrize("labels", [["1"], [1j], [None], [[1]], np.array(["2020"], "M8[Y]")])
def test_labels_that_are_no_numbers_are_no_classes(labels: Any) -> None:
    with pytest.raises(InvalidProblem, match="labels must be numbers"):
        Classes(3).see(labels)


def test_a_file_of_labels_of_another_dtype(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, "a", layout=Layout(outputs=3)) as writer:
        writer.append([1, 2], outputs=LOG[:2], time=T)
    labelled(tmp_path, [1, 2], [0, 1], T)
    (path,) = tmp_path.glob("labels/*/*.parquet")
    whole = pq.read_table(path)
    place = whole.schema.get_field_index("label")
    for kind, count in ((pa.int32(), 2), (pa.string(), 0)):
        column = whole.column("label").cast(pa.int32()).cast(kind)
        table = whole.set_column(place, pa.field("label", kind), column)
        pq.write_table(table, path)
        store = RecordStore(tmp_path)
        assert store.latest([1, 2]).known.sum() == count
        assert store.info().left_out == ({} if count else {"damaged": 1})


def test_losses_of_values(tmp_path: Path) -> None:
    layout = Layout(outputs=1, outputs_are="vector")
    with RecordWriter(tmp_path, "a", layout=layout) as writer:
        writer.append([1, 2], outputs=[[0.5], [2.0]], time=T)
    labelled(tmp_path, [1, 2], [0.25, -1.0], T)
    store = RecordStore(tmp_path)

    def squared(outputs: Any, labels: Any) -> Any:
        return (outputs[:, 0] - labels) ** 2

    assert store.latest([1, 2], loss_of=squared).losses.tolist() == [0.0625, 9.0]
    assert store.classes() is None
    assert not store.latest([1, 2]).known.any()
