"""Strata of recorded losses: how many of each, weights that are unbiased, variance by formulas."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidOption

torch = pytest.importorskip("torch")

from subsetopt.torch import RecordedLosses, sampler  # noqa: E402
from subsetopt.torch._loss_strata import _allotted  # noqa: E402

LOSSES = np.random.default_rng(0).exponential(size=600) ** 1.5


def made(losses: Any = LOSSES, batch: int = 10, budget: Any = 0.1, **options: Any) -> Any:
    return sampler("loss_strata", len(losses), batch, budget, losses=losses, **options)


@pytest.mark.parametrize("allocation", ["neyman", "norm", "proportional"])
def test_the_weighted_mean_is_unbiased_whatever_the_losses_have_become(allocation: str) -> None:
    chosen = made(allocation=allocation, budget=60)
    counts, size = chosen._counts(60), len(LOSSES)
    assert counts.sum() == 60
    # A sample is in an epoch with n_h / N_h, so that it counts weight * n_h / (N_h n) = 1 / N.
    weights = chosen.weights(np.arange(size)).double().numpy()
    rates = (counts / chosen._totals)[chosen._strata]
    assert weights * rates / 60 == pytest.approx(np.full(size, 1 / size), rel=1e-6)


def test_over_whole_passes_the_average_of_epochs_is_the_mean_itself() -> None:
    losses = np.concatenate([np.full(12, 0.1) + np.arange(12) / 100, np.arange(12.0) + 1])
    chosen = made(losses, batch=4, budget=8, bins=2)
    low, high = chosen._counts(8)
    assert low < high
    others = np.random.default_rng(1).normal(size=24)  # what the losses are by then
    epochs = np.lcm(12 // np.gcd(low, 12), 12 // np.gcd(high, 12))
    means, used = [], Counter[int]()
    for _ in range(epochs):
        ids = np.concatenate(list(chosen))
        used.update(ids.tolist())
        means.append(float((chosen.weights(ids).double().numpy() * others[ids]).mean()))
    assert np.mean(means) == pytest.approx(others.mean(), rel=1e-5)
    assert {used[i] for i in range(12)} == {epochs * low // 12}
    assert {used[i] for i in range(12, 24)} == {epochs * high // 12}


@pytest.mark.parametrize("budget", [40, 200])
def test_its_variance_is_below_that_of_uniform_draws(budget: int) -> None:
    by_name = {
        name: made(budget=budget, allocation=name, floor=0.0).variance()
        for name in ("neyman", "norm", "proportional")
    }
    (least, uniform), norm, even = by_name["neyman"], by_name["norm"][0], by_name["proportional"][0]
    assert uniform == pytest.approx((1 - budget / 600) * LOSSES.var(ddof=1) / budget)
    assert least < norm < even < uniform
    assert least < 0.1 * uniform
    assert made(budget=budget).variance()[0] < 1.5 * least  # a quarter in proportion costs little


def test_draws_have_the_variance_that_the_formula_says() -> None:
    chosen = made(budget=48, without_repeats=False)
    means = []
    for epoch in range(400):
        chosen.set_epoch(epoch, rewind=True)
        ids = chosen._order(epoch)
        means.append(float((chosen.weights(ids).double().numpy() * LOSSES[ids]).mean()))
    ours, uniform = chosen.variance()
    assert np.var(means) == pytest.approx(ours, rel=0.25)  # 3.5 standard errors
    assert abs(np.mean(means) - LOSSES.mean()) < 4 * (ours / 400) ** 0.5
    assert ours < 0.1 * uniform


def test_without_repeats_each_stratum_goes_round_by_itself_on_all_ranks() -> None:
    ranks = [made(rank=rank, world_size=2, bins=4) for rank in range(2)]
    used: Counter[int] = Counter()
    for _ in range(9):
        used.update(np.concatenate([np.concatenate(list(own)) for own in ranks]).tolist())
    strata = ranks[0]._strata
    for stratum in range(4):
        times = [used[int(place)] for place in np.flatnonzero(strata == stratum)]
        assert max(times) - min(times) <= 1


def test_every_batch_has_its_share_of_each_stratum() -> None:
    chosen = made(budget=0.5, batch=20)
    rates = chosen._counts(300) / 300
    for batch in chosen:
        found = np.bincount(chosen._strata[batch], minlength=8)
        assert np.abs(found - 20 * rates).max() < 1.0


def test_resuming_and_records() -> None:
    recorded = RecordedLosses(size=600)
    recorded.update(torch.arange(300), torch.tensor(LOSSES[:300]))
    chosen = sampler("loss_strata", 600, 10, 0.1, losses=recorded)
    list(chosen)
    walk = iter(chosen)
    first = next(walk)
    state = chosen.state_dict()
    again = sampler("loss_strata", 600, 10, 0.1, losses=recorded)
    again.load_state_dict(state)
    assert list(again) == list(walk)
    assert len(first) == 10
    with pytest.raises(InvalidOption, match="strata"):
        made().load_state_dict(state)


def test_counts_stay_within_one_and_all() -> None:
    drawn = np.random.default_rng(2)
    for _ in range(200):
        most = drawn.integers(1, 30, size=drawn.integers(1, 9))
        shares = drawn.exponential(size=len(most)) ** 3 * drawn.integers(0, 2, size=len(most))
        count = int(drawn.integers(len(most), most.sum() + 1))
        found = _allotted(shares, most, count)
        assert found.sum() == count
        assert (found >= 1).all()
        assert (found <= most).all()
    assert _allotted(np.array([0.5, 0.3, 0.2]), np.array([9, 9, 9]), 10).tolist() == [5, 3, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs losses=, one for each sample"),
        ({"losses": [1.0, float("nan")]}, "1 values that are NaN or infinite"),
        ({"losses": [1.0, 2.0], "bins": 0}, "bins must be an integer >= 1"),
        ({"losses": [1.0, 2.0], "bins": 2, "budget": 1}, "1 samples for 2 strata"),
        ({"losses": ["a", "b"], "bins": 1}, "losses must be numbers"),
        ({"losses": [1.0, 2.0], "bins": 1, "floor": 1.5}, "floor must be a number in"),
        ({"losses": [1.0, 2.0], "bins": 1, "allocation": "even"}, "allocation must be"),
        ({"losses": RecordedLosses(size=3), "bins": 1}, "records have size 3"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        sampler("loss_strata", 2, 1, **given)
