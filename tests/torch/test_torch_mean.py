from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subsetopt as so

torch: Any = pytest.importorskip("torch")
search = pytest.importorskip("subsetopt.torch.search._mean")
match_mean = search.match_mean

cuda = pytest.mark.cuda


def drawn(shape: tuple[int, ...], seed: int = 0, dtype: Any = None) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.empty(shape, dtype=dtype).exponential_(generator=generator)


def noise(shape: tuple[int, ...], seed: int = 0) -> Any:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def off(losses: Any, chosen: Any) -> Any:
    """Return the distance of the means, in interquartile ranges."""
    exact = losses.double()
    spread = exact.quantile(0.75, 1) - exact.quantile(0.25, 1)
    return (exact.gather(1, chosen).mean(1) - exact.mean(1)).abs() / spread


def require_selection(chosen: Any, losses: Any, k: int) -> None:
    assert chosen.shape == (len(losses), k)
    assert chosen.dtype == torch.int64
    assert chosen.min() >= 0
    assert chosen.max() < losses.shape[1]
    assert bool((chosen[:, 1:] > chosen[:, :-1]).all())


VALUES = st.one_of(
    st.floats(-100, 100, width=32),
    st.sampled_from([0.0, 1.0, 2.0, 1e6, -3e4]),
)


@settings(max_examples=60, deadline=None)
@given(
    losses=hnp.arrays(
        np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=VALUES
    ),
    share=st.floats(0.01, 1.0),
    start=st.booleans(),
)
@example(losses=np.zeros((2, 9), np.float32), share=0.5, start=False)
@example(losses=np.array([[1.0] * 20 + [1e30]], np.float32), share=0.3, start=False)
@example(losses=np.full((1, 7), 3e38, np.float32), share=0.5, start=True)  # the sum overflows
def test_any_losses_give_a_selection(losses: Any, share: float, start: bool) -> None:
    values = torch.from_numpy(losses)
    k = max(1, int(share * values.shape[1]))
    chosen = match_mean(values, k, noise=noise(values.shape) if start else None)
    require_selection(chosen, values, k)


@settings(max_examples=60, deadline=None)
@given(
    losses=hnp.arrays(np.float64, st.integers(2, 12), elements=st.floats(0, 1)),
    k=st.integers(1, 11),
)
def test_one_or_all_but_one_is_optimal_and_nothing_beats_the_optimum(losses: Any, k: int) -> None:
    k = min(k, len(losses))
    chosen = match_mean(torch.from_numpy(losses)[None], k)[0].tolist()
    best = min(
        abs(losses[list(c)].mean() - losses.mean()) for c in combinations(range(len(losses)), k)
    )
    error = abs(losses[chosen].mean() - losses.mean())
    assert error >= best - 1e-12
    if k in (1, len(losses) - 1, len(losses)):
        assert error <= best + 1e-12


def test_small_ones_come_close_to_the_optimum() -> None:
    losses = drawn((40, 12), dtype=torch.float64)
    subsets = torch.tensor(list(combinations(range(12), 4)))
    means = losses[:, subsets].mean(2)
    best = (means - losses.mean(1, keepdim=True)).abs().min(1).values
    chosen = match_mean(losses, 4)
    error = (losses.gather(1, chosen).mean(1) - losses.mean(1)).abs()
    rank = ((means - losses.mean(1, keepdim=True)).abs() < error[:, None] - 1e-12).sum(1)
    assert bool((error >= best - 1e-12).all())
    assert rank.double().mean() < 8  # of 495
    assert rank.max() <= 40


@pytest.mark.parametrize(
    ("n", "k", "bound"),
    [
        (128, 13, 5e-6),
        (128, 64, 2e-6),
        (128, 115, 2e-6),
        (512, 50, 2e-6),
        (4096, 410, 2e-6),
        (1000, 3, 2e-5),
    ],
)
@pytest.mark.parametrize("start", ["stride", "uniform"])
def test_errors_are_those_of_the_compiled_solver(n: int, k: int, bound: float, start: str) -> None:
    losses = drawn((16, n))
    chosen = match_mean(losses, k, noise=noise(losses.shape) if start == "uniform" else None)
    require_selection(chosen, losses, k)
    error = off(losses, chosen)
    own = off(losses, so.select(losses, k, threads=1))
    assert error.median() <= max(bound, 2 * own.median().item())
    assert error.max() <= max(5 * bound, 5 * own.max().item()) or start == "uniform"


def test_heavy_tails_are_matched() -> None:
    losses = (2 * torch.randn((32, 512), generator=torch.Generator().manual_seed(1))).exp()
    error = off(losses, match_mean(losses, 50))
    assert error.median() < 1e-6
    assert error.max() < 1e-4
    without = off(losses, match_mean(losses, 50, rounds=0))
    assert without.median() > 1e-3  # so the exchanges are what does it


def test_very_heavy_tails_are_matched_by_the_tilted_starts_and_the_ends() -> None:
    losses = (3 * torch.randn((16, 4096), generator=torch.Generator().manual_seed(1))).exp()
    assert off(losses, match_mean(losses, 410)).max() < 1e-2


