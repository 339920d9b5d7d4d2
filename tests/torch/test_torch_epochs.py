"""Samplers with a budget: what an epoch holds, what importances do, resuming, ranks."""

import copy
from collections import Counter
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem

torch = pytest.importorskip("torch")

from subsetopt.torch import _epochs, _importance  # noqa: E402
from subsetopt.torch._epochs import sampler  # noqa: E402
from subsetopt.torch.budgets import During, LinearBudget  # noqa: E402

EXTRA: dict[str, dict[str, Any]] = {"scan_sgd": {"epochs": 10}}
NAMES = list(_epochs.SAMPLERS)
IMPORTANCE = ["p_sgd", "c_sgd"]
BY_STRATA = ["stratified", "matched", "loss_strata"]  # see the tests of their own


def made(name: str, size: int = 23, batch: int = 3, budget: Any = 0.6, **options: Any) -> Any:
    given: dict[str, dict[str, Any]] = {
        "stratified": {"labels": np.arange(size) % 3},
        "matched": {"features": np.arange(size)},
        "loss_strata": {"losses": np.arange(size), "bins": 2},
    }
    options = {**given.get(name, {}), **options}
    return sampler(name, size, batch, budget, **EXTRA.get(name, {}), **options)


def flat(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch]


def loader(chosen: Any, workers: int = 0, **options: Any) -> Any:
    if workers:
        options |= {"multiprocessing_context": "fork"}
    return torch.utils.data.DataLoader(
        range(chosen.size), batch_sampler=chosen, num_workers=workers, **options
    )


def teach(chosen: Any, seed: int = 0) -> None:
    losses = torch.rand(chosen.size, generator=torch.Generator().manual_seed(seed)) * 3
    chosen.update(torch.arange(chosen.size), losses=losses)


# -- what an epoch holds ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_holds_the_budget(name: str) -> None:
    chosen = made(name)
    torch.manual_seed(0)
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    first, second = [flat(chosen) for _ in range(2)]
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpys, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002
    wanted = 23 if name == "scan_sgd" else 13
    assert len(first) == len(set(first)) == wanted == chosen.samples(0)
    assert first != second
    assert (set(first) == set(second)) == (name in ("scan_sgd", "coreset"))
    chosen.set_epoch(0)
    assert flat(chosen) == first  # nothing but seed and epoch decide
    assert flat(made(name)) == first
    assert flat(made(name, seed=1)) != first


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drop", [False, True])
def test_the_length_is_that_of_the_iteration(name: str, drop: bool) -> None:
    for batch in (1, 3, 13):
        chosen = made(name, batch=batch, drop_last=drop)
        batches = list(chosen)
        assert len(batches) == len(chosen) == len(loader(chosen))
        assert {len(one) for one in batches[:-1]} <= {batch}
        assert not drop or len(batches[-1]) == batch


def test_scan_trains_on_everything_for_fewer_epochs() -> None:
    chosen = sampler("scan_sgd", 20, 3, 0.25, epochs=10)
    assert chosen.planned_epochs == 3
    sizes = [len(flat(chosen)) for _ in range(3)]
    assert sizes == [20, 20, 10]  # a quarter of ten epochs, to the sample
    assert len(chosen) == 4  # frameworks ask for the length once more
    with pytest.raises(InvalidOption, match="the budget is spent after 3"):
        list(chosen)
    assert sampler("scan_sgd", 20, 3, 5, epochs=10).planned_epochs == 3
    assert sampler("scan_sgd", 10, 3, 0.1, epochs=30).planned_epochs == 3  # 0.1 * 30 is above 3


def test_a_core_set_stays() -> None:
    given = sampler("coreset", 20, 4, indices=[3, 1, 19, 7, 5])
    assert {frozenset(flat(given)) for _ in range(3)} == {frozenset({1, 3, 5, 7, 19})}
    assert sampler("unif_sgd", 20, 4, 0.5).planned_epochs is None
    with pytest.raises(UnsupportedProblem, match="for good"):
        given.weights([1])
    other = sampler("coreset", 20, 4, indices=[3, 1, 19, 7, 6])
    with pytest.raises(InvalidOption, match="checksum"):
        other.load_state_dict(given.state_dict())


