"""The one-launch kernel against the search in torch.

Without a GPU the kernel runs under Triton's interpreter, in a process of its own: whether it
interprets or compiles is decided when Triton is imported. Speed, and what the compiler makes of the
kernel, is checked on a GPU only.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from subsetopt.errors import InvalidProblem

torch: Any = pytest.importorskip("torch")
pytest.importorskip("triton", reason="Triton comes with the CUDA builds of torch")
search = pytest.importorskip("subsetopt.torch.search._mean")
rule = pytest.importorskip("subsetopt.torch.rules").rule

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
runs = pytest.mark.usefixtures() if INTERPRETED else pytest.mark.cuda


@pytest.mark.skipif(INTERPRETED, reason="this is that process")
def test_under_the_interpreter() -> None:
    assert find_spec("triton") is not None
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def kernel() -> Any:
    from subsetopt.torch.search import _triton_mean

    return _triton_mean.match_mean


def drawn(*shape: int) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(0)
    losses = torch.empty(shape).exponential_(generator=generator)
    return losses.to(DEVICE), torch.rand(shape, generator=generator).to(DEVICE)


def off(losses: Any, chosen: Any) -> Any:
    exact = losses.double()
    return (exact.gather(1, chosen).mean(1) - exact.mean(1)).abs()


@runs
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (3, 2), (17, 1), (17, 16), (21, 5), (40, 3)])
def test_chooses_what_the_search_in_torch_does(n: int, k: int, noisy: bool) -> None:
    losses, noise = drawn(2, n)
    for rounds in (0, 2):
        given = {"rounds": rounds, "noise": noise if noisy else None}
        found, expected = (match(losses, k, **given) for match in (kernel(), search.match_mean))
        assert found.dtype == torch.int64
        assert found.shape == (2, k)
        assert bool((found.diff(dim=1) > 0).all())
        assert bool(((found >= 0) & (found < n)).all())
        if rounds == 0:
            assert torch.equal(found, expected)
        # Ties and the order of summation may lead elsewhere, but not farther from the mean.
        assert bool((off(losses, found) <= off(losses, expected) + 1e-6).all())


@runs
def test_equal_and_half_losses() -> None:
    losses = torch.tensor([[1.0] * 12, [0.0, 2.0] * 6], device=DEVICE).half()
    found = kernel()(losses, 4)
    assert bool((found.diff(dim=1) > 0).all())
    assert off(losses, found).tolist() == [0.0, 0.0]


@runs
def test_losses_that_are_not_finite_come_last() -> None:
    losses, noise = drawn(2, 20)
    losses[0, 3], losses[0, 7], losses[1, 2:] = torch.nan, torch.inf, -torch.inf
    for given in (None, noise):
        found = kernel()(losses, 5, noise=given)
        assert bool((found.diff(dim=1) > 0).all())
        assert bool(((found >= 0) & (found < 20)).all())
        assert not {3, 7} & set(found[0].tolist())
        assert {0, 1} <= set(found[1].tolist())


@runs
def test_many_losses_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="4096"):
        kernel()(torch.zeros(1, 4097, device=DEVICE), 3)


@pytest.mark.cuda
def test_the_rule_takes_it_when_asked_to() -> None:
    losses = torch.rand(3, 128, device="cuda")
    by_kernel = rule("obftf", kernel="triton")(losses, 32)
    assert torch.equal(by_kernel, search.match_mean(losses, 32))


@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore::UserWarning")  # Triton's own, while it compiles
@pytest.mark.parametrize(("n", "k"), [(128, 13), (4096, 410)])
def test_on_the_gpu_without_waiting(n: int, k: int, no_waiting: Any) -> None:
    losses, _ = drawn(64, n)
    kernel()(losses, k)
    torch.cuda.synchronize()
    with no_waiting():
        found = kernel()(losses, k)
    reference = off(losses, search.match_mean(losses, k))
    assert bool((off(losses, found) <= reference + 1e-6).all())