def test_a_large_offset_costs_no_digits() -> None:
    losses = (drawn((16, 128)) * 2**10).round() / 2**10
    shifted = losses + 2048.0
    assert torch.equal(shifted - 2048.0, losses)
    error = off(shifted, match_mean(shifted, 13))
    assert error.max() < 5e-5  # the mean of 13 numbers k / 1024 is off by as much
    assert bool((error <= off(losses, so.select(losses, 13, threads=1)) + 1e-6).all())


def test_one_huge_outlier_is_made_up_for_as_far_as_it_can_be() -> None:
    losses = drawn((1, 64))
    losses[0, 17] = 1e6
    chosen = match_mean(losses, 6, rounds=8)[0].tolist()
    highest = losses[0].topk(7).indices[1:].sort().values.tolist()
    assert chosen == highest  # with the outlier the mean would be further off


def test_a_mean_that_can_be_had_exactly_is_found() -> None:
    losses = torch.arange(101.0).repeat(3, 1)
    chosen = match_mean(losses, 10)
    assert losses.gather(1, chosen).mean(1).tolist() == [50.0] * 3


def test_a_uniform_start_keeps_most_of_the_start() -> None:
    losses, keys = drawn((8, 256)), noise((8, 256), seed=3)
    chosen = match_mean(losses, 32, rounds=2, noise=keys)
    order = losses.argsort(1)
    start = order.gather(1, keys.topk(32).indices)
    kept = (chosen[:, :, None] == start[:, None, :]).any(2).sum(1)
    assert kept.min() >= 28  # a double exchange replaces two


def test_more_rounds_never_worsen() -> None:
    losses = drawn((32, 64), dtype=torch.float64)
    errors = [off(losses, match_mean(losses, 6, rounds=rounds)) for rounds in range(4)]
    for before, after in pairwise(errors):
        assert bool((after <= before + 1e-12).all())


def test_rows_do_not_depend_on_each_other() -> None:
    losses = drawn((9, 200))
    together = match_mean(losses, 20)
    alone = torch.cat([match_mean(row[None], 20) for row in losses])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("start", ["stride", "uniform"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_comes_last(bad: float, start: str) -> None:
    losses = drawn((3, 50))
    losses[0, :30] = bad
    losses[1, ::2] = bad
    losses[2, 3:] = bad
    keys = noise(losses.shape) if start == "uniform" else None
    chosen = match_mean(losses, 12, noise=keys)
    require_selection(chosen, losses, 12)
    finite = torch.isfinite(losses.gather(1, chosen))
    assert finite.sum(1).tolist() == [12, 12, 3]
    clean = torch.where(torch.isfinite(losses), losses, 0.0)[:2]
    count = torch.isfinite(losses[:2]).sum(1)
    gap = clean.gather(1, chosen[:2]).mean(1) - clean.sum(1) / count
    assert gap.abs().max() < 1e-2


def test_few_plans_are_kept() -> None:
    for n in range(10, 90):
        match_mean(drawn((1, n)), 3, rounds=0)
    assert len(search._PLANS) == search._KEPT
    assert (89, 3, torch.device("cpu")) in search._PLANS


# -- what a GPU asks for --------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(128, 13), (128, 1), (128, 2), (5, 5), (4, 3), (4096, 400)])
def test_no_step_looks_at_a_value(n: int, k: int) -> None:
    # Tensors on the meta device have shapes and no values: reading one raises.
    losses = torch.empty((3, n), device="meta")
    assert match_mean(losses, k).shape == (3, k)
    assert match_mean(losses, k, noise=losses).shape == (3, k)
    with pytest.raises((RuntimeError, NotImplementedError)):
        float(losses.sum())


@pytest.mark.parametrize("start", ["stride", "uniform"])
def test_one_graph_without_breaks(start: str) -> None:
    compiled = torch.compile(match_mean, fullgraph=True, backend="eager", dynamic=False)
    losses = drawn((2, 128))
    keys = noise(losses.shape) if start == "uniform" else None
    assert torch.equal(compiled(losses, 13, noise=keys), match_mean(losses, 13, noise=keys))


def captured(choose: Callable[[Any], Any], losses: Any) -> tuple[Any, Any]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        choose(losses)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        chosen = choose(losses)
    return graph, chosen


@cuda
def test_a_cuda_graph_replays_on_new_losses() -> None:
    losses = drawn((4, 512)).cuda()
    graph, chosen = captured(lambda rows: match_mean(rows, 50), losses)
    fresh = drawn((4, 512), seed=7).cuda()
    losses.copy_(fresh)
    graph.replay()
    require_selection(chosen, fresh, 50)
    assert torch.equal(chosen, match_mean(fresh, 50))
    assert off(fresh, chosen).max() < 2e-6


@cuda
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # the compiler's
def test_inductor_compiles_it_for_cuda() -> None:
    losses = drawn((4, 128)).cuda()
    compiled = torch.compile(match_mean, fullgraph=True)
    chosen = compiled(losses, 13)
    require_selection(chosen, losses, 13)
    assert off(losses, chosen).median() < 5e-6
