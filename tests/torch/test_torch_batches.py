"""Batches of every build: their size, and some of their samples."""

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from subsetopt.errors import InvalidProblem  # noqa: E402
from subsetopt.torch._batches import batch_size, device_of_batch, take  # noqa: E402

N = 6
PICKED = torch.tensor([1, 4, 5])
X = torch.arange(4.0 * N).reshape(N, 4)
Y = torch.arange(N)

Pair = namedtuple("Pair", ["x", "y"])


class Encoding(UserDict):  # type: ignore[type-arg]
    """A mapping with an attribute beside its items, as tokenizers return it."""

    note = "kept"


@dataclass(frozen=True)
class Sample:
    x: Any
    y: Any
    scale: float = 2.0


def same(a: Any, b: Any) -> bool:
    return bool(torch.equal(a, b))


@pytest.mark.parametrize("kind", [tuple, list, Pair._make])
def test_sequences(kind: Any) -> None:
    batch = kind([X, Y])
    assert batch_size(batch) == N
    part = take(batch, PICKED, N)
    assert type(part) is type(batch)
    assert same(part[0], X[PICKED])
    assert same(part[1], Y[PICKED])


@pytest.mark.parametrize("kind", [dict, OrderedDict, Encoding])
def test_mappings(kind: Any) -> None:
    batch = kind({"x": X, "y": Y, "step": torch.tensor(3.0), "name": "mnist", "none": None})
    assert batch_size(batch) == N
    part = take(batch, PICKED, N)
    assert type(part) is kind
    assert list(part) == list(batch)
    assert same(part["x"], X[PICKED])
    assert same(part["y"], Y[PICKED])
    assert (part["step"], part["name"], part["none"]) == (batch["step"], "mnist", None)
    assert same(batch["x"], X)  # the whole is left alone
    assert getattr(part, "note", "kept") == "kept"


def test_dataclasses_and_nesting() -> None:
    batch = Sample({"views": [X, (X + 1, Pair(X + 2, None))]}, Y)
    part = take(batch, PICKED, batch_size(batch))
    assert same(part.y, Y[PICKED])
    assert part.scale == 2.0
    first, (second, third) = part.x["views"]
    assert same(first, X[PICKED])
    assert same(second, X[PICKED] + 1)
    assert same(third.x, X[PICKED] + 2)
    assert third.y is None
    assert same(batch.y, Y)


def test_a_bare_tensor_and_an_array() -> None:
    assert batch_size(X) == N
    assert same(take(X, PICKED, N), X[PICKED])
    array = X.numpy()
    part = take((array, Y), PICKED, N)
    assert isinstance(part[0], np.ndarray)
    assert np.array_equal(part[0], array[PICKED.numpy()])
    assert device_of_batch((array, Y)) == Y.device
    assert device_of_batch(["a", array]) is None


def test_lists_with_one_element_per_sample() -> None:
    words = ["a", "b", "c", "d", "e", "f"]
    boxes = [{"boxes": torch.ones(i, 4), "label": torch.tensor(i)} for i in range(N)]
    ragged = [torch.ones(i) for i in (3, N, 2, 5, 4, 1)]  # one of them as long as the batch
    batch = [X, boxes, tuple(words), ragged, ["not", "per sample"]]
    assert batch_size(batch) == N
    x, few_boxes, few_words, few_ragged, other = take(batch, PICKED, N)
    assert same(x, X[PICKED])
    assert [len(box["boxes"]) for box in few_boxes] == [1, 4, 5]
    assert few_words == ("b", "e", "f")
    assert [len(tokens) for tokens in few_ragged] == [N, 4, 1]
    assert other == ["not", "per sample"]


def test_texts_alone() -> None:
    batch = {"text": ["a", "b", "c"], "label": [0, 1, 2]}
    assert batch_size(batch) == 3
    picked = torch.tensor([0, 2])
    assert take(batch, picked, 3) == {"text": ["a", "c"], "label": [0, 2]}


@pytest.mark.parametrize("x", [X[:2], X[:2].long(), torch.ones(2, 3, 3)])
def test_two_samples_are_not_taken_for_inputs_and_labels(x: Any) -> None:
    last = torch.tensor([1])
    part = take([x, Y[:2]], last, batch_size([x, Y[:2]]))
    assert len(part) == 2
    assert same(part[0], x[1:])
    boxes = [{"boxes": torch.ones(3, 4)}, {"boxes": torch.ones(1, 4)}]
    few, found = take([x, boxes], last, batch_size([x, boxes]))
    assert same(few, x[1:])
    assert [len(box["boxes"]) for box in found] == [1]


def test_sizes_that_disagree_are_named() -> None:
    batch = {"pixels": X, "extra": {"class_weights": torch.ones(10)}}
    message = r"batch\['extra'\]\['class_weights'\] has 10 rows, but batch\['pixels'\] has 6"
    with pytest.raises(InvalidProblem, match=message):
        batch_size(batch)
    part = take(batch, PICKED, N)  # once it is known how many there are
    assert len(part["extra"]["class_weights"]) == 10
    assert same(part["pixels"], X[PICKED])
    with pytest.raises(InvalidProblem, match=r"batch\[1\]\.y has 3 rows, but batch\[0\] has 6"):
        batch_size((X, Sample(X, Y[:3])))


def test_batches_that_hold_no_samples() -> None:
    for batch in (torch.tensor(1.0), {"a": 1}, "text", [], None, [["a"], ["b", "c"]]):
        with pytest.raises(InvalidProblem, match="batch_size="):
            batch_size(batch)
    with pytest.raises(InvalidProblem, match="nothing in the batch has 7 rows"):
        take((X, Y), PICKED, 7)


def test_packed_sequences_are_refused() -> None:
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(3), torch.ones(2)])
    with pytest.raises(InvalidProblem, match=r"batch\[0\] is a PackedSequence"):
        batch_size((packed, Y))


def test_the_memory_format_is_kept() -> None:
    images = torch.randn(N, 3, 4, 4).to(memory_format=torch.channels_last)
    part = take(images, PICKED, N)
    assert part.is_contiguous(memory_format=torch.channels_last)
    assert same(part, images[PICKED])
    assert take(images.contiguous(), PICKED, N).is_contiguous()