@pytest.mark.parametrize("name", ["unif_sgd", "p_sgd"])
def test_schedules_of_the_budget(name: str) -> None:
    chosen = sampler(name, 100, 10, LinearBudget(0.2, 1.0), epochs=5)
    sizes = []
    for _ in range(5):
        before = len(chosen)
        sizes.append(len(flat(chosen)))
        assert before == -(-sizes[-1] // 10)
    assert sizes == [20, 40, 60, 80, 100]
    warm = sampler(name, 100, 10, During(30, start=2))
    assert [len(flat(warm)) for _ in range(4)] == [100, 100, 30, 30]
    own = sampler(name, 100, 10, lambda epoch, total: 0.5 if epoch else 1.0)
    assert [len(flat(own)) for _ in range(2)] == [100, 50]
    with pytest.raises(InvalidOption, match=r"budget at epoch 0 as a share must be .* got 2\.0"):
        sampler(name, 100, 10, lambda epoch, total: 2.0)


# -- importances --------------------------------------------------------------------------------


def test_importance_is_the_mean_of_one_minus_the_probability() -> None:
    p = torch.tensor([[0.9, 0.5, 0.1], [0.7, 0.5, 0.3]], dtype=torch.float64)
    ids = torch.arange(3)
    for name, wanted in (
        ("p_sgd", [0.2, 0.5, 0.8]),
        ("c_sgd", [0.16, 0.25, 0.16]),
    ):
        chosen = sampler(name, 4, 2)
        chosen.update(ids, probabilities=p[0])
        chosen.update(ids, losses=-torch.log(p[1]))
        assert torch.equal(chosen.probabilities, torch.full((4,), 0.25, dtype=torch.float64))
        list(chosen)  # an epoch begins: now it counts
        mean = float(np.mean(wanted))
        smoothed = np.array([*wanted, mean]) + mean  # the one not seen has the mean
        np.testing.assert_allclose(chosen.probabilities, smoothed / smoothed.sum(), rtol=1e-12)


def test_updates_that_are_no_probabilities() -> None:
    chosen = sampler("p_sgd", 4, 2, smoothing=0)
    nan, inf = float("nan"), float("inf")
    chosen.update([0, 1, 2, 3], losses=torch.tensor([nan, inf, 0.0, -1.0]))
    chosen.update([0, 0, 1], losses=torch.tensor([inf, 0.0, inf], dtype=torch.bfloat16))
    chosen._begin(0)
    np.testing.assert_allclose(chosen.probabilities, [1 / 3, 2 / 3, 0, 0])  # by hand
    for bad, message in (
        ({}, "either losses or probabilities"),
        ({"losses": torch.ones(2), "probabilities": torch.ones(2)}, "either"),
    ):
        with pytest.raises(InvalidOption, match=message):
            chosen.update([0, 1], **bad)
    for ids, losses, message in (
        ([0, 1], torch.ones(2, 3), "one number per sample"),
        ([0, 1], torch.tensor(1.0), "one number per sample"),
        ([0, 4], torch.ones(2), r"within 0\.\.3"),
        ([-1, 0], torch.ones(2), r"within 0\.\.3"),
    ):
        with pytest.raises(InvalidProblem, match=message):
            chosen.update(ids, losses=losses)
    with pytest.raises(InvalidOption, match="indices of samples"):
        chosen.update([0.5], losses=torch.ones(1))


def test_warm_up_draws_uniformly() -> None:
    chosen = sampler("p_sgd", 50, 5, 0.4, warmup_epochs=2, seed=3)
    uniform = sampler("unif_sgd", 50, 5, 0.4, seed=3)
    teach(chosen)
    for _ in range(2):
        assert list(chosen) == list(uniform)
        assert chosen.weights([0, 49]).tolist() == [
            float(i in flat([chosen._order(chosen._reached[0])])) for i in (0, 49)
        ]
    assert list(chosen) != list(uniform)


@pytest.mark.parametrize("replacement", [False, True])
def test_what_weighs_nothing_is_never_drawn(replacement: bool) -> None:
    chosen = sampler("p_sgd", 60, 6, 0.5, smoothing=0.0, replacement=replacement)
    ids = torch.arange(60)
    chosen.update(ids, probabilities=(ids % 2).double())  # the odd ones are known by heart
    drawn = flat(flat_epochs(chosen, 20))
    assert len(drawn) == 20 * 30
    assert all(index % 2 == 0 for index in drawn)
    if not replacement:
        fewer = sampler("p_sgd", 60, 6, 0.6, smoothing=0.0)
        fewer.update(ids, probabilities=(ids % 2).double())
        with pytest.raises(InvalidProblem, match="30 of 60 samples have an importance above 0"):
            list(fewer)
    learned = sampler("p_sgd", 60, 6, 0.5)
    learned.update(ids, probabilities=torch.ones(60))
    assert len(set(flat(learned))) == 30  # nothing matters any more: uniform


def flat_epochs(chosen: Any, count: int) -> list[list[int]]:
    return [flat(chosen) for _ in range(count)]


def test_draws_have_the_right_probabilities() -> None:
    weights = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    generator = np.random.default_rng(0)
    rounds = 40_000
    firsts: Counter[int] = Counter()
    pairs: Counter[frozenset[int]] = Counter()
    for _ in range(rounds):
        order, _ = _importance.draw(weights, 2, generator)
        firsts[int(order[0])] += 1
        pairs[frozenset(order.tolist())] += 1
    for a in range(1, 5):
        for b in range(a + 1, 5):
            wa, wb = weights[a] / 10, weights[b] / 10
            wanted = wa * wb / (1 - wa) + wa * wb / (1 - wb)  # one after the other
            assert abs(pairs[frozenset((a, b))] / rounds - wanted) < 0.01
    inclusion = {i: sum(n for pair, n in pairs.items() if i in pair) / rounds for i in range(1, 5)}
    for i in range(1, 5):  # the order tells nothing of the weight
        assert abs(firsts[i] / rounds - inclusion[i] / 2) < 0.01
    drawn = _importance.draw_independently(weights, rounds, generator)
    np.testing.assert_allclose(np.bincount(drawn) / rounds, weights / 10, atol=0.01)


@pytest.mark.parametrize(
    "n", [1000, pytest.param(2**24 + 10, marks=pytest.mark.slow)]
)  # the larger one is what torch.multinomial refuses
def test_many_samples_of_very_different_weight(n: int) -> None:
    weights = np.full(n, 1e-300)
    weights[-10:] = 1e300
    generator = np.random.default_rng(0)
    order, inclusion = _importance.draw(weights, 10, generator)
    assert sorted(order) == list(range(n - 10, n))
    assert (inclusion == 1.0).all()
    drawn = _importance.draw_independently(weights, 1000, generator)
    assert sorted(set(drawn)) == list(range(n - 10, n))


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("name", NAMES[:3])
def test_weighted_means_are_unbiased(name: str, replacement: bool) -> None:
    options = {"replacement": replacement} if name in IMPORTANCE else {}
    values = torch.arange(30.0) ** 2
    errors = []
    chosen = sampler(name, 30, 4, 0.3, **options)
    if name in IMPORTANCE:
        chosen.update(torch.arange(30), losses=torch.linspace(0.01, 4, 30))
    plain = []
    for _ in range(700):
        ids = torch.tensor(flat(chosen))
        weights = chosen.weights(ids)
        assert weights.dtype == torch.float32
        errors.append(float((weights * values[ids]).mean() - values.mean()))
        plain.append(float(values[ids].mean() - values.mean()))
    noise = float(np.std(errors) / np.sqrt(len(errors)))
    assert abs(np.mean(errors)) < 4 * noise
    if name == "p_sgd":
        assert np.mean(plain) > 6 * noise  # without weights it would be seen


def test_what_is_not_in_the_epoch_weighs_nothing() -> None:
    chosen = sampler("p_sgd", 40, 4, 0.5)
    teach(chosen)
    inside = flat(chosen)
    outside = sorted(set(range(40)) - set(inside))
    assert not chosen.weights(outside).any()
    assert (chosen.weights(np.array(inside)) > 0).all()
    whole = sampler("p_sgd", 40, 4, 1.0)
    teach(whole)
    assert torch.equal(whole.weights(flat(whole)), torch.ones(40))


# -- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("done", [0, 2, 5])
def test_exactly_the_remaining_batches_follow(name: str, done: int, tmp_path: Any) -> None:
    chosen = made(name, size=30, batch=4, budget=0.6)
    seen: list[list[int]] = []
    state = None
    for epoch in range(3):
        for number, batch in enumerate(chosen.track(loader(chosen))):
            if epoch == 1 and number == done:
                before = chosen.state_dict()
                del before  # a state can be asked for at any time
            seen.append(batch.tolist())
            learn(chosen, batch)
            if epoch == 1 and number + 1 == done:
                state = chosen.state_dict()
                position = len(seen)
        if epoch == 0 and done == 0:
            state, position = chosen.state_dict(), len(seen)
    torch.save(state, tmp_path / "state.pt")
    again = made(name, size=30, batch=4, budget=0.6)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    rest: list[list[int]] = []
    while len(rest) < len(seen) - position:
        for batch in again.track(loader(again)):
            rest.append(batch.tolist())
            learn(again, batch)
    assert rest == seen[position:]


def learn(chosen: Any, batch: Any) -> None:
    if hasattr(chosen, "update"):
        chosen.update(batch, losses=(batch.double() + 1.0) / 10)


@pytest.mark.parametrize("persistent", [False, True])
def test_importances_move_the_epochs_of_workers(persistent: bool) -> None:
    plain, chosen = made("p_sgd", size=60, batch=5), made("p_sgd", size=60, batch=5)
    data = loader(chosen, 2, persistent_workers=persistent)
    for _ in range(3):
        expected = list(plain)
        found = []
        for number, batch in enumerate(chosen.track(data)):
            assert chosen.batch(number) == batch.tolist()
            assert (chosen.weights(batch) > 0).all()
            found.append(batch.tolist())
            learn(chosen, batch)
        assert found == expected
        learn(plain, torch.tensor(flat(expected)))


def test_marked_batches_are_those_trained_on() -> None:
    chosen = made("unif_sgd", size=30, batch=4)
    expected = list(copy.deepcopy(chosen))
    data = iter(loader(chosen, 2))
    next(data)
    chosen.mark(1)
    again = made("unif_sgd", size=30, batch=4)
    again.load_state_dict(chosen.state_dict())
    assert list(again) == expected[1:]
    with pytest.raises(InvalidOption, match=r"done must .*got 9"):
        chosen.mark(9)
    with pytest.raises(InvalidOption, match=r"number must .*got 5"):
        chosen.batch(5)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"budget": 0.5}, "budget"),
        ({"budget": LinearBudget(0.5, 0.6), "epochs": 3}, "epochs"),
        ({"smoothing": 2.0}, "smoothing"),
        ({"seed": 9}, "seed"),
        ({"world_size": 2}, "world_size"),
    ],
)
def test_a_state_of_something_else_is_refused(options: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidOption, match=f"the state has {name}"):
        made("p_sgd").load_state_dict(made("p_sgd", **options).state_dict())
    with pytest.raises(InvalidOption, match="the state has sampler 'unif_sgd'"):
        made("p_sgd").load_state_dict(made("unif_sgd").state_dict())


