"""Features: what they are, in which precision, and that they repeat."""

from typing import Any

import pytest

from subsetopt.errors import InvalidOption, InvalidProblem

torch: Any = pytest.importorskip("torch")
features = pytest.importorskip("subsetopt.torch.features")

DTYPES = ["float16", "bfloat16", "float32", "float64"]


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def wide(dtype: str) -> Any:
    return torch.float64 if dtype == "float64" else torch.float32


def test_labels_are_one_hot() -> None:
    y = torch.tensor([[2, 0], [-100, 1]])
    expected = torch.tensor([[[0, 0, 1], [1, 0, 0]], [[0, 0, 0], [0, 1, 0]]])
    found = features.labels(y, 3)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected.float())
    with pytest.raises(InvalidProblem, match="float32"):
        features.labels(y.float(), 3)
    with pytest.raises(InvalidOption, match="classes"):
        features.labels(y, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_projections_repeat_and_keep_distances(dtype: str) -> None:
    x = drawn(40, 3, 8, 8).to(getattr(torch, dtype)).requires_grad_()
    before = torch.get_rng_state()
    found = features.projected(x, 64)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.shape == (40, 64)
    assert found.dtype == wide(dtype)
    assert not found.requires_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(features.projected(x, 64), found)
    assert not torch.equal(features.projected(x, 64, seed=1), found)
    flat = x.detach().flatten(1).to(found.dtype)
    ratio = torch.pdist(found) / torch.pdist(flat)
    assert ratio.mean() == pytest.approx(1.0, abs=0.05)
    assert ratio.std() < 0.15  # 1 / sqrt(2 * 64) = 0.09
    assert torch.allclose(features.projected(x[:3], 64), found[:3], atol=1e-5)


def test_few_numbers_are_only_flattened() -> None:
    assert torch.equal(features.projected(drawn(5, 2, 3), 6), drawn(5, 2, 3).flatten(1))
    pixels = torch.arange(12, dtype=torch.uint8).view(2, 6)
    assert torch.equal(features.projected(pixels, 6), pixels.float())
    assert features.projected(pixels, 4).shape == (2, 4)
    assert features.projected(torch.arange(5), 4).shape == (5, 1)


def test_a_projection_is_a_constant_to_the_compiler() -> None:
    compiled = torch.compile(lambda x: features.projected(x, 4), fullgraph=True, backend="eager")
    x = drawn(3, 20)
    assert torch.equal(compiled(x), features.projected(x, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_residuals_are_the_gradient_by_the_logits(dtype: str) -> None:
    logits = (3 * drawn(7, 5)).to(getattr(torch, dtype)).requires_grad_()
    y = torch.arange(7) % 5
    found = features.residuals(logits, y)
    assert found.dtype == wide(dtype)
    assert not found.requires_grad
    loss = torch.nn.functional.cross_entropy(logits.to(found.dtype), y, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.allclose(found.to(gradient.dtype), gradient, atol=1e-6)
    soft = torch.nn.functional.one_hot(y, 5).to(found.dtype)
    assert torch.allclose(features.residuals(logits, soft), found)


def test_residuals_of_batches_of_rows() -> None:
    logits, y = drawn(2, 7, 5), torch.arange(14).view(2, 7) % 5
    assert torch.equal(features.residuals(logits, y)[1], features.residuals(logits[1], y[1]))
    with pytest.raises(InvalidProblem, match="class numbers"):
        features.residuals(logits, y[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_the_last_layer_keep_inner_products(dtype: str) -> None:
    logits, hidden = (drawn(20, size).to(getattr(torch, dtype)) for size in (10, 32))
    y = torch.arange(20) % 10
    found = features.last_layer_gradients(logits, y, hidden, dim=256)
    assert found.shape == (20, 256)
    assert found.dtype == wide(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(features.last_layer_gradients(logits, y, hidden, dim=256), found)
    full = features.last_layer_gradients(logits, y, hidden, dim=320)
    residual = features.residuals(logits, y)
    outer = torch.einsum("nc,nh->nch", residual, hidden.to(residual.dtype))
    assert torch.allclose(full, outer.flatten(1))
    lengths = full.square().sum(1)
    error = (found @ found.T - full @ full.T) / (lengths[:, None] * lengths).sqrt()
    assert error.abs().mean() < 0.15
    assert error.mean().abs() < 0.03


def test_gradients_of_the_last_layer_are_those_of_autograd() -> None:
    hidden, y = drawn(6, 4), torch.arange(6) % 3
    layer = torch.nn.Linear(4, 3)
    found = features.last_layer_gradients(layer(hidden), y, hidden, dim=12)
    for row in range(6):
        loss = torch.nn.functional.cross_entropy(layer(hidden[row : row + 1]), y[row : row + 1])
        (gradient,) = torch.autograd.grad(loss, layer.weight)
        assert torch.allclose(found[row], gradient.flatten(), atol=1e-6)
    with pytest.raises(InvalidProblem, match="hidden"):
        features.last_layer_gradients(layer(hidden), y, hidden[:5])


def test_parts_count_as_their_weights_say() -> None:
    one, other = 7.0 + 3.0 * drawn(50, 4), 100.0 * drawn(50, 16, seed=1).half()
    found = features.joined(one, other, weights=(2.0, 0.5))
    assert found.shape == (50, 20)
    assert found.dtype == torch.float32
    assert torch.allclose(found.mean(0), torch.zeros(20), atol=1e-5)
    power = found.square().mean(0)
    assert power[:4].sum().item() == pytest.approx(2.0, rel=1e-4)
    assert power[4:].sum().item() == pytest.approx(0.5, rel=1e-4)
    batched = features.joined(one.expand(2, 50, 4), other.expand(2, 50, 16), weights=(2.0, 0.5))
    assert torch.allclose(batched[1], found, atol=1e-5)
    for weights in ((1.0,), (1.0, -1.0)):
        with pytest.raises(InvalidOption, match="weights"):
            features.joined(one, other, weights=weights)
    with pytest.raises(InvalidProblem, match="parts"):
        features.joined(one, other[:7])


@pytest.mark.parametrize("offset", [0.0, 0.1, 1e4])
def test_a_constant_becomes_zero(offset: float) -> None:
    values = torch.cat([torch.full((999, 1), offset), offset + drawn(999, 1)], 1)
    found = features.standardised(values)
    assert not found[:, 0].any()
    assert found[:, 1].std() == pytest.approx(1.0, rel=1e-2)
    assert not features.standardised(values[:1]).any()


@pytest.mark.cuda
def test_the_same_on_the_gpu_without_waiting(no_waiting: Any) -> None:
    x, logits, y = drawn(30, 100), drawn(30, 5), torch.arange(30) % 5

    def made(here: Any) -> Any:
        return features.joined(
            features.labels(here[2], 5),
            features.projected(here[0]),
            features.last_layer_gradients(here[1], here[2], here[0]),
        )

    on_the_gpu = [part.cuda() for part in (x, logits, y)]
    expected = made((x, logits, y))
    made(on_the_gpu)
    with no_waiting():
        found = made(on_the_gpu)
    assert torch.allclose(found.cpu(), expected, atol=1e-3)
