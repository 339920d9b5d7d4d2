"""What the tests of training steps share: data, models, and what must be equal afterwards."""

from typing import Any

import torch
from torch import Tensor, nn

from subsetopt.torch.step import StepResult, supervised

N, D, CLASSES = 16, 6, 3
ENTROPY = supervised(nn.CrossEntropyLoss(reduction="none"))


def batches(count: int, n: int = N) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(7)
    made = []
    for _ in range(count):
        x = torch.randn(n, D, generator=generator)
        made.append((x, torch.randint(CLASSES, (n,), generator=generator)))
    return made


def network(*layers: nn.Module, seed: int = 1) -> Any:
    with torch.random.fork_rng(()):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(D, 8), *layers, nn.ReLU(), nn.Linear(8, CLASSES))


def restless() -> Any:
    """Return a network with everything that a forward pass could change."""
    hidden = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))
    averaged = nn.BatchNorm1d(8, momentum=None)  # the cumulative average
    return network(nn.BatchNorm1d(8), hidden, averaged, nn.Dropout(0.5))


def everything(model: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert list(a) == list(b)
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


def backward(loss: Any) -> None:
    loss.backward()


def gradients(model: Any) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters()]


def assert_right(result: StepResult, losses: Tensor, k: int) -> None:
    """Hold what ``max_loss`` chose against a sort: the k highest, in the order of the batch."""
    assert result.indices.tolist() == losses.argsort(descending=True)[:k].sort().values.tolist()
