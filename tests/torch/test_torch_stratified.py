"""The stratified sampler: shares in every batch, no repeats, what strata are, what is refused."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidOption

torch = pytest.importorskip("torch")

from subsetopt.torch import sampler  # noqa: E402
from subsetopt.torch._label_strata import strata  # noqa: E402

LABELS = np.random.default_rng(0).choice(7, 997, p=[0.4, 0.3, 0.1, 0.1, 0.06, 0.03, 0.01])


def made(labels: Any = LABELS, batch: int = 16, budget: Any = 1.0, **options: Any) -> Any:
    return sampler("stratified", len(labels), batch, budget, labels=labels, **options)


def counts(batches: Any, labels: Any = LABELS) -> Any:
    return np.array([np.bincount(labels[batch], minlength=labels.max() + 1) for batch in batches])


@pytest.mark.parametrize("batch", [1, 5, 16, 100])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_batch_and_every_prefix_has_the_shares_to_a_sample(batch: int, seed: int) -> None:
    batches = list(made(batch=batch, seed=seed))
    found = counts(batches)
    sizes = found.sum(1)[:, None]
    shares = sizes * np.bincount(LABELS) / len(LABELS)
    assert (found >= np.floor(shares)).all()
    assert (found <= np.ceil(shares)).all()
    assert np.abs(np.cumsum(found - shares, axis=0)).max() < 1.0
    assert Counter(np.concatenate(batches)) == Counter(range(997))


def test_rare_strata_come_at_even_distances() -> None:
    labels = np.repeat([0, 1], [990, 10])
    places = np.flatnonzero(counts(list(made(labels, batch=10)), labels)[:, 1])
    assert len(places) == 10
    assert set(np.diff(places)) <= {9, 10, 11}


@pytest.mark.parametrize(
    ("budget", "world", "drop"), [(0.1, 1, False), (0.3, 3, False), (0.37, 2, True)]
)
def test_every_sample_is_used_before_any_is_used_again(
    budget: float, world: int, drop: bool
) -> None:
    ranks = [
        made(budget=budget, batch=8, rank=r, world_size=world, drop_last=drop) for r in range(world)
    ]
    used: Counter[int] = Counter()
    for _ in range(13):
        batches = [list(chosen) for chosen in ranks]
        assert len({len(own) for own in batches}) == 1
        for own in batches:
            found = counts(own)
            shares = found.sum(1)[:, None] * np.bincount(LABELS) / len(LABELS)
            assert np.abs(found - shares).max() < 1.1  # shares of an epoch, not of the whole
            used.update(np.concatenate(own))
        each = [[used[int(i)] for i in np.flatnonzero(label == LABELS)] for label in range(7)]
        assert all(max(times) - min(times) <= 1 for times in each)


def test_with_repeats_each_epoch_is_drawn_anew() -> None:
    chosen = made(budget=0.5, without_repeats=False)
    first, second = (set(np.concatenate(list(chosen))) for _ in range(2))
    assert 150 < len(first & second) < 350  # 249 expected; without repeats 0
    halves = made(budget=0.5)
    assert len(set(np.concatenate(list(halves))) & set(np.concatenate(list(halves)))) <= 1


def test_a_schedule_goes_on_where_the_last_epoch_ended() -> None:
    chosen = made(budget=lambda epoch, _: 0.5 if epoch else 0.25)
    parts = [np.concatenate(list(chosen)) for _ in range(2)]
    assert [len(part) for part in parts] == [249, 498]
    assert len(set(np.concatenate(parts))) == 249 + 498


def test_resuming_in_the_middle_and_another_sampler() -> None:
    chosen = made(budget=0.3)
    list(chosen)
    walk = iter(chosen)
    seen = [next(walk) for _ in range(4)]
    state = chosen.state_dict()
    rest = list(walk)
    again = made(budget=0.3)
    again.load_state_dict(state)
    assert list(again) == rest
    assert seen
    with pytest.raises(InvalidOption, match="strata"):
        made(np.roll(LABELS, 1), budget=0.3).load_state_dict(state)


def test_chance_decides_among_equals() -> None:
    labels = np.arange(1000) % 10
    pairs: Counter[tuple[Any, ...]] = Counter()
    for seed in range(20):
        found = counts(list(made(labels, batch=12, seed=seed)), labels)
        pairs.update(tuple(np.flatnonzero(row == 2)) for row in found)
    assert len(pairs) >= 40  # of 45 pairs of classes that a batch can have twice


def test_strata_of_columns_texts_bins_and_cells() -> None:
    columns = np.array([["a", "x"], ["a", "y"], ["b", "x"], ["a", "x"]])
    assert strata(4, columns)[0].tolist() == [0, 1, 2, 0]
    assert strata(3, ["b", "a", "b"])[0].tolist() == [1, 0, 1]
    target = np.random.default_rng(0).exponential(size=1000)
    found, _ = strata(1000, target, 4)
    assert np.bincount(found).tolist() == [250] * 4
    assert target[found == 0].max() <= target[found == 1].min()
    assert strata(4, torch.tensor([3, 1, 3, 7]))[0].tolist() == [1, 0, 1, 2]
    pytest.importorskip("sklearn")
    points = np.repeat([[0.0, 0.0], [9.0, 9.0]], 20, axis=0)
    found, _ = strata(40, None, None, points, 2)
    assert found[:20].std() == found[20:].std() == 0
    assert found[0] != found[20]


def test_cells_take_turns_within_the_classes() -> None:
    pytest.importorskip("sklearn")
    labels, cell = np.repeat([0, 1], 300), np.tile([0, 0, 1], 200)
    points = np.stack([cell * 50.0, labels * 0.1], axis=1)
    batches = list(made(labels, batch=12, features=points, cells=2))
    pairs = np.array([np.bincount(2 * labels[b] + cell[b], minlength=4) for b in batches])
    assert (pairs[:, :2].sum(1) == 6).all()
    assert np.abs(pairs - [4, 2, 4, 2]).max() <= 1
    assert np.abs(np.cumsum(pairs - np.array([4, 2, 4, 2]), axis=0)).max() <= 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "labels=, or features=.* got neither"),
        ({"labels": [0, 1, 2]}, r"each of the 2 samples, shape \(2,\).* got shape \(3,\)"),
        ({"labels": [0.5, float("nan")]}, "1 values that are NaN or infinite"),
        ({"labels": [0.5, 1.5]}, "2 different numbers of 2 samples; bins=10"),
        ({"labels": ["a", "b"], "bins": 2}, "bins divide numbers"),
        ({"labels": [0, 1], "cells": 0}, "cells must be an integer in"),
        ({"labels": [0, 1], "bins": 0}, "bins must be an integer in"),
        ({"features": [[0.0], [1.0]], "bins": 2}, "say cells="),
        ({"features": [["a"], ["b"]]}, "features must be numbers"),
        ({"labels": [0, 1], "without_repeats": 1}, "without_repeats must be True or False"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        sampler("stratified", 2, 1, **given)
