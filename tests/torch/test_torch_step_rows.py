"""One row of losses on the CPU, which goes straight to the compiled loops."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.torch.rules import rule  # noqa: E402


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("k", [5, 0.25, 16])
def test_one_row_of_losses_is_chosen_from_as_a_batch_of_one(dtype: Any, k: Any) -> None:
    losses = torch.rand(16, 2, generator=torch.Generator().manual_seed(0)).to(dtype)[:, 0]
    pick = rule("obftf")
    assert torch.equal(pick(losses.requires_grad_(), k), pick(losses[None], k)[0])


def test_one_row_of_losses_is_checked_as_a_batch_of_one() -> None:
    pick, losses = rule("obftf"), torch.rand(6)
    bad = losses.clone()
    bad[4] = torch.inf
    mistakes: list[tuple[Any, Any, str]] = [
        (bad, 2, r"losses\[4\] is inf and 1 of 6 values"),
        (losses, 0, "got 0"),
        (losses, 7, r"k must .*got 7"),
        (losses, True, "got True"),
        (losses[:0], 1, "losses must hold at least one"),
        (losses.long(), 1, "dtype torch.int64"),
        (losses.numpy(), 1, "ndarray"),
    ]
    for given, k, message in mistakes:
        with pytest.raises(InvalidProblem, match=message):
            pick(given, k)
    with pytest.raises(InvalidOption, match="needs k"):
        pick(losses)
