"""Features, and a selection pass that is cheaper than the training pass."""

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.torch.rules import Rule  # noqa: E402
from subsetopt.torch.step import SubsetStep, supervised  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    ENTROPY,
    N,
    assert_right,
    assert_same,
    backward,
    batches,
    everything,
    gradients,
    network,
    restless,
)


class Nearest(Rule):
    """Stands in for a rule with features: the k rows that are nearest to the origin."""

    name, needs = "nearest", "features"

    def _choose(self, given: Any, k: Any, generator: Any) -> Tensor:
        found: Tensor = given.features.norm(dim=2).topk(k, largest=False).indices.sort(1).values
        return found


def test_frank_wolfe_chooses_by_losses_or_by_features() -> None:
    model, batch = nn.Linear(3, 1), (torch.randn(16, 3), torch.randn(16, 1))
    loss_fn = supervised(nn.MSELoss(reduction="none"))
    by_losses = SubsetStep(model, loss_fn, "frank_wolfe", 4)(batch)
    assert by_losses.losses is not None
    by_features = SubsetStep(model, loss_fn, "frank_wolfe", 4, features=lambda _, b: b[0])(batch)
    assert by_features.losses is None
    assert by_losses.size == by_features.size == 4


def test_features() -> None:
    x, y = batches(1)[0]
    step = SubsetStep(network(), ENTROPY, Nearest(), 4, features=lambda _, batch: batch[0])
    result = step((x, y))
    assert (
        result.indices.tolist() == x.norm(dim=1).topk(4, largest=False).indices.sort()[0].tolist()
    )
    assert result.losses is None
    model = restless()
    before, state = everything(model), torch.get_rng_state()
    step = SubsetStep(model, ENTROPY, Nearest(), 4, features=lambda m, batch: m(batch[0]))
    with torch.random.fork_rng(()):
        step((x, y))
    model.load_state_dict(before)
    step._choose((x, y), 4, N, None)
    assert_same(before, everything(model))
    assert torch.equal(state, torch.get_rng_state())
    with pytest.raises(InvalidOption, match="needs features="):
        SubsetStep(model, ENTROPY, Nearest(), 4)


def test_a_transform_is_for_the_selection_pass_alone() -> None:
    x, y = batches(1)[0]
    model = network()
    step = SubsetStep(model, ENTROPY, "max_loss", 4, transform=lambda b: (-3 * b[0], b[1]))
    result = step((x, y))
    assert_right(result, ENTROPY(model, (-3 * x, y)), 4)
    assert not torch.equal(
        result.indices, SubsetStep(model, ENTROPY, "max_loss", 4)((x, y)).indices
    )
    torch.testing.assert_close(result.trained, ENTROPY(model, (x, y))[result.indices].detach())


def test_lower_precision_is_for_the_selection_pass_alone() -> None:
    types: list[Any] = []

    def typed(model: Any, batch: Any) -> Tensor:
        out = model(batch[0])
        types.append(out.dtype)
        return nn.functional.cross_entropy(out.float(), batch[1], reduction="none")

    SubsetStep(network(), typed, "obftf", 4, autocast=torch.bfloat16)(batches(1)[0])
    assert types == [torch.bfloat16, torch.float32]


def test_inside_autocast_and_with_a_scaler() -> None:
    model = network(nn.BatchNorm1d(8))
    twin = copy.deepcopy(model)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    x, y = batches(1)[0]
    step = SubsetStep(model, ENTROPY, "max_loss", 4)
    with torch.autocast("cpu", torch.bfloat16):
        result = step((x, y))
    backward(scaler.scale(result.loss))
    with torch.autocast("cpu", torch.bfloat16):
        loss = ENTROPY(twin, (x[result.indices], y[result.indices])).mean()
    backward(scaler.scale(loss))
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert gradients(model)[0].abs().sum() > 0
