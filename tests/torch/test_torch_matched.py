"""The matched sampler: label shares, mean features, no repeats, what it shares with stratified."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from subsetopt._kernels import rng
from subsetopt._kernels.matched_batches import even_out
from subsetopt.errors import InvalidOption

torch = pytest.importorskip("torch")

from subsetopt.torch import sampler  # noqa: E402

DRAWN = np.random.default_rng(0)
X = DRAWN.normal(size=(960, 6)) * [1, 50, 1e-3, 1, 1, 0] + 7
Y = DRAWN.choice(4, 960, p=[0.5, 0.3, 0.15, 0.05])
Z = (X[:, :5] - X[:, :5].mean(0)) / X[:, :5].std(0)


def made(name: str = "matched", budget: Any = 1.0, batch: int = 12, **options: Any) -> Any:
    given = {"features": X} if name == "matched" else {}
    return sampler(name, len(X), batch, budget, **{**given, "labels": Y, **options})


def distance(batches: Any) -> float:
    return float(np.mean([np.square(Z[batch].mean(0)).sum() for batch in batches]) ** 0.5)


@pytest.mark.parametrize("budget", [1.0, 0.3])
def test_means_are_closer_than_those_of_shares_alone(budget: float) -> None:
    matched, shares = (list(made(name, budget)) for name in ("matched", "stratified"))
    assert distance(matched) < 0.35 * distance(shares)
    # The very samples that the stratified sampler has in this epoch, in other batches.
    assert Counter(np.concatenate(matched)) == Counter(np.concatenate(shares))
    for own, other in zip(matched, shares, strict=True):
        assert (
            np.bincount(Y[own], minlength=4).tolist() == np.bincount(Y[other], minlength=4).tolist()
        )


def test_more_looks_bring_means_closer_and_none_leave_them() -> None:
    found = [distance(list(made(looks=looks))) for looks in (0, 8, 64)]
    assert found[0] > 1.5 * found[1] > 1.5 * found[2]
    assert list(made(looks=0)) == list(made("stratified"))


@pytest.mark.parametrize(("world", "drop"), [(1, False), (3, False), (2, True)])
def test_every_sample_is_used_before_any_is_used_again(world: int, drop: bool) -> None:
    ranks = [made(budget=0.35, rank=r, world_size=world, drop_last=drop) for r in range(world)]
    used: Counter[int] = Counter()
    for _ in range(7):
        batches = [list(chosen) for chosen in ranks]
        assert len({len(own) for own in batches}) == 1
        used.update(np.concatenate([sample for own in batches for sample in own]).tolist())
    for label in range(4):
        times = [used[int(place)] for place in np.flatnonzero(label == Y)]
        assert max(times) - min(times) <= 1


def test_without_labels_and_with_a_measured_target() -> None:
    free = list(made(labels=None))
    assert distance(free) < 0.35 * distance(list(sampler("unif_sgd", len(X), 12)))
    target = X[:, 0]
    binned = list(made(labels=target, bins=3))
    thirds = np.searchsorted(np.quantile(target, [1 / 3, 2 / 3]), target, side="right")
    assert all(np.bincount(thirds[batch], minlength=3).tolist() == [4, 4, 4] for batch in binned)


def test_resuming_and_workers_and_schedules() -> None:
    chosen = made(budget=lambda epoch, _: 0.5 if epoch else 0.25)
    assert [len(np.concatenate(list(chosen))) for _ in range(2)] == [240, 480]
    walk = iter(chosen)
    for _ in range(3):
        next(walk)
    state = chosen.state_dict()
    rest = list(walk)
    again = made(budget=lambda epoch, _: 0.5 if epoch else 0.25)
    again.load_state_dict(state)
    loader = torch.utils.data.DataLoader(torch.arange(len(X)), batch_sampler=again, num_workers=1)
    assert [batch.tolist() for batch in again.track(loader)] == rest
    with pytest.raises(InvalidOption, match="features"):
        made(budget=0.5, features=X[::-1]).load_state_dict(made(budget=0.5).state_dict())
    again.set_epoch(0, rewind=True)
    assert len(again) == 20


def test_the_kernel_keeps_places_in_their_strata_and_its_sum_exact() -> None:
    rows = DRAWN.normal(size=(60, 3)).astype(np.float32)
    sizes = np.array([25, 25, 10])
    batch, group = np.repeat(np.arange(3), sizes), np.tile([0, 1], 30)
    members, begins = group.argsort(kind="stable"), np.array([0, 30, 60])
    order, sums = np.arange(60), np.empty((3, 3), np.float32)
    scale = (1.0 / sizes**2).astype(np.float32)
    given = (batch, group, begins, members, scale, 40, sums, rng.seeded(1))
    left = even_out(rows, order, *given)
    assert sorted(order) == list(range(60))
    assert (group[order] == group).all()
    means = [rows[order[batch == t]].mean(0, dtype=float) for t in range(3)]
    assert left == pytest.approx(np.square(means).sum(), rel=1e-4)
    assert left < 0.1 * sum(np.square(rows[batch == t].mean(0)).sum() for t in range(3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "matched needs features="),
        ({"features": [[0.0], [1.0]], "bins": 2}, "leave out bins="),
        ({"features": [["a"], ["b"]]}, "features must be numbers"),
        ({"features": [[0.0], [float("inf")]]}, "1 values that are NaN or infinite"),
        ({"features": [[0.0]]}, r"each of the 2 samples.* got shape \(1, 1\)"),
        ({"features": [[0.0], [1.0]], "looks": -1}, "looks must be an integer >= 0"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        sampler("matched", 2, 1, **given)
