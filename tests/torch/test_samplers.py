"""Batches as real DataLoaders hand them out: whole epochs, resumed ones, several ranks."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidOption
from subsetopt.torch import SequenceBatchSampler

torch = pytest.importorskip("torch")

ORDER = np.random.default_rng(0).permutation(23)
CUT = [ORDER[start : start + 5].tolist() for start in range(0, 23, 5)]


class Numbers(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
    def __len__(self) -> int:
        return len(ORDER)

    def __getitem__(self, index: int) -> int:
        return index


def loader(sampler: SequenceBatchSampler, workers: int = 0, **options: Any) -> Any:
    if workers:
        options |= {"multiprocessing_context": "fork"}
    return torch.utils.data.DataLoader(
        Numbers(), batch_sampler=sampler, num_workers=workers, **options
    )


def epoch(iterable: Any) -> list[list[int]]:
    return [batch.tolist() for batch in iterable]


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_repeat_the_sequence(workers: int) -> None:
    sampler = SequenceBatchSampler(ORDER, 5)
    data = loader(sampler, workers, persistent_workers=workers > 0)
    assert len(data) == len(sampler) == 5
    assert [epoch(data) for _ in range(3)] == [CUT] * 3
    assert sampler.epoch == 3


def test_the_batches_of_a_sequence() -> None:
    uneven = [ORDER[:7], ORDER[7:14], ORDER[14:]]
    sequence: Any = SimpleNamespace(order=ORDER, batches=uneven)
    assert list(SequenceBatchSampler(sequence)) == [batch.tolist() for batch in uneven]
    assert list(SequenceBatchSampler(sequence, 5)) == CUT  # cut anew
    assert SequenceBatchSampler(sequence).drop_last is False
    assert not hasattr(SequenceBatchSampler(sequence), "batch_size")  # wrappers would rely on it


@pytest.mark.parametrize("workers", [0, 2])
def test_whole_batches_are_shuffled_by_seed_and_epoch(workers: int) -> None:
    sampler = SequenceBatchSampler(ORDER, 5, shuffle_batches=True, seed=4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    data = loader(sampler, workers, persistent_workers=workers > 0, generator=torch.Generator())
    first, second = epoch(data), epoch(data)
    assert torch.equal(torch.get_rng_state(), before)  # the global generator is left alone
    assert sorted(first) == sorted(second) == sorted(CUT)
    assert len({str(first), str(second), str(CUT)}) == 3
    sampler.set_epoch(0)
    assert epoch(data) == first
    sampler.set_epoch(1)
    assert epoch(data) == second
    other = SequenceBatchSampler(ORDER, 5, shuffle_batches=True, seed=5)
    assert list(other) != first


def test_an_incomplete_last_batch_is_dropped_on_request() -> None:
    sampler = SequenceBatchSampler(ORDER, 5, drop_last=True)
    assert list(sampler) == CUT[:-1]
    assert len(sampler) == 4
    whole = SequenceBatchSampler(ORDER[:20], 5, drop_last=True)
    assert list(whole) == CUT[:-1]


# -- going on in the middle of an epoch ---------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "persistent", "shuffle", "done"),
    [
        *((0, False, shuffle, done) for shuffle in (False, True) for done in (1, 3, 5)),
        *((2, False, True, 3), (2, True, False, 1), (2, True, True, 5)),
    ],
)
def test_exactly_the_remaining_batches_follow(
    workers: int, persistent: bool, shuffle: bool, done: int
) -> None:
    options: dict[str, Any] = {"persistent_workers": True} if persistent else {}

    def made() -> tuple[SequenceBatchSampler, Any]:
        sampler = SequenceBatchSampler(ORDER, 5, shuffle_batches=shuffle, seed=1)
        return sampler, loader(sampler, workers, **options)

    sampler, data = made()
    expected = epoch(data) + epoch(data) + epoch(data)
    sampler, data = made()
    list(sampler.track(data))
    seen = []
    for number, batch in enumerate(sampler.track(data), start=1):
        seen.append(batch.tolist())
        if number == done:
            break
    state = json.loads(json.dumps(sampler.state_dict()))
    assert seen == expected[5 : 5 + done]
    sampler, data = made()
    sampler.load_state_dict(state)
    rest = epoch(sampler.track(data))
    if done < 5:
        rest += epoch(data)
    assert rest == expected[5 + done :]


def test_without_workers_the_sampler_counts_by_itself() -> None:
    sampler = SequenceBatchSampler(ORDER, 5)
    batches = iter(loader(sampler))
    next(batches), next(batches)
    assert sampler.state_dict()["batches_done"] == 2
    again = SequenceBatchSampler(ORDER, 5)
    again.load_state_dict(sampler.state_dict())
    assert again.state_dict() == sampler.state_dict()
    assert epoch(loader(again)) == CUT[2:]
    assert epoch(loader(again)) == CUT


def test_breaking_off_and_beginning_again_is_a_whole_epoch() -> None:
    sampler = SequenceBatchSampler(ORDER, 5)
    next(iter(sampler))
    assert list(sampler) == CUT
    assert sampler.epoch == 1


def test_an_epoch_set_within_the_loop_holds() -> None:
    sampler = SequenceBatchSampler(ORDER, 5)
    for _ in sampler:
        sampler.set_epoch(7)
    assert sampler.epoch == 7


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (SequenceBatchSampler(ORDER, 6), "batches"),
        (SequenceBatchSampler(ORDER[::-1].copy(), 5), "checksum"),
        (SequenceBatchSampler(ORDER, 5, seed=1), "seed"),
        (SequenceBatchSampler(ORDER, 5, shuffle_batches=True), "shuffle_batches"),
        (SequenceBatchSampler(ORDER, 5, world_size=2), "world_size"),
    ],
)
def test_a_state_of_something_else_is_refused(other: SequenceBatchSampler, name: str) -> None:
    with pytest.raises(InvalidOption, match=f"the state has {name}"):
        SequenceBatchSampler(ORDER, 5).load_state_dict(other.state_dict())


def test_a_damaged_state_is_refused() -> None:
    sampler = SequenceBatchSampler(ORDER, 5)
    with pytest.raises(InvalidOption, match=r"batches_done of the state must .*got 99"):
        sampler.load_state_dict({**sampler.state_dict(), "batches_done": 99})
    with pytest.raises(InvalidOption, match=r"epoch of the state must .*got None"):
        sampler.load_state_dict({**sampler.state_dict(), "epoch": None})


# -- several ranks ------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_ranks_get_equally_many_and_together_all(world: int, drop: bool, shuffle: bool) -> None:
    if drop and world > 4:
        with pytest.raises(InvalidOption, match="there are 4 batches"):
            SequenceBatchSampler(ORDER, 5, drop_last=drop, rank=0, world_size=world)
        return
    ranks = [
        SequenceBatchSampler(
            ORDER, 5, drop_last=drop, shuffle_batches=shuffle, rank=rank, world_size=world
        )
        for rank in range(world)
    ]
    parts = [list(sampler) for sampler in ranks]
    assert [len(part) for part in parts] == [len(ranks[0])] * world
    turns = [batch for turn in zip(*parts, strict=True) for batch in turn]
    expected = list(SequenceBatchSampler(ORDER, 5, drop_last=drop, shuffle_batches=shuffle))
    whole = len(expected)
    if drop:
        assert turns == expected[: whole // world * world]
    else:
        assert turns[:whole] == expected
        assert turns[whole:] == (expected * 2)[: len(turns) - whole]  # begun again
        assert len(turns) - whole < world


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "batch_size is None"),
        ({"batch_size": 0}, r"batch_size must .*got 0"),
        ({"batch_size": 2.5}, r"batch_size must .*got 2.5"),
        ({"batch_size": 5, "seed": -1}, r"seed must .*got -1"),
        ({"batch_size": 5, "rank": 2, "world_size": 2}, r"rank must .*got 2"),
        ({"batch_size": 5, "world_size": 0}, r"world_size must .*got 0"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        SequenceBatchSampler(ORDER, **options)


@pytest.mark.parametrize("order", [[], [[1, 2]], [0.5, 1.0], [-1, 2]])
def test_bad_orders(order: Any) -> None:
    with pytest.raises(InvalidOption, match="must be indices >= 0"):
        SequenceBatchSampler(order, 2)


def test_torch_is_imported_when_needed() -> None:
    code = (
        "import sys, subsetopt, subsetopt.torch\n"
        "list(subsetopt.torch.SequenceBatchSampler([0, 1, 2], 2))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_example_of_the_documentation_runs() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    page = (Path(__file__).parents[2] / "docs" / "sequencing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```{code-block} python\n(.*?)```", page, flags=re.DOTALL)
    (example,) = [block for block in blocks if "DataLoader" in block]
    digits = datasets.load_digits()
    X = (digits.data / 16).astype("float32")
    batches = np.array_split(np.random.default_rng(0).permutation(1797), 36)
    found = SimpleNamespace(order=np.concatenate(batches), batches=batches)
    names: dict[str, Any] = {"digits": digits, "X": X, "found": found}
    exec(compile(example, "sequencing.md", "exec"), names)
    assert names["state"]["epoch"] == names["sampler"].epoch == 2
    assert len(names["images"]) in {49, 50}
