"""The average of the weights, against a computation by hand."""

import copy

import pytest

from subsetopt.errors import InvalidOption

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.training._optimization import WeightAverage  # noqa: E402

DECAY = 0.75


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def trained(model: nn.Module, average: WeightAverage, steps: int) -> list[dict[str, Tensor]]:
    """Return what the model was after each step."""
    seen = []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        model(torch.randn(8, 3, generator=generator)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        average.update(model)
        seen.append(copy.deepcopy(model.state_dict()))
    return seen


def test_by_hand() -> None:
    model = network()
    average = WeightAverage(model, DECAY)
    first, second, third = trained(model, average, 3)
    for name, value in average.model.state_dict().items():
        if value.is_floating_point():
            by_hand = DECAY * (DECAY * first[name] + (1 - DECAY) * second[name])
            torch.testing.assert_close(value, by_hand + (1 - DECAY) * third[name])
        else:
            assert name == "1.num_batches_tracked"
            assert value == 3


def test_the_model_is_left_alone() -> None:
    with_it, without = network(), network()
    trained(with_it, WeightAverage(with_it, DECAY), 2)
    trained(without, WeightAverage(network(), DECAY), 2)
    for one, other in zip(with_it.parameters(), without.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad
    assert not any(w.requires_grad for w in WeightAverage(with_it, DECAY).model.parameters())


def test_none_is_the_model_itself() -> None:
    model = network()
    average = WeightAverage(model, 0.0)
    last = trained(model, average, 3)[-1]
    for name, value in average.model.state_dict().items():
        assert torch.equal(value, last[name])


def test_goes_on_from_a_state() -> None:
    model = network()
    average = WeightAverage(model, DECAY)
    trained(model, average, 2)
    resumed = WeightAverage(network(), DECAY)
    resumed.load_state_dict(copy.deepcopy(average.state_dict()))
    trained(model, average, 1)
    resumed.update(model)
    for one, other in zip(
        average.model.state_dict().values(), resumed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_options() -> None:
    for decay in (-0.1, 1.0, float("nan")):
        with pytest.raises(InvalidOption, match="decay must"):
            WeightAverage(network(), decay)
    with pytest.raises(InvalidOption, match=r"has decay 0\.5"):
        WeightAverage(network(), DECAY).load_state_dict(WeightAverage(network(), 0.5).state_dict())
