"""The short path: every kind of input, one contract, and errors that say what is wrong."""

from typing import Any

import numpy as np
import pytest

import subsetopt as so


def _losses(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).exponential(size=shape)


def _contract(indices: Any, n: int, k: int) -> None:
    assert isinstance(indices, np.ndarray)
    assert indices.dtype == np.int64
    assert indices.shape[-1] == k
    assert (np.diff(indices, axis=-1) > 0).all()
    assert 0 <= indices.min() <= indices.max() < n


@pytest.mark.parametrize("k", [12, 32, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_means_agree(k: int, dtype: Any) -> None:
    for seed in range(50):
        losses = _losses(128, seed=seed).astype(dtype)
        chosen = so.select(losses, k)
        _contract(chosen, 128, k)
        exact = losses.astype(np.float64)
        assert abs(exact[chosen].mean() - exact.mean()) <= 1e-5


def _forms() -> dict[str, Any]:
    whole = np.random.default_rng(0).integers(-50, 50, 40)
    wide = np.repeat(whole.astype(np.float64), 3)
    frozen = whole.astype(np.float64)
    frozen.setflags(write=False)
    return {
        "list": whole.tolist(),
        "tuple of floats": tuple(map(float, whole)),
        "int8": whole.astype(np.int8),
        "int64": whole,
        "float16": whole.astype(np.float16),
        "float32": whole.astype(np.float32),
        "strided": wide[::3],
        "reversed twice": whole.astype(np.float64)[::-1].copy()[::-1],
        "read-only": frozen,
        "big-endian": whole.astype(">f8"),
        "column": np.asfortranarray(np.tile(whole.astype(np.float64), (2, 1)))[0],
        "float64": whole.astype(np.float64),
    }


@pytest.mark.parametrize("name", _forms())
def test_all_forms_of_the_same_losses_give_the_same(name: str) -> None:
    forms = _forms()
    expected = so.select(forms["float64"], 11)
    _contract(expected, 40, 11)
    assert so.select(forms[name], 11).tolist() == expected.tolist()


def test_booleans_count_as_numbers() -> None:
    losses = np.array([True, False, True, False, False, False, True, False])
    chosen = so.select(losses, 8 // 2, target=0.5)
    assert losses[chosen].sum() == 2


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_each_row_of_a_batch_is_the_single_call(order: Any, rows: int) -> None:
    losses = np.array(_losses(rows, 32), order=order)
    together = so.select(losses, 9, seed=4)
    assert together.shape == (rows, 9)
    _contract(together, 32, 9)
    for row in range(rows):
        assert together[row].tolist() == so.select(losses[row], 9, seed=4).tolist()


def test_threads_do_not_matter() -> None:
    losses = _losses(700, 24).astype(np.float32)
    results = [so.select(losses, 7, threads=threads).tolist() for threads in (1, 2, 5, None)]
    assert all(result == results[0] for result in results)


def test_targets() -> None:
    losses = _losses(6, 64)
    for target in (0.5, np.float32(0.5), np.array(0.5), np.full(6, 0.5), [0.5] * 6):
        chosen = so.select(losses, 16, target=target)
        means = np.take_along_axis(losses, chosen, axis=1).mean(axis=1)
        assert np.abs(means - 0.5).max() < 1e-4
    own = np.linspace(0.4, 1.6, 6)
    chosen = so.select(losses, 16, target=own)
    assert np.abs(np.take_along_axis(losses, chosen, axis=1).mean(axis=1) - own).max() < 1e-4
    assert so.select(losses[0], 3, target=-9).tolist() == np.sort(losses[0].argsort()[:3]).tolist()
    assert so.select(losses[0], 3, target=99).tolist() == np.sort(losses[0].argsort()[-3:]).tolist()


def test_the_input_and_the_global_random_state_are_left_alone() -> None:
    losses = _losses(3, 50)
    before, state = losses.copy(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr, unused-ignore]  # noqa: NPY002
    so.select(losses, 7)
    so.select(losses[0], 7)
    assert (losses == before).all()
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index, union-attr, unused-ignore]  # noqa: NPY002


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e305])
def test_extreme_magnitudes(scale: float) -> None:
    losses = np.random.default_rng(0).integers(-100, 100, 40).astype(np.float64)
    chosen = so.select(losses * scale, 12)
    _contract(chosen, 40, 12)
    plain = so.select(losses, 12)
    error = abs(losses[chosen].mean() - losses.mean())
    assert error <= 2 * abs(losses[plain].mean() - losses.mean()) + 0.1


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_the_largest_magnitudes(shape: tuple[int, ...]) -> None:
    values = np.broadcast_to(np.array([1.0, -1.0, 0.5, 0.25]), shape) * 1e308
    _contract(so.select(values, 2), 4, 2)
    _contract(so.select(np.full(shape, 1.7e308), 2), 4, 2)


@pytest.mark.parametrize(
    ("losses", "k"), [([1.0], 1), ([2.0, 2.0, 2.0], 2), ([0.0, 0.0], 1), ([3.0, 1.0], 2)]
)
def test_small_and_constant(losses: list[float], k: int) -> None:
    _contract(so.select(losses, k), len(losses), k)


