"""Choosing in several processes, by gloo on the CPU: each check below runs on every rank of one."""

import copy
import json
import multiprocessing
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.distributed as dist  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem  # noqa: E402
from subsetopt.sequencing import sequence  # noqa: E402
from subsetopt.torch import _balancing, _ranks, distributed_sequence  # noqa: E402
from subsetopt.torch._balancing import generator_of_rank  # noqa: E402
from subsetopt.torch.distributed import DistributedRule  # noqa: E402
from subsetopt.torch.functional import select  # noqa: E402
from subsetopt.torch.rules import rule  # noqa: E402
from subsetopt.torch.search._joint import exchange_jointly  # noqa: E402
from subsetopt.torch.step import SubsetStep, supervised  # noqa: E402

N, K, D = 12, 3, 4
WORLDS = (2, 3, 4)
CHECKS: dict[str, Callable[[int, int], None]] = {}
SQUARED = supervised(nn.MSELoss(reduction="none"))


def on_all_ranks(check: Callable[[int, int], None]) -> Callable[[int, int], None]:
    CHECKS[check.__name__] = check
    return check


def batches(world: int, seed: int = 0, n: int = N) -> list[tuple[Tensor, Tensor]]:
    """Return the batch of each rank, known to all of them."""
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(n, D, generator=generator), torch.randn(n, 2, generator=generator))
        for _ in range(world)
    ]


def losses_of(world: int, seed: int = 0, n: int = N) -> list[Tensor]:
    return [x.square().sum(1) for x, _ in batches(world, seed, n)]


def network() -> Any:
    with torch.random.fork_rng(()):
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(D, 8), nn.Tanh(), nn.Linear(8, 2))


def of_all(value: Any, world: int) -> list[Any]:
    found: list[Any] = [None] * world
    dist.all_gather_object(found, value)
    return found


def joined(choice: Any, sizes: list[int]) -> list[int]:
    """Return the places of what all ranks chose in their batches as one; fillers left out."""
    kept = choice.indices[choice.weights > 0].tolist()
    found = of_all(kept, len(sizes))
    return [sum(sizes[:r]) + i for r, places in enumerate(found) for i in places]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    return bool(torch.equal(a, b)) if isinstance(a, Tensor) else bool(a == b)


