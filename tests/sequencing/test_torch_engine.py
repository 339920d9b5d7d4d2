"""The torch engine: the kernels, picks and batches of NumPy's engines, on any device."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.errors import InvalidOption, TooLarge
from subsetopt.limits import Limits
from subsetopt.sequencing import _selectors, choose, mmd_to_whole
from subsetopt.sequencing._state import State
from subsetopt.torch.sequencing._batch_search import TorchHerding, TorchSwap
from subsetopt.torch.sequencing._engine import TorchEngine
from subsetopt.torch.sequencing._kernel_rows import whole_products

torch = pytest.importorskip("torch")

CUDA = pytest.mark.cuda
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]
KERNELS = [
    so.Gaussian(),
    so.Gaussian(scale=0.7),
    so.Laplace(),
    so.Polynomial(degree=2),
    so.Polynomial(degree=3, gamma=0.5, coef0=0.25),
    so.Linear(),
]
# Largest error of an entry, relative to the largest entry.
TOLERANCE = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 2e-2}


def cloud(n: int = 230, d: int = 7, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) + rng.integers(0, 3, (n, 1))).astype(np.float32)


def taken(engine: Any, selector: Any, k: int = 20) -> State:
    state = State(engine)
    while state.n - state.count > k:
        selector(state, k)
        state.close(0.0)
    return state


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("mode", ["matrix", "rows"])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_rows_sums_and_diagonal(kernel: Any, mode: Any, dtype: str, device: str) -> None:
    X = cloud()
    reference = choose(X, kernel, engine="matrix")
    engine = TorchEngine(X, kernel, device=device, dtype=dtype, mode=mode)
    K = reference.rows(np.arange(230)).astype(np.float64)
    scale = np.abs(K).max() * TOLERANCE[dtype]
    indices = np.array([3, 0, 229, 3])
    rows = engine.rows(indices)
    assert rows.dtype == engine.dtype == np.float32
    np.testing.assert_allclose(rows, K[indices], rtol=0, atol=scale)
    np.testing.assert_allclose(engine.diagonal(), K.diagonal(), rtol=0, atol=scale)
    np.testing.assert_allclose(engine.row_sums(), K.sum(axis=1), rtol=0, atol=230 * scale)
    assert engine.kernel == reference.kernel
    assert engine.n == 230
    assert f"torch-{device}" in engine.describe()


@pytest.mark.parametrize("mode", ["matrix", "rows"])
def test_tiles_leave_no_gap(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    X = cloud()
    whole = TorchEngine(X, mode=mode)
    monkeypatch.setattr("subsetopt.torch.sequencing._engine._TILE", {"cpu": 64})
    tiled = TorchEngine(X, mode=mode)
    np.testing.assert_allclose(tiled.row_sums(), whole.row_sums(), rtol=1e-6)
    np.testing.assert_allclose(tiled.rows(np.arange(230)), whole.rows(np.arange(230)), atol=1e-6)


def test_a_held_matrix_is_symmetric_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subsetopt.torch.sequencing._engine._TILE", {"cpu": 64})
    K = TorchEngine(cloud(), mode="matrix", dtype="float16").rows(np.arange(230))
    np.testing.assert_array_equal(K, K.T)
    np.testing.assert_array_equal(K.diagonal(), 1.0)


@pytest.mark.parametrize("scale", [1e-2, 1e-3])
def test_small_scales_are_computed_in_float64(scale: float) -> None:
    X = cloud(80, 2)
    X[1] = X[0] + np.float32(scale)
    kernel = so.Gaussian(scale=scale)
    engine = TorchEngine(X, kernel, mode="rows")
    reference = choose(X, kernel, engine="matrix").rows(np.array([0]))
    np.testing.assert_allclose(engine.rows(np.array([0])), reference, atol=1e-6)
    assert 0.1 < reference[0, 1] < 0.9
    with pytest.raises(InvalidOption, match="take dtype='float32'"):
        TorchEngine(X, kernel, mode="rows", dtype="float16")
    with pytest.raises(InvalidOption, match="take engine='rows'"):
        TorchEngine(X, so.Gaussian(scale=1e-6))


def test_products_stay_whole_where_a_training_loop_rounds_them() -> None:
    torch.set_float32_matmul_precision("medium")
    try:
        engine = TorchEngine(cloud())
        taken(engine, TorchHerding(engine))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="torch knows one way to ask"
)
@pytest.mark.parametrize("part", [torch.backends.cuda.matmul, torch.backends])
def test_products_stay_whole_where_rounding_is_asked_for_by_the_newer_names(part: Any) -> None:
    before, part.fp32_precision = part.fp32_precision, "tf32"
    try:
        engine = TorchEngine(cloud())
        taken(engine, TorchHerding(engine))
        with whole_products(torch):
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
    finally:
        part.fp32_precision = before
        torch.backends.cuda.matmul.fp32_precision = "none"
        torch.backends.mkldnn.matmul.fp32_precision = "none"


# -- picks and exchanges --------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mode", ["matrix", "rows"])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_herding_is_that_of_the_host(kernel: Any, mode: Any, device: str) -> None:
    X = cloud()
    reference = choose(X, kernel, engine="matrix")
    expected = taken(reference, _selectors.RunningHerding())
    engine = TorchEngine(X, kernel, mode=mode, device=device)
    state = taken(engine, TorchHerding(engine))
    # No tie is near in this cloud, so that rounding leaves the order as it is.
    np.testing.assert_array_equal(state.order[:220], expected.order[:220])
    np.testing.assert_allclose(state.mmd2, expected.mmd2, rtol=1e-3, atol=1e-9)
    free = np.isfinite(expected.potentials)
    np.testing.assert_array_equal(np.isfinite(state.potentials), free)
    # Their rounding is that of the largest kernel values, in single precision.
    found, wanted = state.potentials[free], expected.potentials[free]
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max() + 2e-2


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mode", ["matrix", "rows"])
@pytest.mark.parametrize("chunk", [2**25, 1000])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_no_exchange_is_left(
    kernel: Any, mode: Any, chunk: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subsetopt.torch.sequencing._batch_search._CHUNK", chunk)
    X, k = cloud(60), 8
    engine = TorchEngine(X, kernel, mode=mode, device=device)
    K = engine.rows(np.arange(60)).astype(np.float64)
    state, selector = State(engine), TorchSwap(engine)
    for _ in range(3):
        selector(state, k)
        state.close(0.0)
        chosen = state.order[: state.count]
        assert np.unique(chosen).size == state.count
        best = distance(K, chosen)
        np.testing.assert_allclose(best / state.count**2, state.mmd2_to_whole[-1], rtol=1e-4)
        first = state.count - k
        for b in range(first, state.count):
            for j in np.setdiff1d(np.arange(60), chosen):
                other = chosen.copy()
                other[b] = j
                assert distance(K, other) > best - 1e-5 * max(1.0, np.abs(K).max())


def distance(K: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    """Return || sum of the chosen - their count times the mean of all ||^2."""
    weights = np.full(len(K), -len(chosen) / len(K))
    weights[chosen] += 1
    return float(weights @ K @ weights)


@pytest.mark.parametrize("device", DEVICES)
def test_swap_is_as_good_as_that_of_the_host(device: str) -> None:
    X = cloud(600)
    reference = choose(X, engine="matrix")
    expected = np.sqrt(taken(reference, _selectors.RunningSwap()).mmd2_to_whole)
    engine = TorchEngine(X, device=device)
    state = taken(engine, TorchSwap(engine))
    found = np.sqrt(mmd_to_whole(reference, state.order[: state.count], state.boundaries))
    np.testing.assert_allclose(found, np.sqrt(state.mmd2_to_whole), rtol=1e-3)
    assert found.mean() < 1.05 * expected.mean()
    herded = taken(engine, TorchHerding(engine))
    assert found.mean() < np.sqrt(herded.mmd2_to_whole).mean()


def test_sweeps_limit_the_exchanges() -> None:
    engine = TorchEngine(cloud())
    none, herded = State(engine), State(engine)
    TorchSwap(engine, sweeps=0)(none, 20)
    TorchHerding(engine)(herded, 20)
    np.testing.assert_array_equal(none.order[:20], herded.order[:20])
    assert none.value == pytest.approx(herded.value)
    one, all_of_them = State(engine), State(engine)
    TorchSwap(engine, sweeps=1)(one, 20)
    TorchSwap(engine)(all_of_them, 20)
    assert herded.value > one.value >= all_of_them.value
    with pytest.raises(InvalidOption, match=r"sweeps must .*got -1"):
        TorchSwap(engine, sweeps=-1)


def test_going_on_from_a_snapshot() -> None:
    engine = TorchEngine(cloud())
    whole = taken(engine, TorchSwap(engine))
    first, second = State(engine), State(engine)
    selector = TorchSwap(engine)
    for _ in range(3):
        selector(first, 20)
        first.close(0.0)
    second.restore(first.snapshot())
    while second.n - second.count > 20:
        selector(second, 20)
    np.testing.assert_array_equal(second.order[:220], whole.order[:220])


def test_points_entered_by_the_host_are_seen() -> None:
    engine = TorchEngine(cloud())
    expected, state = State(engine), State(engine)
    for each in (expected, state):
        each.add(np.arange(10))
    _selectors.RunningHerding()(expected, 20)
    selector = TorchHerding(engine)
    selector(state, 20)
    np.testing.assert_array_equal(state.order[:30], expected.order[:30])


@pytest.mark.parametrize("selector", ["running-herding", "running-swap"])
def test_the_front_door(selector: str) -> None:
    X = cloud()
    found = so.sequence(X, 20, selector=selector, engine=TorchEngine(X))
    other = so.sequence(X, 20, selector=selector, engine="matrix")
    assert np.array_equal(np.sort(found.order), np.arange(230))
    assert found.mmd[:-1].mean() < 1.1 * other.mmd[:-1].mean()
    assert "torch-cpu-float32-matrix" in found.provenance["engine"]


def test_own_selectors() -> None:
    engine = TorchEngine(cloud(30))
    assert type(engine.own_selector(_selectors.RunningHerding())) is TorchHerding
    own = engine.own_selector(_selectors.RunningSwap(sweeps=3))
    assert (type(own), own.sweeps) == (TorchSwap, 3)
    other = _selectors.SolverSelector(so.solver("random"), Limits())
    assert engine.own_selector(other) is other


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float64"}, "dtype must be .* got 'float64'"),
        ({"mode": "columns"}, "mode must be .* got 'columns'"),
        ({"device": "tpu"}, "device must be .* got 'tpu'"),
        ({"device": "cpu:1"}, "device must be .* got 'cpu:1'"),
        ({"device": "cuda:99"}, "torch sees . GPUs"),
        ({"kernel": lambda X, Y: X @ Y.T}, "cannot evaluate the kernel"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        TorchEngine(cloud(20), **options)


def test_what_16_bits_cannot_hold() -> None:
    X = 60 * cloud(20)
    TorchEngine(X, "polynomial", dtype="float32")
    with pytest.raises(InvalidOption, match="whose range the kernel Polynomial"):
        TorchEngine(X, "polynomial", dtype="float16", mode="matrix")
    with pytest.raises(InvalidOption, match="whose range the features exceed"):
        TorchEngine(X * 1e4, "linear", dtype="float16", mode="rows")


def test_memory_decides_the_mode() -> None:
    X = cloud(2000, 3)
    assert TorchEngine(X).mode == "matrix"
    assert TorchEngine(X, memory=30_000_000).mode == "rows"
    with pytest.raises(TooLarge, match="mode='rows'"):
        TorchEngine(X, mode="matrix", memory=30_000_000)
    assert TorchEngine(X, dtype="float16", mode="matrix").bytes < TorchEngine(X).bytes


def test_graphs_need_a_gpu() -> None:
    with pytest.raises(InvalidOption, match="no GPU"):
        TorchHerding(TorchEngine(cloud(20)), graph=True)


@CUDA
@pytest.mark.parametrize("mode", ["matrix", "rows"])
@pytest.mark.parametrize("selector", [TorchHerding, TorchSwap])
def test_replayed_graphs_pick_the_same(selector: Any, mode: Any) -> None:
    engine = TorchEngine(cloud(), device="cuda", mode=mode)
    plain, replayed = taken(engine, selector(engine)), taken(engine, selector(engine, graph=True))
    np.testing.assert_array_equal(plain.order[:220], replayed.order[:220])


@CUDA
def test_a_matrix_and_batches_in_16_bits_on_the_gpu() -> None:
    X = cloud(5000, 64)
    reference = choose(X, engine="matrix")
    expected = np.sqrt(taken(reference, _selectors.RunningSwap(), 100).mmd2_to_whole).mean()
    for mode in ("matrix", "rows"):
        engine = TorchEngine(X, device="cuda", dtype="float16", mode=mode)
        state = taken(engine, TorchSwap(engine), 100)
        found = np.sqrt(mmd_to_whole(reference, state.order[: state.count], state.boundaries))
        assert found.mean() < 1.3 * expected
