"""Exchanges and Frank-Wolfe on vectors, and the two rules that use them."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt._kernels import zero_sum_rows as kernels
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.torch import rule

torch: Any = pytest.importorskip("torch")
search = pytest.importorskip("subsetopt.torch.search._vector_swaps")
on_cpu = pytest.importorskip("subsetopt.torch.search._compiled")
frank_wolfe = pytest.importorskip("subsetopt.torch.search._vector_swaps").frank_wolfe

cuda = pytest.mark.cuda


def batched(vectors: Any, k: int, *, rounds: int, greedy: bool = False, seed: int = 1) -> Any:
    start = None if greedy else starts(len(vectors), vectors.shape[1], k, seed)
    return search.match_vectors(vectors, k, rounds=rounds, start=start)


def compiled(vectors: Any, k: int, *, rounds: int, greedy: bool = False, seed: int = 1) -> Any:
    start = "greedy" if greedy else "uniform"
    told = on_cpu.Search(start=start, rounds=rounds, thorough=True)
    seeds = [seed + 1000 * row for row in range(len(vectors))]
    return on_cpu.match_vectors_compiled(vectors, k, seeds, told)


SEARCHES = [batched, compiled]


def seeded(seed: int = 0, device: str = "cpu") -> Any:
    return torch.Generator(device).manual_seed(seed)


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.randn(shape, generator=seeded(seed))


def starts(rows: int, n: int, k: int, seed: int = 1) -> Any:
    return torch.rand((rows, n), generator=seeded(seed)).topk(k).indices


def distance(vectors: Any, chosen: Any) -> Any:
    """Return the squared distances (B,) of the means."""
    exact = vectors.double()
    mean = torch.stack([row[picked].mean(0) for row, picked in zip(exact, chosen, strict=True)])
    return (mean - exact.mean(1)).square().sum(1)


def require_selection(chosen: Any, rows: int, n: int, k: int) -> None:
    assert chosen.dtype == torch.int64
    assert chosen.shape == (rows, k)
    assert chosen.min() >= 0
    assert chosen.max() < n
    assert bool((chosen.diff(dim=1) > 0).all())


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 3),
    n=st.integers(1, 20),
    d=st.integers(1, 4),
    share=st.floats(0.0, 1.0),
    rounds=st.integers(0, 5),
    greedy=st.booleans(),
    levels=st.sampled_from([1, 2, 1000]),
)
def test_selections_that_are_no_worse_than_their_start(
    rows: int, n: int, d: int, share: float, rounds: int, greedy: bool, levels: int
) -> None:
    k = max(1, round(share * n))
    vectors = torch.randint(levels, (rows, n, d), generator=seeded(n)).float()
    for find in SEARCHES:
        chosen = find(vectors, k, rounds=rounds, greedy=greedy)
        require_selection(chosen, rows, n, k)
        before = distance(vectors, find(vectors, k, rounds=0, greedy=greedy))
        assert bool((distance(vectors, chosen) <= before + 1e-6 * levels**2).all())
    noise = torch.rand((rows, n), generator=seeded())
    require_selection(frank_wolfe(vectors, k, steps=rounds, noise=noise), rows, n, k)


@pytest.mark.parametrize("find", SEARCHES)
def test_no_exchange_improves_the_end(find: Any) -> None:
    vectors, k = drawn(3, 24, 3), 6
    found = find(vectors, k, rounds=100)
    reached = distance(vectors, found)
    for row in range(3):
        chosen = set(found[row].tolist())
        for i in chosen:
            for j in set(range(24)) - chosen:
                other = torch.tensor([sorted(chosen - {i} | {j})])
                assert distance(vectors[row : row + 1], other) >= reached[row] * (1 - 1e-5)


def test_one_round_is_the_best_of_all_exchanges() -> None:
    vectors, k = drawn(1, 12, 3), 4
    start = starts(1, 12, k)
    chosen = set(start[0].tolist())
    best = min(
        distance(vectors, torch.tensor([sorted(chosen - {i} | {j})])).item()
        for i in chosen
        for j in set(range(12)) - chosen
    )
    found = search.match_vectors(vectors, k, rounds=1, start=start)
    assert distance(vectors, found).item() == pytest.approx(best, rel=1e-5)


def test_greedy_takes_the_same_as_the_compiled_kernel() -> None:
    vectors = drawn(2, 40, 5)
    one, other = (find(vectors, 9, rounds=0, greedy=True) for find in SEARCHES)
    assert torch.equal(one, other)


def test_close_to_the_optimum() -> None:
    """Of 3003 selections, the descent finds one that is far nearer than most."""
    vectors, k = drawn(1, 14, 2), 6
    every = np.array(list(combinations(range(14), k)))
    exact = vectors[0].double().numpy()
    distances = ((exact[every].mean(1) - exact.mean(0)) ** 2).sum(1)
    for find in SEARCHES:
        found = [distance(vectors, find(vectors, k, rounds=30, seed=s)).item() for s in range(5)]
        assert min(found) >= distances.min() * (1 - 1e-5)
        assert np.median(found) <= np.quantile(distances, 0.02)


@pytest.mark.parametrize(("d", "k"), [(10, 13), (16, 32)])
def test_quality_beside_the_solver(d: int, k: int) -> None:
    """Without its restarts a descent ends at most twice as far away."""
    vectors = drawn(4, 128, d)
    start = starts(4, 128, k)
    solved = [so.solve(so.MeanMatching(row.numpy(), k), "swap") for row in vectors]
    best = [float(solution.objective or 0.0) for solution in solved]
    for find in SEARCHES:
        found = distance(vectors, find(vectors, k, rounds=32)).mean().item() ** 0.5
        assert found <= 2.0 * np.mean(best) ** 0.5
        assert found <= 0.5 * distance(vectors, start).mean().item() ** 0.5


def test_blocks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = drawn(2, 60, 4)
    start = starts(2, 60, 20)
    monkeypatch.setattr(search, "_PAIRS", 7 * 40)
    monkeypatch.setattr(on_cpu, "_WIDTH", 7)
    for find in SEARCHES:
        chosen = find(vectors, 20, rounds=60)
        require_selection(chosen, 2, 60, 20)
        assert bool((distance(vectors, chosen) < 0.01 * distance(vectors, start)).all())


def test_vectors_that_are_not_finite_come_last() -> None:
    vectors = drawn(2, 30, 3)
    vectors[0, 4, 1], vectors[0, 9, 0], vectors[1, :25] = torch.nan, torch.inf, -torch.inf
    noise = torch.rand((2, 30), generator=seeded())
    for start in (None, search.random_start(vectors, 8, noise)):
        chosen = search.match_vectors(vectors, 8, rounds=8, start=start)
        require_selection(chosen, 2, 30, 8)
        assert not {4, 9} & set(chosen[0].tolist())
        assert set(range(25, 30)) <= set(chosen[1].tolist())
    chosen = frank_wolfe(vectors, 8, steps=8, noise=noise)
    require_selection(chosen, 2, 30, 8)
    assert not {4, 9} & set(chosen[0].tolist())
    assert set(range(25, 30)) <= set(chosen[1].tolist())


def test_frank_wolfe_is_nearer_than_its_first_vertex() -> None:
    vectors = drawn(16, 128, 8)
    noise = torch.rand((16, 128), generator=seeded())
    first = frank_wolfe(vectors, 32, steps=0, noise=noise)
    assert torch.equal(first, noise.topk(32).indices.sort(1).values)
    found = frank_wolfe(vectors, 32, steps=32, noise=noise)
    assert distance(vectors, found).mean() < 0.15 * distance(vectors, first).mean()


@pytest.mark.parametrize("first", ["vector", "frank_wolfe"])
def test_fixed_shapes_without_a_break(first: str) -> None:
    vectors = drawn(2, 20, 3)
    noise = torch.rand((2, 20), generator=seeded())

    def choose(vectors: Any, noise: Any) -> Any:
        if first == "vector":
            start = search.random_start(vectors, 5, noise)
        else:
            start = frank_wolfe(vectors, 5, steps=2, noise=noise)
        return search.match_vectors(vectors, 5, rounds=2, start=start)

    compiled = torch.compile(choose, fullgraph=True, backend="eager")
    assert torch.equal(compiled(vectors, noise), choose(vectors, noise))


def test_enough_rounds_are_known_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device the number is fixed; with it a descent ends about where it would for ever."""
    features, losses = drawn(2, 256, 48), torch.zeros(2, 256)
    module = pytest.importorskip("subsetopt.torch.rules._vector")
    monkeypatch.setattr(module, "match_vectors_compiled", None)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    enough, more = (
        distance(features, rule("vector", rounds=rounds)(losses, 40, features=features))
        for rounds in (None, 200)
    )
    assert bool((enough <= 1.1 * more).all())


