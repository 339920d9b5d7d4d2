"""What a training step on a part of the batch trains on."""

import copy
import gc
import weakref
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.torch.budgets import During, LinearBudget  # noqa: E402
from subsetopt.torch.functional import select  # noqa: E402
from subsetopt.torch.rules import Rule, rule  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

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


@pytest.mark.parametrize("k", [N, 1.0, 10 * N])
@pytest.mark.parametrize("name", ["uniform", "obftf", "max_loss", "prob"])
def test_the_whole_batch_is_plain_training_bit_for_bit(name: str, k: Any) -> None:
    model, calls = restless(), []

    def counted(model: Any, batch: Any) -> Any:
        calls.append(batch)
        return ENTROPY(model, batch)

    twin = copy.deepcopy(model)
    ((x, y),) = batches(1)
    torch.manual_seed(5)
    result = SubsetStep(model, counted, name, k)((x, y))
    backward(result.loss)
    torch.manual_seed(5)
    backward(ENTROPY(twin, (x, y)).mean())
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert_same(everything(model), everything(twin))
    assert [seen[0] is x for seen in calls] == [True]  # one pass, and no copy
    assert result.whole
    assert (result.size, result.losses) == (N, None)


def test_batch_norm_sees_what_ordered_sgd_has_chosen() -> None:
    norm = torch.nn.BatchNorm1d(8, momentum=1.0)
    model = network(norm)
    seen: list[Any] = []
    norm.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    ((x, y),) = batches(1)
    result = SubsetStep(model, ENTROPY, "ordered_sgd", N // 4)((x, y))
    assert [len(given) for given in seen] == [N, N // 4]  # to choose, and to train
    assert result.size == N // 4
    torch.testing.assert_close(norm.running_mean, seen[1].mean(0))


def test_the_gradient_is_that_of_the_chosen() -> None:
    model = network()
    twin = copy.deepcopy(model)
    ((x, y),) = batches(1)
    result = SubsetStep(model, ENTROPY, "max_loss", 0.25)((x, y))
    assert result.losses is not None
    assert_right(result, ENTROPY(twin, (x, y)), 4)
    backward(result.loss)
    few = x[result.indices], y[result.indices]
    trained = ENTROPY(twin, few)
    backward(trained.mean())
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert torch.equal(result.trained, trained.detach())
    torch.testing.assert_close(result.losses[result.indices], result.trained)
    assert torch.equal(result.batch[0], few[0])
    assert (result.size, result.batch_size, result.whole, result.weights) == (4, N, False, None)
    assert not result.losses.requires_grad
    assert not result.trained.requires_grad


def test_a_rule_that_picks_wrongly_is_found_out() -> None:
    class Lowest(Rule):
        name, needs = "lowest", "losses"

        def _choose(self, given: Any, k: Any, generator: Any) -> Tensor:
            found: Tensor = given.losses.argsort(1)[:, :k].sort(1).values
            return found

    model = network()
    batch = batches(1)[0]
    with pytest.raises(AssertionError):
        assert_right(SubsetStep(model, ENTROPY, Lowest(), 4)(batch), ENTROPY(model, batch), 4)


@pytest.mark.parametrize("name", ["uniform", "stride", "obftf", "selective_backprop", "mink"])
def test_rules_by_name(name: str) -> None:
    step = SubsetStep(network(), ENTROPY, name, 5)
    for batch in batches(3):
        result = step(batch)
        assert len(set(result.indices.tolist())) == result.size == 5
        assert (result.losses is None) == (name == "uniform")
        assert torch.isfinite(result.loss)


def test_a_rule_that_needs_nothing_makes_no_selection_pass() -> None:
    sizes: list[int] = []

    def counted(model: Any, batch: Any) -> Any:
        sizes.append(len(batch[0]))
        return ENTROPY(model, batch)

    step = SubsetStep(network(), counted, "uniform", 4)
    step(batches(1)[0])
    assert sizes == [4]
    SubsetStep(network(), counted, "max_loss", 4)(batches(1)[0])
    assert sizes == [4, N, 4]


def test_a_rule_that_chooses_the_number_itself() -> None:
    step = SubsetStep(network(), ENTROPY, rule("prob", gamma=0.5))
    sizes = {step(batch).size for batch in batches(8)}
    assert len(sizes) > 1
    assert min(sizes) >= 1


def test_a_generator_decides() -> None:
    batch = batches(1)[0]
    made = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    first, again, other = (
        SubsetStep(network(), ENTROPY, "uniform", 5, generator=own)(batch).indices for own in made
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_last_batch_may_be_smaller_than_k() -> None:
    step = SubsetStep(network(), ENTROPY, "obftf", 10)
    sizes = [step(batch).size for batch in [*batches(2), *batches(1, n=7)]]
    assert sizes == [10, 10, 7]


def test_the_lowest_of_a_whole_batch_that_was_drawn_is_one() -> None:
    ((x, y),) = batches(1)
    result = SubsetStep(network(), ENTROPY, rule("mink", reading="drawn"), N)((x, y))
    assert result.losses is not None
    assert result.indices.tolist() == [int(result.losses.argmin())]


def test_a_schedule() -> None:
    warm = During(LinearBudget(0.5, 0.25), start=2)
    step = SubsetStep(network(), ENTROPY, "max_loss", warm, total_steps=5)
    assert [step(batch).size for batch in batches(5)] == [16, 16, 6, 5, 4]
    with pytest.raises(InvalidOption, match="total_steps="):
        SubsetStep(network(), ENTROPY, "max_loss", warm)


def test_select() -> None:
    losses = torch.tensor([0.5, 2.0, 0.1, 3.0])
    assert select(losses, 2, "max_loss").tolist() == [1, 3]
    assert select(losses, 0.5, rule("max_loss")).tolist() == [1, 3]
    assert select(losses, 2).tolist() == [0, 3] or len(select(losses, 2)) == 2
    assert select(losses.expand(3, 4), 2, "max_loss").tolist() == [[1, 3]] * 3
    with pytest.raises(InvalidOption, match="no option 'gamma'"):
        select(losses, 2, "max_loss", gamma=2.0)
    with pytest.raises(InvalidOption, match="options gamma are given with a rule"):
        select(losses, 2, rule("max_loss"), gamma=2.0)
    generator = torch.Generator().manual_seed(0)
    picks = {tuple(select(losses, 2, "uniform", generator).tolist()) for _ in range(30)}
    assert len(picks) > 1


def test_losses_are_not_held_back() -> None:
    (batch,) = batches(1)
    held: list[Any] = []

    def watched(model: Any, batch: Any) -> Any:
        losses: Tensor = ENTROPY(model, batch)
        held.append(weakref.ref(losses))
        return losses

    SubsetStep(network(), watched, "max_loss", 4)(batch)
    gc.collect()
    assert [losses() for losses in held] == [None, None]
