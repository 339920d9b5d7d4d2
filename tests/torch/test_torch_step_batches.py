"""Batches and losses of any build."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.torch.step import SubsetStep  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    CLASSES,
    ENTROPY,
    N,
    assert_right,
    batches,
    network,
)


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Record:
    x: Any
    y: Any


READERS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], tuple[Any, Any]]]] = {
    "tuple": (lambda x, y: (x, y), lambda b: b),
    "list": (lambda x, y: [x, y], lambda b: b),
    "dict": (lambda x, y: {"pixels": x, "labels": y}, lambda b: (b["pixels"], b["labels"])),
    "named": (Point, lambda b: (b.x, b.y)),
    "dataclass": (Record, lambda b: (b.x, b.y)),
    "nested": (lambda x, y: {"in": [x, {"id": ["a"] * N}], "y": y}, lambda b: (b["in"][0], b["y"])),
}


@pytest.mark.parametrize("kind", READERS)
def test_batches_of_every_build_give_the_same_step(kind: str) -> None:
    build, read = READERS[kind]
    x, y = batches(1)[0]
    wanted = SubsetStep(network(), ENTROPY, "max_loss", 4)((x, y))
    result = SubsetStep(network(), lambda model, b: ENTROPY(model, read(b)), "max_loss", 4)(
        build(x, y)
    )
    assert torch.equal(result.indices, wanted.indices)
    assert torch.equal(result.loss, wanted.loss)


def test_the_batch_size_can_be_said() -> None:
    x, y = batches(1)[0]
    table = torch.ones(CLASSES)

    def weighted(model: Any, batch: Any) -> Tensor:
        found: Tensor = ENTROPY(model, batch[:2]) * batch[2][batch[1]]
        return found

    result = SubsetStep(network(), weighted, "max_loss", 4)((x, y, table), batch_size=N)
    assert result.batch[2] is table
    assert_right(result, ENTROPY(network(), (x, y)), 4)


def test_losses_of_pixels_are_averaged() -> None:
    model = nn.Conv2d(1, 2, 1)
    x = torch.randn(6, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    y = torch.zeros(6, 3, 3, dtype=torch.int64)
    result = SubsetStep(model, ENTROPY, "max_loss", 2)((x, y))
    per_pixel = nn.functional.cross_entropy(model(x), y, reduction="none")
    assert_right(result, per_pixel.mean((1, 2)), 2)