@pytest.mark.parametrize("name", NAMES)
def test_states_hold_plain_values_whatever_the_options_are(name: str, tmp_path: Any) -> None:
    more: dict[str, Any] = {"smoothing": np.float64(0.5)} if name in IMPORTANCE else {}
    options: dict[str, Any] = {"seed": np.int64(3), "budget": np.float64(0.5), **more}
    sizes: dict[str, Any] = {"size": np.int64(30), "batch": np.int64(4)}
    state = made(name, **sizes, **options).state_dict()
    torch.save(state, tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    again = made(name, size=30, batch=4, **options)
    again.load_state_dict(loaded)
    assert {type(value) for value in loaded.values()} <= {
        int,
        float,
        str,
        bool,
        type(None),
        torch.Tensor,
    }


def test_batches_under_way_are_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = made("unif_sgd", size=30, batch=4)
    expected = list(chosen)
    draws = []
    drawn = type(chosen)._order

    def counted(self: Any, epoch: int) -> Any:
        draws.append(epoch)
        return drawn(self, epoch)

    monkeypatch.setattr(type(chosen), "_order", counted)
    chosen.set_epoch(0)
    for number, batch in enumerate(chosen):
        assert chosen.batch(number) == batch == expected[number]
    assert draws == [0]
    chosen.set_epoch(1)
    assert chosen.batch(0) != expected[0]
    other = made("p_sgd", size=30, batch=4)
    first = other.batch(0)
    teach(other)
    list(other)
    state = other.state_dict()
    again = made("p_sgd", size=30, batch=4)
    assert again.batch(0) == first
    again.load_state_dict(state)
    assert again.batch(0) == next(iter(again)) == next(iter(other))


# -- several ranks ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_STRATA])
@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("drop", [False, True])
def test_ranks_share_out_the_choice(name: str, world: int, drop: bool) -> None:
    options: dict[str, Any] = {"size": 50, "batch": 3, "budget": 0.5, "drop_last": drop}
    ranks = [made(name, rank=rank, world_size=world, **options) for rank in range(world)]
    alone = made(name, **(options | {"batch": 1}))
    for _ in range(3):
        parts = [list(chosen) for chosen in ranks]
        assert {len(part) for part in parts} == {len(parts[0])}
        assert [[len(b) for b in part] for part in parts] == [[len(b) for b in parts[0]]] * world
        together, choice = Counter(i for part in parts for i in flat(part)), set(flat(alone))
        if drop:
            assert set(together) <= choice
            assert len(choice) - sum(together.values()) < 3 * world
            assert max(together.values()) == 1
        else:
            assert set(together) == choice
            assert sum(together.values()) - len(choice) < world
        if name in IMPORTANCE:
            halves = [part_of(rank, world) for rank in range(world)]
            for chosen, ids in zip(ranks, halves, strict=True):
                learn(chosen, ids)
            exchange(ranks)
            learn(alone, torch.cat(halves))


def part_of(rank: int, world: int) -> Any:
    return torch.arange(rank, 50, world)


def exchange(ranks: list[Any]) -> None:
    """Do what all_reduce would: each rank gets the sum of all."""
    total = torch.stack([chosen._fresh for chosen in ranks]).sum(0)
    for chosen in ranks:
        chosen.exchange(lambda tensor: tensor.copy_(total))


def test_ranks_that_have_not_exchanged_are_told() -> None:
    chosen = made("p_sgd", world_size=2)
    list(chosen)
    learn(chosen, torch.arange(3))
    with pytest.raises(InvalidOption, match=r"call sampler.exchange\(\)"):
        list(chosen)
    chosen.exchange(lambda tensor: tensor)
    chosen.exchange(lambda tensor: tensor.mul_(2))  # there is nothing left to add up
    list(chosen)
    assert float(chosen._past[1].sum()) == 3


def test_the_exchange_of_a_process_group() -> None:
    distributed = torch.distributed
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        chosen = made("c_sgd")
        learn(chosen, torch.arange(3))
        chosen.exchange()
    finally:
        distributed.destroy_process_group()
    list(chosen)
    assert chosen._past[1].tolist() == [1.0] * 3 + [0.0] * 20


def test_the_exchange_goes_to_a_device_that_the_group_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def all_reduce(tensor: Any, group: Any = None) -> None:
        seen.append(tensor.device.type)
        raise ZeroDivisionError

    # NCCL says "cuda:nccl"; nothing has been told, or a state been loaded: sums on the CPU
    monkeypatch.setattr(torch.distributed, "get_backend_config", lambda group=None: "meta:nccl")
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    with pytest.raises(ZeroDivisionError):
        made("p_sgd").exchange()
    assert seen == ["meta"]


@pytest.mark.cuda
def test_the_gpu_is_not_waited_for(no_waiting: Any) -> None:
    chosen = made("p_sgd")
    ids, losses = torch.arange(20, device="cuda"), torch.ones(20, device="cuda")
    chosen.update(ids, losses=losses)
    with no_waiting():
        chosen.update(ids, losses=losses)
    list(chosen)
    assert chosen.weights(ids).device.type == "cuda"
    assert chosen._past[1].tolist() == [2.0] * 20 + [0.0] * 3


# -- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sgd", {}, "one of unif_sgd, p_sgd, c_sgd, scan_sgd, coreset"),
        ("unif_sgd", {"smoothing": 1}, "has no option 'smoothing'; it has batch_size, budget"),
        ("unif_sgd", {"size": 0}, r"size must .*got 0"),
        ("unif_sgd", {"batch_size": 0}, r"batch_size must .*got 0"),
        ("unif_sgd", {"budget": 0.0}, "budget as a share must be .*; got 0.0"),
        ("unif_sgd", {"budget": 1.5}, "budget as a share must be .*; got 1.5"),
        ("unif_sgd", {"budget": 11}, r"budget must .*got 11"),
        ("unif_sgd", {"budget": True}, r"budget must .*got True"),
        ("unif_sgd", {"budget": "half"}, r"budget must .*got 'half'"),
        ("unif_sgd", {"budget": LinearBudget(0.1, 0.2)}, "speaks of shares of the training"),
        ("unif_sgd", {"epochs": 0}, r"epochs must .*got 0"),
        ("unif_sgd", {"rank": 1}, r"rank must .*got 1"),
        ("unif_sgd", {"budget": 2, "drop_last": True}, "which fill no batch of 3"),
        ("p_sgd", {"smoothing": -1.0}, r"smoothing must .*got -1.0"),
        ("c_sgd", {"smoothing": float("nan")}, r"smoothing must .*got nan"),
        ("p_sgd", {"warmup_epochs": -1}, r"warmup_epochs must .*got -1"),
        ("scan_sgd", {"budget": 0.5}, "scan_sgd trains on all"),
        ("scan_sgd", {"budget": 1.5, "epochs": 2}, "budget as a share must be .*; got 1.5"),
        ("coreset", {"indices": [1, 1]}, "each may occur once"),
        ("coreset", {"indices": [10]}, r"within 0\.\.9"),
        ("coreset", {"indices": [1, 2], "budget": 0.5}, "either budget or indices"),
        ("coreset", {"budget": LinearBudget(0.1, 0.2)}, "chosen once"),
    ],
)
def test_bad_options(name: str, options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"size": 10, "batch_size": 3} | options
    with pytest.raises(InvalidOption, match=message):
        sampler(name, **given)
