"""Training on streams: the right samples, each window once, whatever ends the process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.records import (  # noqa: E402
    LabelWriter,
    Layout,
    RecordStore,
    RecordStream,
    RecordWriter,
)
from subsetopt.torch import StreamedSamples, by_rule, recording, rule  # noqa: E402

N, WINDOW, K = 96, 16, 6


def record(root: Path, n: int = N, **layout: Any) -> Any:
    """Record n losses, of ids 1000, 1001, ...; return them."""
    losses = np.random.default_rng(0).exponential(size=n).astype(np.float32)
    features = np.random.default_rng(1).normal(size=(n, 3)) if layout.get("features") else None
    with RecordWriter(root, "server", layout=Layout(**layout), durable=False) as writer:
        ids: Any = np.arange(1000, 1000 + n)
        if layout.get("ids") == "string":
            ids = [str(one) for one in ids]
        writer.append(ids, losses, features=features, time=1.7e9 + np.arange(n))
    return losses


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Callable[..., RecordStream]]:
    """Return what opens the stream of `tmp_path`, which it closes first, as a crash would."""
    made: list[RecordStream] = []

    def open_stream(**options: Any) -> RecordStream:
        for stream in made:
            stream.close()
        options = {"window": WINDOW, "k": K, **options}
        made.append(RecordStream(RecordStore(tmp_path), "trainer", **options))
        return made[-1]

    yield open_stream
    for stream in made:
        stream.close()


def same(ids: Any) -> Any:
    return torch.as_tensor(ids)


def seen(parts: Any) -> list[int]:
    return [int(one) for part in parts for one in part.ids]


def test_the_rule_chooses_in_each_window(tmp_path: Path, streams: Any) -> None:
    losses = record(tmp_path)
    found = list(StreamedSamples(streams(), same, rule="max_loss"))
    assert [part.window for part in found] == list(range(N // WINDOW))
    for number, part in enumerate(found):
        own = losses[number * WINDOW : (number + 1) * WINDOW]
        rows = np.sort(np.argsort(own)[-K:])
        assert part.ids.tolist() == (1000 + number * WINDOW + rows).tolist()
        assert torch.equal(part.batch, part.ids)
        np.testing.assert_array_equal(part.losses, own[rows])
        assert part.last


def test_by_rule_is_a_choice_for_streams(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    own = [w.chosen_ids.tolist() for w in streams(choose=by_rule("stride"))]
    (tmp_path / "cursors" / "trainer.json").unlink()
    parts = StreamedSamples(streams(choose=by_rule("stride")), same, rule=None)
    assert [part.ids.tolist() for part in parts] == own
    (tmp_path / "cursors" / "trainer.json").unlink()
    parts = StreamedSamples(streams(), same, rule=rule("stride"))
    assert [part.ids.tolist() for part in parts] == own


def test_rules_that_match_features(tmp_path: Path, streams: Any) -> None:
    record(tmp_path, features=3)
    with pytest.raises(InvalidOption, match="make the stream with features=True"):
        StreamedSamples(streams(), same, rule="vector")
    found = list(StreamedSamples(streams(features=True), same, rule="vector"))
    assert [len(part.ids) for part in found] == [K] * (N // WINDOW)


def test_windows_are_cut_into_batches(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    found = list(StreamedSamples(streams(), same, batch_size=4))
    assert [len(part.ids) for part in found[:4]] == [4, 2, 4, 2]
    assert [part.last for part in found[:4]] == [False, True, False, True]
    assert [part.window for part in found[:4]] == [0, 0, 1, 1]


def test_data_sets_by_index_and_by_place(tmp_path: Path, streams: Any) -> None:
    losses = record(tmp_path, ids="string")
    held = TensorDataset(torch.arange(N), torch.from_numpy(losses))
    (first, *_) = StreamedSamples(streams(), held, places=lambda one: int(one) - 1000)
    rows, batch = first.batch
    assert [str(1000 + int(row)) for row in rows] == first.ids
    assert torch.equal(batch, first.losses)

    (tmp_path / "cursors" / "trainer.json").unlink()
    places = {str(1000 + p): p for p in range(N)}
    (again, *_) = StreamedSamples(streams(), held, places=places)
    assert torch.equal(again.batch[0], rows)

    (tmp_path / "cursors" / "trainer.json").unlink()
    with pytest.raises(InvalidProblem, match="places know no index of id '10"):
        list(StreamedSamples(streams(), held, places={}))


def test_data_sets_whose_indices_are_the_ids(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)

    class Whole:
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * index for index in indices]

        def __getitem__(self, index: int) -> int:
            raise AssertionError

    part = next(iter(StreamedSamples(streams(), Whole())))
    assert torch.equal(part.batch, 10 * part.ids)


def test_a_window_at_hand_comes_again(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    parts = iter(StreamedSamples(streams(), same, rule="uniform"))
    first, second = next(parts), next(parts)
    again = list(StreamedSamples(streams(), same, rule="uniform"))  # the process was killed
    assert again[0].window == second.window == 1
    assert torch.equal(again[0].ids, second.ids)
    assert [part.window for part in again] == list(range(1, N // WINDOW))
    assert not set(seen([first])) & set(seen(again))


@pytest.mark.parametrize("stop", range(1, 9))
def test_checkpoints_are_exact_to_the_batch(tmp_path: Path, streams: Any, stop: int) -> None:
    record(tmp_path)
    whole = list(StreamedSamples(streams(), same, rule="uniform", batch_size=4))
    (tmp_path / "cursors" / "trainer.json").unlink()

    samples = StreamedSamples(streams(), same, rule="uniform", batch_size=4)
    found, state = [], {}
    for number, part in enumerate(samples):
        found.append(part)
        if number + 1 == stop:
            state = samples.state_dict()
        if number + 1 == stop + 3:  # trained on, but not kept: the checkpoint is older
            break
    resumed = StreamedSamples(streams(), same, rule="uniform", batch_size=4)
    resumed.load_state_dict(state)
    found = [*found[:stop], *resumed]
    assert seen(found) == seen(whole)
    assert [part.window for part in found] == [part.window for part in whole]


def test_whoever_breaks_off_goes_on(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    samples = StreamedSamples(streams(), same, batch_size=4)
    found = []
    for _ in range(20):
        for part in samples:
            found.append(part)
            break
    assert [(part.window, len(part.ids)) for part in found] == [
        (number, size) for number in range(N // WINDOW) for size in (4, 2)
    ]
    assert list(samples) == []


def test_states_of_something_else(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    stream = streams()
    state = StreamedSamples(stream, same, batch_size=4).state_dict()
    for options, said in (
        ({"batch_size": 2}, "batch_size 4, but here it is 2"),
        ({"batch_size": 4, "rule": None}, "part of only one"),
        ({"batch_size": 4, "rule": "stride"}, "rule 'obftf'"),
    ):
        given: Any = options
        with pytest.raises(InvalidOption, match=said):
            StreamedSamples(stream, same, **given).load_state_dict(state)


def test_windows_without_known_losses_are_passed_over(tmp_path: Path, streams: Any) -> None:
    with RecordWriter(tmp_path, "server", durable=False) as writer:
        writer.append(np.arange(WINDOW), None, time=1.7e9)
        writer.append(np.arange(WINDOW), np.ones(WINDOW), time=1.7e9 + 1)
    stream = streams()
    found = list(StreamedSamples(stream, same))
    assert [part.window for part in found] == [1]
    assert stream.cursor.windows == 2


def test_loaders(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    expected = seen(StreamedSamples(streams(), same))
    (tmp_path / "cursors" / "trainer.json").unlink()
    assert seen(DataLoader(StreamedSamples(streams(), same), batch_size=None)) == expected


def test_loaders_with_workers_are_refused(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    loader = DataLoader(
        StreamedSamples(streams(), same),
        batch_size=None,
        num_workers=1,
        multiprocessing_context="fork",
    )
    with pytest.raises(InvalidOption, match=r"num_workers must .*got 1"):
        list(loader)


def test_options(tmp_path: Path, streams: Any) -> None:
    record(tmp_path)
    stream = streams()
    for options, said in (
        ({"batch_size": 0}, r"batch_size must .*got 0"),
        ({"rule": "best"}, "got 'best'"),
        ({"places": {}}, "gets the ids themselves"),
    ):
        given: Any = options
        with pytest.raises(InvalidOption, match=said):
            StreamedSamples(stream, same, **given)
    with pytest.raises(InvalidOption, match="got a int"):
        StreamedSamples(stream, 3)


def test_from_serving_to_training(tmp_path: Path, streams: Any) -> None:
    """Serve, learn the labels later, and train on what is worth it."""
    torch.manual_seed(0)
    x, y = torch.randn(N, 4), torch.randint(3, (N,))
    model = nn.Linear(4, 3)
    layout = Layout(outputs=3)
    with (
        RecordWriter(tmp_path, "server", layout=layout, full="drop", durable=False) as writer,
        recording(model, writer, model="v1") as hook,
        torch.inference_mode(),
    ):
        for start in range(0, N, 8):
            with hook.batch(np.arange(start, start + 8)):
                model(x[start : start + 8])
    with LabelWriter(tmp_path, "labels", durable=False) as late:
        late.append(np.arange(N), y)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    entropy = nn.CrossEntropyLoss(reduction="none")
    before = nn.Linear(4, 3)
    before.load_state_dict(model.state_dict())
    trained: list[int] = []
    for part in StreamedSamples(streams(), TensorDataset(x, y), rule="obftf"):
        inputs, labels = part.batch
        with torch.no_grad():
            torch.testing.assert_close(part.losses, entropy(before(inputs), labels))
        optimiser.zero_grad()
        entropy(model(inputs), labels).mean().backward()
        optimiser.step()
        trained += part.ids.tolist()
    assert len(trained) == len(set(trained)) == K * (N // WINDOW)
