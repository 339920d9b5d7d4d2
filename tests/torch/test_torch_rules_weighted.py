"""The rules that keep each sample with a probability of its own."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem

torch: Any = pytest.importorskip("torch")
torch_rules = pytest.importorskip("subsetopt.torch.rules")
candidates = pytest.importorskip("subsetopt.torch.rules._candidates")
rule = torch_rules.rule


def seeded(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.empty(shape).exponential_(generator=seeded(seed))


def kept(pick: Any, losses: Any, times: int, k: int | None = None) -> Any:
    """Return how often each sample is kept."""
    counts = torch.zeros(len(losses))
    for _ in range(times):
        counts[pick(losses, k)] += 1
    return counts


def chi_square(counts: Any, keep: Any, times: int) -> float:
    """Return the sum of squared standard scores, of mean n for independent samples."""
    expected, variance = times * keep, times * keep * (1 - keep)
    sure = variance < 1e-6
    assert torch.equal(counts[sure], expected[sure].round())
    return float(((counts - expected)[~sure] ** 2 / variance[~sure]).sum())


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 30),
    name=st.sampled_from(["prob", "selective_backprop"]),
    level=st.sampled_from([0.0, 1e-30, 0.1, 100.0]),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_at_least_one_is_kept(n: int, name: str, level: float, dtype: Any) -> None:
    losses = (level * drawn(n)).to(dtype).requires_grad_()
    untouched = torch.get_rng_state()
    chosen = rule(name)(losses, generator=seeded(n))
    assert chosen.dtype == torch.int64
    assert chosen.ndim == 1
    assert not chosen.requires_grad
    assert 1 <= len(chosen) <= n
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert torch.equal(chosen, rule(name)(losses, generator=seeded(n)))
    assert torch.equal(torch.get_rng_state(), untouched)


def test_prob_keeps_with_the_published_probability() -> None:
    losses = drawn(40)
    pick = rule("prob", gamma=0.7)
    keep = pick.probabilities(losses)
    decay = torch.exp(-2 * 0.7 * losses)
    assert torch.allclose(keep, (1 - decay) / (1 + decay), atol=1e-6)
    assert chi_square(kept(pick, losses, 1500), keep, 1500) < 40 + 4 * 80**0.5


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_selective_backprop_keeps_with_the_power_of_the_rank(beta: float) -> None:
    n = 40
    losses = drawn(n)
    pick = rule("selective_backprop", history=n, beta=beta)
    counts = kept(pick, losses, 1500)
    rank = (losses[:, None] >= losses[None, :]).float().mean(1)
    assert torch.allclose(pick.probabilities(losses), rank**beta)
    assert chi_square(counts, rank**beta, 1500) < n + 4 * (2 * n) ** 0.5
    assert counts[losses.argmax()] == 1500
    assert counts[losses.argmin()] <= counts[losses.argmax()] / 2


def test_the_published_beta_keeps_the_share_that_is_asked_for() -> None:
    losses = drawn(120)
    for k, beta in ((12, 9.0), (30, 3.0), (60, 1.0), (120, 0.0)):
        rows = losses.expand(50, 120)
        by_default = rule("selective_backprop", seed=3)(rows, k)
        assert torch.equal(by_default, rule("selective_backprop", seed=3, beta=beta)(rows, k))
    plain = rule("selective_backprop").probabilities(losses)
    assert torch.equal(plain, rule("selective_backprop", beta=1.0).probabilities(losses))


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_k_are_drawn_one_after_another_by_weight(beta: float) -> None:
    losses, times = torch.tensor([1.0, 2.0, 3.0, 4.0]), 2000
    pick = rule("selective_backprop", history=4, beta=beta)
    weight = torch.tensor([0.25, 0.5, 0.75, 1.0]) ** beta
    weight /= weight.sum()
    first, second = weight[:, None], weight[None, :]
    pairs = (first * second / (1 - first)).fill_diagonal_(0)
    keep = pairs.sum(0) + pairs.sum(1)
    batched = pick(losses.expand(times, 4), 2).flatten().bincount(minlength=4)
    single = kept(pick, losses, times, k=2)
    for counts in (batched, single):
        assert chi_square(counts.float(), keep, times) < 4 + 4 * 8**0.5
    with pytest.raises(UnsupportedProblem, match="k = 2"):
        pick.probabilities(losses, 2)


def test_k_zero_losses_are_drawn_last() -> None:
    losses = torch.zeros(50)
    losses[[3, 17, 30]] = 0.5
    for seed in range(20):
        chosen = rule("prob")(losses, 5, generator=seeded(seed)).tolist()
        assert {3, 17, 30} <= set(chosen)


def test_ranks_are_among_the_last_losses_only() -> None:
    pick = rule("selective_backprop", history=6)
    few = torch.tensor([1.0, 2.0])
    assert pick.probabilities(few).tolist() == [0.5, 1.0]
    pick(few)
    assert pick.probabilities(few).tolist() == [0.5, 1.0]
    pick(torch.tensor([3.0, 4.0, 5.0]))
    keep = torch.tensor([0.2, 0.4])
    torch.testing.assert_close(pick.probabilities(few).double(), least_one(keep))
    pick(torch.tensor([6.0, 7.0]))  # the seventh: 1.0 is forgotten
    assert pick.probabilities(torch.tensor([1.0, 2.0, 9.0])).tolist() == pytest.approx(
        [0, 1 / 6, 1]
    )
    pick(torch.arange(100.0))  # more than are remembered: the last ones are
    keep = torch.tensor([0.0, 1 / 6])
    torch.testing.assert_close(
        pick.probabilities(torch.tensor([93.0, 94.0])).double(), least_one(keep)
    )
    pick(torch.full((4, 6), 3.0), 2)
    assert pick.probabilities(torch.tensor([2.0, 3.0])).tolist() == [0.0, 1.0]


def test_equal_losses_are_all_kept() -> None:
    assert rule("selective_backprop", beta=3)(torch.full((9,), 0.7)).tolist() == list(range(9))


def test_selective_backprop_resumes() -> None:
    first, resumed = (rule("selective_backprop", history=16, seed=seed) for seed in (1, 2))
    assert "last" not in first.state_dict()
    for turn in range(3):
        first(drawn(7, seed=turn))
    state = first.state_dict()
    resumed.load_state_dict(state)
    for turn in range(3, 6):
        assert torch.equal(first(drawn(7, seed=turn)), resumed(drawn(7, seed=turn)))
    assert state["seen"] == 21  # a copy, as it was
    with pytest.raises(InvalidOption, match="history 16"):
        rule("selective_backprop", history=8).load_state_dict(state)


def least_one(keep: Any) -> Any:
    """Return the probabilities over all subsets; where nothing is kept, one of all alike is."""
    n = len(keep)
    subsets = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * n).view(-1, n)
    masses = torch.where(subsets > 0, keep.double(), 1.0 - keep.double()).prod(1)
    subsets[0] = 1.0 / n
    return (masses[:, None] * subsets).sum(0)


@pytest.mark.parametrize("gamma", [1e-30, 0.01, 0.2, 3.0])
def test_the_one_that_is_kept_for_want_of_others_counts(gamma: float) -> None:
    losses, times = torch.tensor([0.0, 0.1, 0.5, 1.0, 2.0, 4.0]), 2000
    pick = rule("prob", gamma=gamma)
    found, wanted = pick.probabilities(losses), least_one((gamma * losses).tanh())
    torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=0.0)
    assert chi_square(kept(pick, losses, times), found, times) < 6 + 4 * 12**0.5
    batch = torch.stack([losses, losses.flip(0)])
    assert torch.equal(pick.probabilities(batch), torch.stack([found, found.flip(0)]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_but_zeros_is_uniform_and_what_is_sure_leaves_no_want(dtype: Any) -> None:
    pick, zeros = rule("prob"), torch.zeros(5, dtype=dtype)
    assert pick.probabilities(zeros).tolist() == pytest.approx([0.2] * 5)
    counts = kept(pick, zeros, 2000)
    assert chi_square(counts, pick.probabilities(zeros), 2000) < 5 + 4 * 10**0.5
    assert counts.sum() == 2000
    sure = torch.tensor([0.0, 100.0, 0.0, 100.0], dtype=dtype)
    assert pick.probabilities(sure).tolist() == [0.0, 1.0, 0.0, 1.0]
    assert kept(pick, sure, 50).tolist() == [0, 50, 0, 50]
    assert pick.probabilities(torch.zeros(1, dtype=dtype)).tolist() == [1.0]


def test_what_is_not_finite_is_kept_only_for_want_of_finite_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "require_finite", lambda *_: None)  # as on a GPU
    pick = rule("prob", gamma=0.1)
    losses = torch.tensor([torch.inf, 1.0, torch.nan, 0.0, -torch.inf])
    found = pick.probabilities(losses)
    torch.testing.assert_close(found[[1, 3]].double(), least_one((0.1 * losses[[1, 3]]).tanh()))
    assert found[[0, 2, 4]].tolist() == [0.0] * 3
    counts = kept(pick, losses, 2000)
    assert counts[[0, 2, 4]].tolist() == [0.0] * 3
    assert chi_square(counts[[1, 3]], found[[1, 3]], 2000) < 2 + 4 * 4**0.5
    lost = torch.full((3,), torch.nan)
    assert len(pick(lost)) == 1
    assert pick.probabilities(lost).tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("name", "options"),
    [("prob", {}), ("prob", {"gamma": 0.02}), ("selective_backprop", {"history": 30})],
)
def test_the_weights_of_chosen_losses_make_the_mean_unbiased(name: str, options: Any) -> None:
    losses, times = drawn(30), 1000
    pick = rule(name, **options)
    pick(losses)
    chances = pick.probabilities(losses)
    estimates = torch.stack(
        [(losses[c] / chances[c]).sum() / 30 for c in (pick(losses) for _ in range(times))]
    )
    error = estimates.std() / times**0.5
    assert abs(estimates.mean() - losses.mean()) < 4 * error


# -- independent draws -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [("uniform", {}), ("prob", {"gamma": 0.05}), ("selective_backprop", {"history": 40})],
)
def test_independent_draws_keep_each_with_its_own_chance(name: str, options: Any) -> None:
    losses, n, k, times = drawn(40), 40, 8, 1500
    pick = rule(name, draws="independent", **options)
    counts = kept(pick, losses, times, k)
    ranks = (losses[:, None] >= losses[None, :]).float().mean(1)
    own = {"uniform": torch.full((n,), k / n), "prob": (0.05 * losses).tanh()}
    chances = own.get(name, ranks**4)  # n / k - 1
    keep = chances + (1 - chances.double()).prod() / n
    assert torch.allclose(pick.probabilities(losses, k).double(), keep.double(), atol=1e-6)
    assert chi_square(counts, keep.float(), times) < n + 4 * (2 * n) ** 0.5
    sizes = {len(pick(losses, k)) for _ in range(30)}
    assert len(sizes) > 3
    assert min(sizes) >= 1
    with pytest.raises(InvalidProblem, match="2 rows, but by independent draws"):
        pick(losses.expand(2, n), k)
    with pytest.raises(InvalidOption, match="quotas='proportional' cannot be kept"):
        rule(name, draws="independent", quotas="proportional")
    assert pick.waits
    assert not rule(name).waits


def test_all_of_the_batch_are_drawn_only_where_that_is_certain() -> None:
    losses = drawn(20)
    assert rule("uniform", draws="independent")(losses, 20).tolist() == list(range(20))
    few = rule("prob", gamma=1e-9, draws="independent")
    assert not few.takes_all(20, 20)
    assert len(few(losses, 20)) == 1


def test_chances_in_proportion_to_the_loss() -> None:
    losses = torch.tensor([0.0, 1.0, 2.0, 4.0, -1.0])
    pick = rule("selective_backprop", history=5, by="loss")
    expected = least_one(torch.tensor([0.0, 0.25, 0.5, 1.0, 0.0]))
    torch.testing.assert_close(pick.probabilities(losses).double(), expected)
    pick(torch.tensor([8.0]))  # the largest that is remembered
    expected = least_one(torch.tensor([0.0, 0.125, 0.25, 0.5, 0.0]))
    torch.testing.assert_close(pick.probabilities(losses).double(), expected)
    assert pick(losses, 3).tolist() == [1, 2, 3]  # the others weigh nothing
    nothing = rule("selective_backprop", by="loss")
    assert len(nothing(torch.zeros(6))) == 1
    assert len(nothing(torch.zeros(6), 2)) == 2


@pytest.mark.parametrize(("name", "options"), [("obftf", {}), ("obftf_exact", {"solver": "swap"})])
def test_noisy_targets_are_drawn_around_the_mean(name: str, options: Any) -> None:
    losses, k, times = drawn(200, 100).double(), 10, 200
    chosen = rule(name, target="noisy", **options)(losses, k)
    scores = losses.gather(1, chosen).mean(1) - losses.mean(1)
    scores *= k**0.5 / losses.std(1, correction=0)
    assert abs(float(scores.mean())) < 4 / times**0.5
    assert float(scores.std()) == pytest.approx(1.0, abs=4 / (2 * times) ** 0.5)
    plain = rule(name, **options)(losses, k)
    assert float((losses.gather(1, plain).mean(1) - losses.mean(1)).abs().max()) < 1e-3
    again = rule(name, target="noisy", **options)
    assert torch.equal(again(losses, k), chosen)
    assert not torch.equal(again(losses, k), chosen)  # drawn anew
    with pytest.raises(InvalidOption, match="target='noisy' is for choices without quotas"):
        rule(name, target="noisy", quotas=1, **options)
    with pytest.raises(InvalidOption, match="start='uniform'"):
        rule("obftf", target="noisy", start="uniform")
