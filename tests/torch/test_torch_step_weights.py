"""Weights that make the expected gradient that of the whole batch."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.torch.rules import rule  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    CLASSES,
    ENTROPY,
    D,
    batches,
    network,
)


def test_uniform_weights_give_the_mean_of_the_chosen() -> None:
    batch = batches(1)[0]
    result = SubsetStep(network(), ENTROPY, "uniform", 4, reweight=True)(batch)
    assert result.weights is not None
    torch.testing.assert_close(result.weights, torch.full((4,), 0.25))
    torch.testing.assert_close(result.loss, result.trained.mean())


def linear() -> tuple[Any, tuple[Tensor, Tensor], Callable[[Tensor], Tensor]]:
    """Return a model, a batch, and a function from losses to the flat gradient."""
    model = nn.Linear(D, CLASSES, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.linspace(-1, 1, D * CLASSES).reshape(CLASSES, D))
    x, y = batches(1, n=8)[0]

    def gradient(loss: Tensor) -> Tensor:
        found: Tensor = torch.autograd.grad(loss, [model.weight])[0].flatten()
        return found

    return model, (x.double(), y), gradient


@pytest.mark.parametrize(("name", "k"), [("uniform", 3), ("prob", None)])
def test_over_all_subsets_the_weighted_gradient_is_that_of_the_batch(name: str, k: Any) -> None:
    model, batch, gradient = linear()
    step = SubsetStep(model, ENTROPY, name, k, reweight=True)
    losses = ENTROPY(model, batch)
    keep = None if k else losses.detach().tanh()
    expected = torch.zeros(D * CLASSES, dtype=torch.float64)
    masses = []
    for size in range(1, 9) if k is None else [k]:
        for subset in itertools.combinations(range(8), size):
            indices = torch.tensor(subset)
            kept = torch.zeros(8, dtype=torch.bool).index_fill(0, indices, True)
            if keep is None:
                masses.append(1.0 / math.comb(8, k))
            else:  # one that is kept may be so for want of any
                mass = torch.where(kept, keep, 1.0 - keep).prod()
                masses.append(float(mass + (size == 1) * (1.0 - keep).prod() / 8))
            step.rule._choose = lambda *_, found=indices, **__: found[None]  # type: ignore[method-assign]
            expected += masses[-1] * gradient(step(batch).loss)
    assert sum(masses) == pytest.approx(1.0, rel=1e-12)
    torch.testing.assert_close(expected, gradient(losses.mean()), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "k", "quotas"),
    [("uniform", 3, None), ("prob", None, None), ("uniform", 4, "proportional"), ("uniform", 4, 1)],
)
def test_over_many_draws_the_weighted_gradient_is_that_of_the_batch(
    name: str, k: Any, quotas: Any
) -> None:
    model, batch, gradient = linear()
    step = SubsetStep(model, ENTROPY, rule(name, seed=1, quotas=quotas), k, reweight=True)
    wanted = gradient(ENTROPY(model, batch).mean())
    drawn = torch.stack([gradient(step(batch).loss) for _ in range(400)])
    spread = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - wanted) / spread).abs().max() < 4.0
    biased = gradient(SubsetStep(model, ENTROPY, "max_loss", 3)(batch).loss)
    assert ((biased - wanted) / spread).abs().max() > 8.0  # it would be seen
