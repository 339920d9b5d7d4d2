"""Mistakes in losses, batches and options are told with the fix."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.torch.recorded import RecordedLosses  # noqa: E402
from subsetopt.torch.step import SubsetStep, supervised  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    ENTROPY,
    N,
    batches,
    network,
)


def test_a_scalar_loss_is_refused_with_the_fix() -> None:
    def scalar(model: Any, batch: Any) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    for name in ("obftf", "uniform"):
        with pytest.raises(InvalidProblem, match="reduction='none'"):
            SubsetStep(network(), scalar, name, 4)(batches(1)[0])
    with pytest.raises(InvalidOption, match=r"reduction of the criterion must .*got 'mean'"):
        supervised(nn.CrossEntropyLoss())


def test_losses_that_are_not_one_per_sample_are_refused() -> None:
    x, y = batches(1)[0]
    for name in ("obftf", "uniform"):
        step = SubsetStep(network(), lambda model, b: model(b[0]), name, 4)
        with pytest.raises(InvalidProblem, match="average over tokens"):
            step((x, y))
    step = SubsetStep(network(), ENTROPY, "obftf", 4)
    with pytest.raises(InvalidProblem, match=r"not \(\*inputs, target\)"):
        step({"x": x, "y": y})
    with pytest.raises(InvalidProblem, match=r"batch\[1\] has 5 rows, but batch\[0\] has 16"):
        step((x, y[:5]))
    with pytest.raises(InvalidProblem, match="batch_size= if 4 is wrong"):
        step((x, y), batch_size=4)


def test_losses_that_are_not_finite_are_named() -> None:
    x, y = batches(1)[0]
    x[3] = torch.nan
    with pytest.raises(InvalidProblem, match=r"losses\[3\] is nan"):
        SubsetStep(network(), ENTROPY, "obftf", 4)((x, y))


def embedded(model: Any, batch: Any) -> Tensor:
    found: Tensor = batch[0][:, :2]
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "obtf", "k": 4}, "got 'obtf'"),
        ({"rule": "obftf"}, "needs k"),
        ({"rule": "obftf", "k": 0}, "got 0"),
        ({"rule": "obftf", "k": 1.5}, r"k must .*got 1.5"),
        ({"rule": "obftf", "k": True}, "got True"),
        ({"rule": "obftf", "k": 4, "features": embedded}, "does not take features="),
        ({"rule": "uniform", "k": 4, "recorded": RecordedLosses()}, "leave out recorded="),
        ({"rule": "obftf", "k": 4, "reweight": True}, "'uniform' does"),
        ({"rule": "prob", "k": 4, "reweight": True}, "'uniform' does"),
        ({"rule": "obftf", "k": 4, "selection_mode": "test"}, r"selection_mode must .*got 'test'"),
    ],
)
def test_mistakes_are_found_at_once(options: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        SubsetStep(network(), ENTROPY, **options)


def test_ids_belong_to_records() -> None:
    batch = batches(1)[0]
    with pytest.raises(InvalidOption, match="ids are missing"):
        SubsetStep(network(), ENTROPY, "obftf", 4, recorded=RecordedLosses(N))(batch)
    with pytest.raises(InvalidOption, match="no recorded="):
        SubsetStep(network(), ENTROPY, "obftf", 4)(batch, ids=torch.arange(N))