# -- the compiled search --------------------------------------------------------------------------


def swept(vectors: Any, k: int) -> Any:
    """Return where sweeps over all exchanges lead to, in double precision."""
    found = []
    for row, start in zip(
        vectors.double().numpy(), starts(len(vectors), vectors.shape[1], k), strict=True
    ):
        rows = row - row.mean(0)
        chosen = np.zeros(len(rows), np.bool_)
        chosen[start] = True
        norms, total = np.square(rows).sum(1), rows[chosen].sum(0)
        along, exchanges = rows @ total, 1
        while exchanges:
            members = chosen.nonzero()[0]
            gram = rows[members] @ rows.T
            _, exchanges, _ = kernels.sweep(
                rows, members, gram, norms, 0, 2**40, chosen, total, along
            )
        found.append(torch.from_numpy(chosen.nonzero()[0]))
    return torch.stack(found)


@pytest.mark.parametrize(("n", "d", "k"), [(128, 10, 32), (256, 16, 26), (1024, 10, 256)])
@pytest.mark.parametrize("start", ["uniform", "relaxed"])
def test_bounded_search_beside_the_converged_one(n: int, d: int, k: int, start: str) -> None:
    """What no exchange improves is hardly nearer."""
    vectors = drawn(6, n, d)
    converged = distance(vectors, swept(vectors, k)).mean().item() ** 0.5
    told = on_cpu.Search(start=start, standardise=True)
    chosen = on_cpu.match_vectors_compiled(vectors, k, list(range(6)), told)
    assert distance(vectors, chosen).mean().item() ** 0.5 <= 1.35 * converged


