"""What plain loops over plain loaders see, for comparison with those of frameworks."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from subsetopt.torch import SequenceBatchSampler
from subsetopt.torch._epochs import sampler

ORDER = np.random.default_rng(0).permutation(40)[:23]  # five batches of five, the last one smaller
SAMPLERS: dict[str, Callable[..., Any]] = {
    "sequence": lambda **ranks: SequenceBatchSampler(ORDER, 5, **ranks),
    "shuffled": lambda **ranks: SequenceBatchSampler(ORDER, 5, shuffle_batches=True, **ranks),
    "unif_sgd": lambda **ranks: sampler("unif_sgd", 40, 5, 23, **ranks),
    "coreset": lambda **ranks: sampler("coreset", 40, 5, indices=ORDER, **ranks),
    "c_sgd": lambda **ranks: sampler("c_sgd", 40, 5, 23, **ranks),
}


class Numbers(Dataset[int]):
    """Whose samples are their indices."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> int:
        return index


def loader(batches: Any, workers: int = 0, kind: Any = DataLoader) -> Any:
    options = {"multiprocessing_context": "fork"} if workers else {}
    return kind(Numbers(), batch_sampler=batches, num_workers=workers, **options)


def epoch(made: Iterable[Any]) -> list[list[int]]:
    return [batch.tolist() for batch in made]


def plain(name: str, epochs: int, **ranks: Any) -> list[list[list[int]]]:
    """Return the batches of each epoch in a plain loop."""
    made = loader(SAMPLERS[name](**ranks))
    return [epoch(made) for _ in range(epochs)]


def stopped(name: str, epochs: int, done: int, **ranks: Any) -> dict[str, Any]:
    """Return the state after `done` batches of the epoch that follows so many whole ones."""
    chosen = SAMPLERS[name](**ranks)
    made = loader(chosen)
    for _ in range(epochs):
        epoch(made)
    for number, _ in enumerate(chosen.track(made), start=1):
        if number == done:
            break
    state: dict[str, Any] = chosen.state_dict()
    return state


def teach(chosen: Any, batch: Any) -> None:
    """Tell an importance sampler losses that depend on nothing but the samples."""
    if hasattr(chosen, "update"):
        chosen.update(batch, losses=torch.sin(batch.float()).abs())