def assert_gradients_close(model: Any, losses: Any, wanted: Any) -> None:
    losses.mean().backward()
    for got, reference in zip(model.parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(got.grad, reference.grad, rtol=0.0, atol=1e-6)


def assert_refused(kind: type[Exception], words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=words):
        call()


# -- on every rank ---------------------------------------------------------------------------------


RULES: list[tuple[str, dict[str, Any], int | None]] = [
    ("obftf", {}, K),
    ("obftf", {"start": "uniform", "seed": 5}, K),
    ("max_loss", {}, K),
    ("mink", {}, K),
    ("mink", {"reading": "drawn"}, K),
    ("stride", {}, K),
    ("uniform", {}, K),
    ("prob", {}, K),
    ("prob", {"gamma": 0.1}, None),
    ("selective_backprop", {"history": 20}, K),
    ("selective_backprop", {}, None),
    ("ordered_sgd", {}, K),
    ("vector", {}, K),
    ("frank_wolfe", {}, K),
]


@on_all_ranks
def one_choice_as_of_one_batch(rank: int, world: int) -> None:
    for name, options, k in RULES:
        alone, together = rule(name, **options), rule(name, **options)
        pick = DistributedRule(together, "global", balance=False, check=True)
        for step in range(2):
            losses = losses_of(world, step)
            features = [x for x, _ in batches(world, step)]
            with_features = name in ("vector", "frank_wolfe")
            total = None if k is None else k * world
            vectors = torch.cat(features) if with_features else None
            wanted = alone(torch.cat(losses), total, features=vectors).tolist()
            own = features[rank] if with_features else None
            choice = pick.choose(losses[rank], k, features=own)
            assert joined(choice, [N] * world) == wanted, name
            assert choice.total == len(wanted)
            assert choice.samples == N * world
            assert sum(of_all(choice.weights.sum().item(), world)) == pytest.approx(world)
        states = of_all(pick.state_dict(), world)
        assert all(same(states[0], state) for state in states), name
        assert same(
            states[0]["inside"] | {"generators": {}}, alone.state_dict() | {"generators": {}}
        )


@on_all_ranks
def half_precision_is_gathered(rank: int, world: int) -> None:
    losses = [some.bfloat16() for some in losses_of(world)]
    choice = DistributedRule("max_loss", "global", balance=False).choose(losses[rank], K)
    assert joined(choice, [N] * world) == rule("max_loss")(torch.cat(losses), K * world).tolist()


@on_all_ranks
def balanced_is_as_many_and_never_further_off(rank: int, world: int) -> None:
    nearer = 0
    for name in ("obftf", "vector", "frank_wolfe"):
        for step in range(4):
            losses = torch.stack(losses_of(world, step))
            points = torch.stack([x for x, _ in batches(world, step)])
            single = name == "obftf"
            points = losses[:, :, None] if single else points
            options = {} if single else {"scale": "none"}
            pick = DistributedRule(rule(name, **options), "global", check=True)
            choice = pick.choose(losses[rank], K, features=None if single else points[rank])
            assert choice.weights.tolist() == pytest.approx([1 / K] * K)
            assert choice.total == K * world
            assert choice.indices.tolist() == sorted(set(choice.indices.tolist()))
            chosen = joined(choice, [N] * world)
            assert len(set(chosen)) == K * world
            drawing = generator_of_rank(torch.Generator().manual_seed(0), None)
            alone = rule(name, **options)(
                losses[rank], K, features=None if single else points[rank], generator=drawing
            )
            apart = [N * r + i for r, own in enumerate(of_all(alone.tolist(), world)) for i in own]
            mean = points.flatten(0, 1).mean(0)
            got, before = (
                (points.flatten(0, 1)[places].mean(0) - mean).norm().item()
                for places in (chosen, apart)
            )
            assert got <= before + 1e-7
            nearer += got < 0.5 * before
    assert nearer >= 6


@on_all_ranks
def of_large_batches_some_candidates_travel(rank: int, world: int) -> None:
    n, k, sent = 1500, 20, []
    whole = _ranks.gathered

    def watched(own: Tensor, *rest: Any) -> Tensor:
        sent.append(own.numel())
        return whole(own, *rest)

    generator = torch.Generator().manual_seed(7)
    points = torch.randn(world, n, D, generator=generator)
    labels = torch.randint(3, (world, n), generator=generator)
    losses = points.square().sum(2)
    with mock.patch.object(_balancing, "gathered", watched):
        for name, quotas in (("obftf", None), ("obftf", "proportional"), ("vector", None)):
            made = rule(name, quotas=quotas)
            drawing = generator_of_rank(torch.Generator().manual_seed(0), None)
            mine: dict[str, Any] = {"features": points[rank]} if name == "vector" else {}
            mine |= {"labels": labels[rank]} if quotas else {}
            alone = made(losses[rank], k, generator=drawing, **mine)
            chosen = DistributedRule(made, "global", check=True)(losses[rank], k, **mine)
            assert chosen.tolist() == sorted(set(chosen.tolist()))
            if quotas:
                counts = [labels[rank][some].bincount(minlength=3) for some in (alone, chosen)]
                assert torch.equal(*counts)
            scaled = points / points.flatten(0, 1).std(0)
            rows = (losses[:, :, None] if name == "obftf" else scaled).double()
            rows = rows - rows.flatten(0, 1).mean(0)
            apart, together = (
                torch.tensor(of_all(rows[rank][some].sum(0).tolist(), world)).sum(0).norm()
                for some in (alone, chosen)
            )
            assert together <= apart + 1e-9
            assert together < 1e-5 * k * world if name == "obftf" else 0.7 * apart
    assert max(sent) < 530 * (D + 1)
    gap = losses.clone()
    gap[world - 1, n - 1] = torch.nan
    pick = DistributedRule("obftf", "global")
    assert_refused(InvalidProblem, f"nan.*on rank {world - 1}", lambda: pick(gap[rank], k))


@on_all_ranks
def quotas_of_each_batch_and_of_all(rank: int, world: int) -> None:
    labels = [(torch.arange(N) + r) % 3 % (2 + r % 2) for r in range(world)]
    own, all_ = labels[rank], torch.cat(labels)

    def assert_shares(classes: Tensor, places: Any) -> None:
        wanted = len(places) * torch.bincount(classes, minlength=3) / len(classes)
        counts = torch.bincount(classes[torch.as_tensor(places)], minlength=3)
        assert ((counts - wanted).abs() < 1).all()

    for name in ("obftf", "vector", "max_loss", "uniform"):
        for step in range(3):
            losses = losses_of(world, step)
            points = [x for x, _ in batches(world, step)] if name == "vector" else [None] * world
            mine: dict[str, Any] = {"features": points[rank], "labels": own}
            local = DistributedRule(rule(name, quotas="proportional"))
            assert_shares(own, local(losses[rank], K, **mine))
            together = rule(name, quotas="proportional", seed=step)
            choice = DistributedRule(together, "global", balance=False, check=True).choose(
                losses[rank], K, **mine
            )
            found = joined(choice, [N] * world)
            assert_shares(all_, found)
            alone = rule(name, quotas="proportional", seed=step)
            every = torch.cat(points) if name == "vector" else None
            assert (
                found == alone(torch.cat(losses), K * world, features=every, labels=all_).tolist()
            )
            if name in ("obftf", "vector"):
                balanced = DistributedRule(rule(name, quotas="proportional"), "global", check=True)
                assert_shares(own, balanced(losses[rank], K, **mine))
    pick = DistributedRule(rule("obftf", quotas=1), "global")
    assert_refused(InvalidProblem, "quotas=1 needs labels", lambda: pick(losses_of(world)[rank], K))


@on_all_ranks
def gradients_of_uneven_counts(rank: int, world: int) -> None:
    data = batches(world)
    scales = [0.01] + [1.0] * (world - 1)  # nothing falls on the first rank
    data = [(x, y * scale) for (x, y), scale in zip(data, scales, strict=True)]
    losses = [y.square().sum(1) for _, y in data]
    for pick in (
        DistributedRule("max_loss", "global", balance=False),
        DistributedRule("obftf", "global", balance=False),
    ):
        model, reference = DistributedDataParallel(network()), network()
        choice = pick.choose(losses[rank], K)
        counts = of_all(int((choice.weights > 0).sum()), world)
        assert sum(counts) == K * world
        if pick.name == "max_loss":
            assert counts[0] == 0
        else:
            assert len(set(counts)) > 1
        x, y = data[rank]
        trained: Any = SQUARED(model, (x[choice.indices], y[choice.indices]))
        (choice.weights * trained).sum().backward()
        places = joined(choice, [N] * world)
        everything = [torch.cat(part)[places] for part in zip(*data, strict=True)]
        assert_gradients_close(model.module, SQUARED(reference, tuple(everything)), reference)


@on_all_ranks
def a_rank_without_a_share_gets_a_filler(rank: int, world: int) -> None:
    losses = torch.arange(N) / N + rank
    pick = DistributedRule("max_loss", "global", balance=False)
    choice = pick.choose(losses, 1)
    if rank < world - 1:
        assert (choice.indices.tolist(), choice.weights.tolist()) == ([0], [0.0])
        return
    assert choice.indices.tolist() == list(range(N - world, N))
    assert choice.weights.tolist() == [1.0] * world


@on_all_ranks
def a_step_with_a_balanced_choice(rank: int, world: int) -> None:
    data = batches(world)
    model, reference = DistributedDataParallel(network()), network()
    step = SubsetStep(model, SQUARED, DistributedRule("obftf", "global"), k=0.25)
    result: Any = step(data[rank])
    assert result.size == K
    result.loss.backward()
    places = of_all(result.indices, world)
    chosen = tuple(
        torch.cat([part[own] for part, own in zip(parts, places, strict=True)])
        for parts in zip(*data, strict=True)
    )
    assert_gradients_close(model.module, SQUARED(reference, chosen), reference)
    kept = step.state_dict()
    following = step(data[rank]).indices
    step.load_state_dict(kept)
    assert torch.equal(step(data[rank]).indices, following)


@on_all_ranks
def a_step_whose_ranks_train_on_different_numbers(rank: int, world: int) -> None:
    data = batches(world)
    scale = 1.0 + 3.0 * torch.arange(world)  # the highest losses are on the last rank
    data = [(x, factor * y) for (x, y), factor in zip(data, scale, strict=True)]
    model, reference = DistributedDataParallel(network()), network()
    pick = DistributedRule("max_loss", "global", balance=False)
    result: Any = SubsetStep(model, SQUARED, pick, k=0.25)(data[rank])
    result.loss.backward()
    everything = tuple(torch.cat(part) for part in zip(*data, strict=True))
    with torch.no_grad():
        wanted = rule("max_loss")(SQUARED(reference, everything), K * world)
    numbers = torch.bincount(wanted // N, minlength=world)
    assert numbers.max() > numbers.min()
    assert result.size == max(1, int(numbers[rank]))
    chosen = tuple(part[wanted] for part in everything)
    assert_gradients_close(model.module, SQUARED(reference, chosen), reference)


@on_all_ranks
def batches_of_different_size(rank: int, world: int) -> None:
    sizes = [5 + 4 * one for one in range(world)]
    data = [(x[:n], y[:n]) for (x, y), n in zip(batches(world, n=40), sizes, strict=True)]
    losses = [x.square().sum(1) for x, _ in data]
    pick = DistributedRule("max_loss", "global", balance=False, ragged=True, check=True)
    for k, total in ((0.5, sum(n // 2 for n in sizes)), (7, 5 + 7 * (world - 1))):
        choice = pick.choose(losses[rank], k)
        wanted = rule("max_loss")(torch.cat(losses), total).tolist()
        assert joined(choice, sizes) == wanted
        model, reference = DistributedDataParallel(network()), network()
        x, y = data[rank]
        trained: Any = SQUARED(model, (x[choice.indices], y[choice.indices]))
        (choice.weights * trained).sum().backward()
        everything = [torch.cat(part)[wanted] for part in zip(*data, strict=True)]
        assert_gradients_close(model.module, SQUARED(reference, tuple(everything)), reference)
    with_features = DistributedRule("vector", "global", balance=False, ragged=True)
    choice = with_features.choose(losses[rank], 0.5, features=data[rank][0])
    vectors = torch.cat([x for x, _ in data])
    total = sum(n // 2 for n in sizes)
    assert joined(choice, sizes) == rule("vector")(vectors[:, 0], total, features=vectors).tolist()


@on_all_ranks
def unbiased_weights(rank: int, world: int) -> None:
    sizes = [N + 2 * one for one in range(world)]
    losses = [some[:n] for some, n in zip(losses_of(world, n=40), sizes, strict=True)]
    pick = DistributedRule("prob", "global", balance=False, ragged=True)
    choice = pick.choose(losses[rank])
    weights = pick.weights(choice.indices, losses[rank], None, reweight=True)
    keep = torch.cat(losses).tanh()
    own = keep.split(sizes)[rank] + (1.0 - keep).prod() / len(keep)  # for want of any on all ranks
    chances = own[choice.indices]
    wanted = (choice.weights > 0) * world / (sum(sizes) * chances)
    torch.testing.assert_close(weights, wanted)
    assert pick.weights(choice.indices, losses[rank], None, reweight=False) is choice.weights
    single = torch.zeros(N)
    single[3] = 9.0 if rank == 0 else 0.0  # with a chance of 1, all others of 0
    choice = pick.choose(single)
    weights = pick.weights(choice.indices, single, None, reweight=True)
    assert weights is not None
    assert weights.tolist() == pytest.approx([0.0 if rank else 1.0 / N])
    even = DistributedRule("uniform", "global", balance=False)
    torch.testing.assert_close(even.probabilities(losses[0][:N], K), torch.full((N,), K / N))


@on_all_ranks
def alone_nothing_is_sent_and_nobody_draws_alike(rank: int, world: int) -> None:
    pick = DistributedRule("uniform")
    anything = torch.empty(200)
    if rank == 0:  # the others have no part in it
        assert torch.equal(pick(anything, 20), rule("uniform")(anything, 20))
        pick = DistributedRule("uniform")
    drawn = [pick(anything, 20).tolist() for _ in range(2)]
    found = of_all(drawn, world)
    assert all(found[one] != found[other] for one in range(world) for other in range(one))
    own = pick.state_dict()
    following = pick(anything, 20).tolist()
    pick.load_state_dict(own)
    assert pick(anything, 20).tolist() == following
    states = of_all(own, world)
    pick.load_state_dict(states[0])
    found = of_all(pick(anything, 20).tolist(), world)
    assert len({tuple(one) for one in found}) == world


@on_all_ranks
def what_differs_is_told_on_all_ranks(rank: int, world: int) -> None:
    losses = losses_of(world)[rank]

    def pick(name: str = "max_loss", **options: Any) -> DistributedRule:
        return DistributedRule(name, "global", **{"balance": False, **options})

    assert_refused(InvalidOption, "k is .*3", lambda: pick()(losses, K + rank))
    assert_refused(InvalidOption, "n is", lambda: pick()(losses[rank:], K))
    other = pick("max_loss" if rank else "mink")
    assert_refused(InvalidOption, "differ in the rule", lambda: other(losses, K))
    late = pick(check=True)
    late(losses, K)
    assert_refused(InvalidOption, "k is", lambda: late(losses, K + rank))
    own = torch.Generator().manual_seed(rank)
    random = pick("uniform", check=True)
    assert_refused(InvalidOption, "differently", lambda: random(losses, K, generator=own))
    bad = losses.clone()
    bad[2] = torch.nan if rank == 1 else bad[2]
    assert_refused(InvalidProblem, rf"losses\[{N + 2}\] is nan.*\[0, {N}", lambda: pick()(bad, K))
    points = torch.ones(N, 2) * (torch.inf if rank == 1 else 1.0)
    vector = pick("vector", balance=True)
    assert_refused(InvalidProblem, "not finite", lambda: vector(losses, K, features=points))


@on_all_ranks
def the_accuracy_is_that_of_all(rank: int, world: int) -> None:
    pick = DistributedRule("ordered_sgd", "global", balance=False)
    pick.observe(accuracy=1.0 if rank else 0.61)  # mean 0.805 of two, 0.87 of three
    assert pick.size(8, N) == 4
    assert_refused(InvalidOption, "1.5", lambda: pick.observe(accuracy=1.5 if rank else 0.5))


@on_all_ranks
def a_group_of_some(rank: int, world: int) -> None:
    group = dist.new_group([0])
    pick = DistributedRule("obftf", "global", group)
    losses = losses_of(world)[rank]
    if rank:
        assert_refused(InvalidOption, "not in the group", lambda: pick(losses, K))
    else:
        assert torch.equal(pick(losses, K), rule("obftf")(losses, K))


@on_all_ranks
def sequences_are_those_of_one_process(rank: int, world: int) -> None:
    """Of uneven shares of the points; a bad share is told to all."""
    X = np.random.default_rng(0).normal(size=(151, 3))
    own = np.array_split(X[20:], world)[rank]
    own = np.concatenate([X[:20], own]) if rank == 0 else own
    for kernel in ("gaussian", "laplace", "polynomial") if world == 2 else ("gaussian",):
        found = distributed_sequence(own, 10, kernel=kernel, log=False)
        wanted = sequence(X, 10, kernel=kernel, selector="running-herding", engine="rows")
        assert found.order.tolist() == wanted.order.tolist()
        assert found.mmd2_to_whole.tolist() == pytest.approx(wanted.mmd2_to_whole, abs=1e-12)
        assert of_all(found.provenance, world) == [found.provenance] * world
    single = X.astype(np.float32)
    mine = np.array_split(single, world)[rank]
    few = distributed_sequence(mine, 10, batches=2, log=False)
    wanted = sequence(single.astype(float), 10, selector="running-herding", batches=2)
    assert few.order.tolist() == wanted.order.tolist()
    with pytest.raises(InvalidProblem, match="on rank 1: X"):
        distributed_sequence(own * (np.nan if rank == 1 else 1.0), 10, log=False)
    with pytest.raises(InvalidProblem, match="all ranks must have the same features"):
        distributed_sequence(own[:, : 2 if rank == 1 else 3], 10, log=False)


GLOBAL = (
    sequences_are_those_of_one_process.__name__,
    one_choice_as_of_one_batch.__name__,
    balanced_is_as_many_and_never_further_off.__name__,
    gradients_of_uneven_counts.__name__,
    a_rank_without_a_share_gets_a_filler.__name__,
    a_step_with_a_balanced_choice.__name__,
    a_step_whose_ranks_train_on_different_numbers.__name__,
)
"""What four ranks check as well: all that is chosen from the batches of all."""

# -- how they are run ------------------------------------------------------------------------------


def run_rank(rank: int, world: int, place: str) -> dict[str, str]:
    """Return what became of each check; the first that fails ends it."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", f"file://{place}", timedelta(seconds=30), rank=rank, world_size=world
    )
    results = dict.fromkeys(CHECKS if world < 4 else GLOBAL, "not reached")
    for name in results:
        try:
            CHECKS[name](rank, world)
            results[name] = "passed"
        except BaseException:
            results[name] = traceback.format_exc()
            break
    dist.destroy_process_group()
    return results


def run_all(place: Path) -> None:
    """Print the results of all ranks of each world; fork, where it can, what is imported once."""
    import torch._dynamo  # noqa: F401 - which DistributedDataParallel asks for

    (features, _), losses = batches(1)[0], losses_of(1)[0]
    for name, options, k in RULES:  # what they load is loaded once
        with_features = features if name in ("vector", "frank_wolfe") else None
        rule(name, **options)(losses, k, features=with_features)
    for engine in ("rows", "matrix"):
        sequence(features.numpy(), 4, selector="running-herding", engine=engine)
        distributed_sequence(features.numpy(), 4, log=False)
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    results = {}
    for world in WORLDS:
        with ProcessPoolExecutor(world, context) as pool:
            store = str(place / f"store-{world}")
            ends = [pool.submit(run_rank, rank, world, store) for rank in range(world)]
            results[world] = [end.result() for end in ends]
    print(json.dumps(results), flush=True)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    quiet = ("-W", "error::FutureWarning", "-W", "error::UserWarning:torch.distributed")
    command = [sys.executable, *quiet, __file__, str(tmp_path_factory.mktemp("ranks"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout, done.stderr
    found: dict[str, list[dict[str, str]]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("check", "world"),
    [(check, world) for world in (2, 3) for check in CHECKS] + [(check, 4) for check in GLOBAL],
)
def test_on_all_ranks(check: str, world: int, outcomes: dict[str, list[dict[str, str]]]) -> None:
    for rank, results in enumerate(outcomes[str(world)]):
        assert results[check] == "passed", f"rank {rank}: {results[check]}"


# -- one process -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("name", ["obftf", "vector"])
def test_a_world_of_one_chooses_as_the_rule_alone(scope: Any, name: str) -> None:
    pick, alone = DistributedRule(name, scope), rule(name)
    (x, _), losses = batches(1)[0], losses_of(1)[0]
    features = x if name == "vector" else None
    for _ in range(2):
        chosen = select(losses, K, rule=pick, features=features)
        assert torch.equal(chosen, alone(losses, K, features=features))
    assert pick.last is not None
    assert pick.last.weights.tolist() == pytest.approx([1 / K] * K)


def test_each_row_of_a_batch_is_chosen_from_locally() -> None:
    losses = torch.stack(losses_of(4))
    pick = DistributedRule("obftf")
    assert torch.equal(pick(losses, K), rule("obftf")(losses, K))
    with pytest.raises(InvalidProblem, match="one batch"):
        DistributedRule("obftf", "global")(losses, K)


def test_a_missing_group_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    for pick in (DistributedRule("uniform"), DistributedRule("obftf", "global")):
        with pytest.raises(InvalidOption, match=r"WORLD_SIZE is 4.*init_process_group"):
            pick(torch.rand(N), K)


@pytest.mark.parametrize("name", ["max_loss", "mink", "uniform", "prob", "stride", "ordered_sgd"])
def test_balance_is_refused_where_it_would_be_the_local_choice(name: str) -> None:
    with pytest.raises(InvalidOption, match=r"scope='local'.*balance=False"):
        DistributedRule(name, "global")


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidOption, match=r"scope must .*got 'all'"):
        DistributedRule("obftf", "all")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="ragged"):
        DistributedRule("obftf", "global", ragged=True)
    with pytest.raises(InvalidOption, match="already"):
        DistributedRule(DistributedRule("obftf"))
    with pytest.raises(UnsupportedProblem, match="does not learn"):
        DistributedRule("obftf").observe(accuracy=0.5)


def test_the_state_of_another_scope_or_rule_is_refused() -> None:
    state = DistributedRule("obftf", "global").state_dict()
    with pytest.raises(InvalidOption, match="scope"):
        DistributedRule("obftf").load_state_dict(state)
    with pytest.raises(InvalidOption, match="vector"):
        DistributedRule("vector", "global").load_state_dict(copy.deepcopy(state))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    ranks=st.integers(2, 4),
    n=st.integers(2, 9),
    d=st.integers(1, 3),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_exchanges_keep_the_counts_and_never_lead_away(
    ranks: int, n: int, d: int, seed: int, data: Any
) -> None:
    k = data.draw(st.integers(1, n))
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(ranks, n, d, generator=generator, dtype=torch.float64)
    start = torch.rand(ranks, n, generator=generator).topk(k).indices.sort(1).values
    found = exchange_jointly(points, start)
    assert found.shape == (ranks, k)
    assert all(sorted(set(row)) == row for row in found.tolist())

    def error(chosen: Tensor) -> float:
        taken = points.gather(1, chosen[:, :, None].expand(-1, -1, d))
        distance: float = (taken.mean((0, 1)) - points.mean((0, 1))).norm().item()
        return distance

    assert error(found) <= error(start) + 1e-12
    best = min(
        (
            error(torch.cat([found[:r], changed[None], found[r + 1 :]]))
            for r in range(ranks)
            for changed in exchanges_of(found[r], n)
        ),
        default=torch.inf,
    )
    if torch.equal(exchange_jointly(points, found), found):
        assert error(found) <= best + 1e-12


@settings(max_examples=20, deadline=None)
@given(ranks=st.integers(2, 3), n=st.integers(2, 12), seed=st.integers(0, 99), data=st.data())
def test_exchanges_within_classes(ranks: int, n: int, seed: int, data: Any) -> None:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(ranks, n, 2, generator=generator, dtype=torch.float64)
    classes = torch.randint(3, (ranks, n), generator=generator)
    k = data.draw(st.integers(1, n))
    start = torch.rand(ranks, n, generator=generator).topk(k).indices.sort(1).values
    found = exchange_jointly(points, start, classes)
    for row, before, kinds in zip(found, start, classes, strict=True):
        counts = [torch.bincount(kinds[some], minlength=3).tolist() for some in (row, before)]
        assert counts[0] == counts[1]
    same_class = exchange_jointly(points, start, torch.zeros_like(classes))
    assert torch.equal(same_class, exchange_jointly(points, start))


def exchanges_of(chosen: Tensor, n: int) -> list[Tensor]:
    """Return all choices that differ in one place."""
    free = set(range(n)) - set(chosen.tolist())
    return [
        torch.tensor(sorted({*chosen.tolist(), coming} - {leaving}))
        for leaving in chosen.tolist()
        for coming in free
    ]


def test_what_is_not_finite_is_not_exchanged_in() -> None:
    points = torch.tensor([[0.0, 1.0, torch.nan, 5.0], [0.0, 1.0, torch.inf, 4.0]])[:, :, None]
    found = exchange_jointly(points, torch.tensor([[0, 1], [0, 1]]))
    assert 2 not in found


if __name__ == "__main__":
    run_all(Path(sys.argv[1]))