def test_bounded_search_among_many() -> None:
    vectors, k = drawn(4, 4096, 12), 1024
    seeds = list(range(4))
    bounded, thorough = (
        distance(vectors, on_cpu.match_vectors_compiled(vectors, k, seeds, told)).mean() ** 0.5
        for told in (on_cpu.Search(), on_cpu.Search(thorough=True))
    )
    assert bounded <= 1.6 * thorough
    assert bounded <= 0.03 * distance(vectors, starts(4, 4096, k)).mean() ** 0.5


def test_samples_far_from_the_mean_are_chosen_as_often() -> None:
    vectors = drawn(30, 200, 6)
    length = vectors.square().sum(2)
    for start, most in (("uniform", 0.06), ("relaxed", 0.15)):
        told = on_cpu.Search(start=start)
        chosen = on_cpu.match_vectors_compiled(vectors, 50, list(range(30)), told)
        share = length.gather(1, chosen).mean() / length.mean()
        assert share == pytest.approx(1.0, abs=most)


@pytest.mark.parametrize("start", ["uniform", "greedy", "relaxed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kinds_of_which_there_are_many(start: str, dtype: Any) -> None:
    """Of few distinct rows as many of each as come nearest, whichever they are."""
    generator = seeded(3)
    y = torch.randint(7, (500,), generator=generator)
    vectors = torch.randn((7, 4), generator=generator).to(dtype)[y][None]
    told = on_cpu.Search(start=start, standardise=True)
    chosen = on_cpu.match_vectors_compiled(vectors, 125, [1], told)
    require_selection(chosen, 1, 500, 125)
    one_hot = torch.nn.functional.one_hot(y).to(dtype)[None]
    for k in (1, 9, 125, 250, 499, 500):
        chosen = on_cpu.match_vectors_compiled(one_hot, k, [k], told)
        require_selection(chosen, 1, 500, k)
        counts = y[chosen[0]].bincount(minlength=7)
        missing = counts - y.bincount(minlength=7) * k / 500
        assert bool((missing.abs() < 1.0).all())


def test_each_of_a_kind_gets_its_turn() -> None:
    features = torch.nn.functional.one_hot(torch.arange(60) % 3)
    pick, counts = rule("vector"), np.zeros(60)
    for _ in range(600):
        counts[pick(torch.zeros(60), 20, features=features).numpy()] += 1
    assert counts.min() > 140
    assert counts.max() < 260


def test_duplicates_beside_many_others() -> None:
    vectors = drawn(1, 400, 5)
    vectors[0, 100:300] = vectors[0, :1]
    told = on_cpu.Search(standardise=True)
    chosen = on_cpu.match_vectors_compiled(vectors, 100, [0], told)
    require_selection(chosen, 1, 400, 100)
    assert distance(vectors, chosen) < 0.01 * distance(vectors, starts(1, 400, 100))


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("standardise", [False, True])
def test_any_scale_and_constant_features(scale: float, standardise: bool) -> None:
    vectors = drawn(2, 90, 4).double()
    shifted = vectors * scale
    shifted[:, :, 1] = 0.1 * scale
    told = on_cpu.Search(standardise=standardise)
    chosen = on_cpu.match_vectors_compiled(shifted, 30, [0, 1], told)
    require_selection(chosen, 2, 90, 30)
    others = vectors[:, :, [0, 2, 3]]
    assert bool((distance(others, chosen) < 0.02 * distance(others, starts(2, 90, 30))).all())
    same = torch.full((1, 90, 3), scale)
    require_selection(on_cpu.match_vectors_compiled(same, 30, [0], told), 1, 90, 30)


@pytest.mark.parametrize("k", [1, 2, 39, 40])
@pytest.mark.parametrize("start", ["uniform", "greedy", "relaxed"])
def test_ends_of_the_range(k: int, start: str) -> None:
    vectors = drawn(2, 40, 3)
    told = on_cpu.Search(start=start)
    chosen = on_cpu.match_vectors_compiled(vectors, k, [0, 1], told)
    require_selection(chosen, 2, 40, k)
    if k in (1, 39):  # one exchange leads to the best
        centred = vectors - vectors.mean(1, keepdim=True)
        best = centred.square().sum(2).amin(1) / k**2
        assert torch.allclose(distance(vectors, chosen), best.double(), rtol=1e-4)


# -- the rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vector", "frank_wolfe"])
@pytest.mark.parametrize("scale", ["standardise", "none"])
def test_rules_choose_near_the_mean(name: str, scale: str) -> None:
    features, losses = drawn(64, 6), torch.zeros(64)
    pick = rule(name, scale=scale)
    chosen = pick(losses, 0.25, features=features)
    require_selection(chosen[None], 1, 64, 16)
    uniform = rule("uniform")
    chance = [distance(features[None], uniform(losses, 16)[None]).item() for _ in range(20)]
    assert distance(features[None], chosen[None]).item() < 0.2 * np.mean(chance)
    assert len({tuple(pick(losses, 16, features=features).tolist()) for _ in range(5)}) > 1


@pytest.mark.parametrize("name", ["vector", "frank_wolfe"])
def test_randomness_is_the_generators(name: str) -> None:
    features, losses = drawn(3, 40, 4), torch.zeros(3, 40)
    before = torch.get_rng_state()
    one, other = rule(name, seed=5), rule(name, seed=5)
    assert torch.equal(one(losses, 7, features=features), other(losses, 7, features=features))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(losses, 7, features=features), other(losses, 7, features=features))
    drawn_once, drawn_again = (
        one(losses, 7, generator=seeded(3), features=features) for _ in range(2)
    )
    assert torch.equal(drawn_once, drawn_again)
    assert torch.equal(torch.get_rng_state(), before)


def test_standardised_features_count_alike() -> None:
    features, losses = drawn(100, 4), torch.zeros(100)
    stretched = features * torch.tensor([1.0, 1e3, 1e-3, 1.0]) + 5.0
    generators = (seeded(), seeded())
    plain, scaled = (
        rule("vector")(losses, 10, generator=generator, features=given)
        for generator, given in zip(generators, (features, stretched), strict=True)
    )
    assert distance(features[None], scaled[None]) < 2.0 * distance(features[None], plain[None])
    unscaled = rule("vector", scale="none")(losses, 10, generator=seeded(), features=stretched)
    assert distance(features[None], unscaled[None]) > 4.0 * distance(features[None], plain[None])


def test_labels_are_drawn_by_strata() -> None:
    y = torch.arange(120) % 10
    features = torch.nn.functional.one_hot(y)
    for name in ("vector", "frank_wolfe"):
        chosen = rule(name)(torch.zeros(120), 20, features=features)
        assert y[chosen].bincount(minlength=10).tolist() == [2] * 10


def test_every_sample_gets_its_turn() -> None:
    """From a uniform start even the sample farthest from the mean is chosen."""
    features, losses = drawn(20, 2), torch.zeros(20)
    pick = rule("vector")
    counts = np.zeros(20)
    for _ in range(300):
        counts[pick(losses, 10, features=features).numpy()] += 1
    assert counts.min() > 0.4 * 150


@pytest.mark.parametrize("name", ["vector", "frank_wolfe"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "uint8"])
def test_any_precision_inside_autocast(name: str, dtype: str) -> None:
    features = (10 * torch.rand((50, 5), generator=seeded())).to(getattr(torch, dtype))
    losses = torch.zeros(50, dtype=torch.bfloat16)
    plain = rule(name)(losses, 9, features=features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(rule(name)(losses, 9, features=features), plain)


def test_frank_wolfe_matches_losses_where_there_are_no_features() -> None:
    losses = drawn(2, 80).exp()
    chosen = rule("frank_wolfe")(losses, 12)
    assert bool((distance(losses[:, :, None], chosen) < 1e-5).all())
    with pytest.raises(InvalidProblem, match="not finite"):
        rule("frank_wolfe")(torch.tensor([1.0, torch.nan]), 1)
    with pytest.raises(InvalidProblem, match="needs features"):
        rule("vector")(losses, 12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vector", {"start": "random"}),
        ("vector", {"rounds": -1}),
        ("vector", {"rounds": 2.5}),
        ("frank_wolfe", {"rounds": True}),
        ("vector", {"scale": None}),
        ("vector", {"steps": 3}),
        ("vector", {"thorough": 1}),
        ("frank_wolfe", {"steps": 0}),
        ("frank_wolfe", {"start": "greedy"}),
    ],
)
def test_options_are_checked(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        rule(name, **options)


@cuda
@pytest.mark.parametrize("name", ["vector", "frank_wolfe"])
def test_on_the_gpu_without_waiting(name: str, no_waiting: Any) -> None:
    features = drawn(4, 128, 16).cuda()
    losses = torch.zeros(4, 128, device="cuda")
    pick = rule(name)
    pick(losses, 13, features=features)
    torch.cuda.synchronize()
    with no_waiting():
        chosen = pick(losses, 13, features=features)
    require_selection(chosen.cpu(), 4, 128, 13)
    chance = distance(features.cpu(), starts(4, 128, 13))
    assert distance(features.cpu(), chosen.cpu()).mean() < 0.2 * chance.mean()


@cuda
@pytest.mark.parametrize("name", ["vector", "frank_wolfe"])
def test_choices_are_replayed(name: str) -> None:
    recorded, plain = rule(name), rule(name, graph=False)
    for seed in range(6):
        features = drawn(2, 128, 8, seed=seed).cuda()
        losses = torch.zeros(2, 128, device="cuda")
        found, expected = (pick(losses, 13, features=features) for pick in (recorded, plain))
        assert torch.equal(found, expected)
    assert all(recorded._replays._recorded.values())
    assert len(recorded._replays._recorded) == 1