@pytest.mark.parametrize("k", [np.int64(3), np.int32(3), np.uint8(3)])
def test_numpy_integers_are_whole_numbers(k: Any) -> None:
    assert so.select(_losses(9), k).tolist() == so.select(_losses(9), 3).tolist()


NAN, INF = float("nan"), float("inf")
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "nan": ([1.0, NAN, 2.0], {}, r"\[1\] is nan"),
    "inf": ([1.0, 2.0, INF], {}, r"\[2\] is inf"),
    "-inf": ([-INF, 2.0, 1.0], {}, r"\[0\] is -inf"),
    "nan in float16": (np.array([NAN, 1, 2], dtype=np.float16), {}, r"\[0\] is nan"),
    "nan in a batch": ([[1.0, 2.0, 3.0], [1.0, 2.0, NAN]], {}, r"\[1, 2\] is nan"),
    "k=0": ([1.0, 2.0], {"k": 0}, "got 0"),
    "k<0": ([1.0, 2.0], {"k": -1}, r"k must .*got -1"),
    "k>n": ([1.0, 2.0], {"k": 3}, r"in \[1, 2\]"),
    "k>n in a batch": (np.ones((5, 2)), {"k": 3}, r"in \[1, 2\]"),
    "k float": ([1.0, 2.0], {"k": 1.0}, r"k must .*got 1\.0 \(float\)"),
    "k bool": ([1.0, 2.0], {"k": True}, r"k must .*got True \(bool\)"),
    "k none": ([1.0, 2.0], {"k": None}, "got None"),
    "0-d": (3.0, {}, r"shape \(\)"),
    "3-d": (np.ones((2, 2, 2)), {}, r"shape \(2, 2, 2\)"),
    "empty": ([], {"k": 1}, "at least one value"),
    "empty batch": (np.ones((0, 4)), {}, "at least one value"),
    "empty rows": (np.ones((4, 0)), {}, "at least one value"),
    "str": (["a", "b"], {}, "dtype"),
    "complex": (np.ones(4, dtype=complex), {}, "dtype"),
    "object": (np.array([1, None, 2], dtype=object), {}, "dtype"),
    "target nan": ([1.0, 2.0, 3.0], {"target": NAN}, "target is nan"),
    "target inf in a batch": (np.ones((2, 3)), {"target": [1.0, INF]}, r"target\[1\] is inf"),
    "target of a wrong length": (np.ones((2, 3)), {"target": [1.0, 1.0, 1.0]}, r"\(2,\)"),
    "target for a single row": (np.ones(3), {"target": [1.0]}, r"target must .*got shape \(1,\)"),
    "target word": (np.ones(3), {"target": "mean"}, "target"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_problems_are_refused_with_what_is_wrong(name: str) -> None:
    losses, arguments, message = BAD[name]
    with pytest.raises(so.InvalidProblem, match=message):
        so.select(losses, **{"k": 2, **arguments})


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(so.InvalidProblem, match="select_parts"):
        so.select([[1.0, 2.0], [1.0]], 1)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
@pytest.mark.parametrize(
    "option",
    [{name: value} for name in ("seed", "threads") for value in (-1, 2**31, 1.5, True, "1")],
)
def test_bad_options_are_refused(option: dict[str, Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(so.InvalidOption, match=next(iter(option))):
        so.select(np.ones(shape), 2, **option)


# -- torch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16", "int64"])
@pytest.mark.parametrize("shape", [(40,), (3, 40)])
def test_torch_in_torch_out(name: str, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    dtype = getattr(torch, name)
    losses = torch.from_numpy(50 * _losses(*shape)).to(dtype)
    chosen = so.select(losses, 9)
    assert type(chosen) is torch.Tensor
    assert chosen.dtype == torch.int64
    assert chosen.device == losses.device
    as_numpy = losses.float().numpy() if losses.is_floating_point() else losses.numpy()
    if name == "float64":
        as_numpy = losses.numpy()
    assert chosen.tolist() == so.select(as_numpy, 9).tolist()


def test_torch_graphs_and_views_and_targets() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.ones(30, requires_grad=True)
    losses = weight * torch.from_numpy(_losses(30))
    chosen = so.select(losses, 7)
    assert not chosen.requires_grad
    losses[chosen].mean().backward()  # the graph is whole
    assert (weight.grad != 0).sum() == 7
    assert chosen.tolist() == so.select(losses.detach().numpy(), 7).tolist()
    table = torch.from_numpy(_losses(20, 4))
    assert so.select(table.T, 5).tolist() == so.select(table.numpy().T, 5).tolist()
    target = torch.tensor([0.5, 0.6, 0.7, 0.8], dtype=torch.float64)
    expected = so.select(table.numpy().T, 5, target=target.numpy())
    assert so.select(table.T, 5, target=target).tolist() == expected.tolist()
    with pytest.raises(so.InvalidProblem, match="nan"):
        so.select(torch.tensor([1.0, NAN]), 1)
    state = torch.random.get_rng_state()
    so.select(table, 2)
    assert (torch.random.get_rng_state() == state).all()


def test_torch_parameters_are_tensors() -> None:
    torch = pytest.importorskip("torch")
    losses = torch.nn.Parameter(torch.from_numpy(_losses(12)))
    chosen = so.select(losses, 3)
    assert isinstance(chosen, torch.Tensor)
    assert chosen.shape == (3,)
