"""Choosing by recorded losses, and going on from a checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.torch.budgets import During  # noqa: E402
from subsetopt.torch.recorded import RecordedLosses  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    ENTROPY,
    N,
    assert_right,
    assert_same,
    backward,
    batches,
    everything,
    network,
)


def test_recorded_losses_take_the_place_of_the_selection_pass() -> None:
    sizes: list[int] = []

    def counted(model: Any, batch: Any) -> Any:
        sizes.append(len(batch[0]))
        return ENTROPY(model, batch)

    recorded = RecordedLosses(100)
    ids = torch.arange(40, 40 + N)
    stored = torch.linspace(5.0, 1.0, N)
    recorded.update(ids, stored)
    step = SubsetStep(network(), counted, "max_loss", 4, recorded=recorded)
    result = step(batches(1)[0], ids=ids)
    assert sizes == [4]
    assert_right(result, stored, 4)
    fresh = recorded.lookup(ids)
    assert torch.equal(fresh[:4], result.trained)  # refreshed by the training pass
    assert torch.equal(fresh[4:], stored[4:])


def test_unknown_losses() -> None:
    ids = torch.arange(4)
    cases: Any = (("mean", 2.0), (7.5, 7.5))
    for unknown, wanted in cases:
        recorded = RecordedLosses(4, unknown=unknown)
        recorded.update(ids[:2], torch.tensor([1.0, 3.0]))
        assert recorded.lookup(ids).tolist() == [1.0, 3.0, wanted, wanted]
        assert recorded.known(ids).tolist() == [True, True, False, False]
    assert RecordedLosses(4).lookup(ids).tolist() == [0.0] * 4


def test_batches_with_unknown_losses_are_kept_whole() -> None:
    recorded = RecordedLosses(2 * N, unknown="keep")
    step = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=recorded)
    epoch = list(zip(batches(2), torch.arange(2 * N).split(N), strict=True))
    sizes = [step(batch, ids=ids).size for _ in range(2) for batch, ids in epoch]
    assert sizes == [N, N, 4, 4]


def test_records_by_any_name() -> None:
    recorded = RecordedLosses(decay=0.75)
    names = [f"image {i}.png" for i in range(1500)]
    recorded.update(names, torch.ones(1500))
    recorded.update(names[:2], torch.tensor([5.0, torch.inf]))
    found = recorded.lookup([names[0], names[1], names[-1], "new"])
    assert found.tolist() == pytest.approx([2.0, 1.0, 1.0, 4 / 3])
    step = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=recorded)
    assert step(batches(1)[0], ids=names[:N]).size == 4


def test_records_of_the_wrong_kind() -> None:
    recorded = RecordedLosses(4)
    for ids, message in (
        (["a"], "a list"),
        (torch.tensor([4]), "ids hold 4"),
        (torch.tensor([-1]), "ids hold -1"),
        (torch.tensor([0.5]), "float32"),
    ):
        with pytest.raises(InvalidProblem, match=message):
            recorded.lookup(ids)
    with pytest.raises(InvalidProblem, match=r"shape \(2,\), one for each id"):
        recorded.update(torch.arange(2), torch.ones(3))
    for options in ({"size": 0}, {"decay": 1.0}, {"unknown": "zero"}, {"unknown": float("nan")}):
        with pytest.raises(InvalidOption, match=next(iter(options))):
            RecordedLosses(**options)
    with pytest.raises(InvalidOption, match="size"):
        recorded.load_state_dict(RecordedLosses(5).state_dict())


@pytest.mark.parametrize("name", ["uniform", "selective_backprop", "recorded"])
def test_a_resumed_training_is_the_same(name: str, tmp_path: Path) -> None:
    def fresh() -> tuple[Any, Any, SubsetStep]:
        model = network(nn.BatchNorm1d(8))
        recorded = RecordedLosses(N) if name == "recorded" else None
        chosen = "selective_backprop" if recorded else name
        own = torch.Generator().manual_seed(9) if recorded else None
        budget = During(6, start=2)
        step = SubsetStep(model, ENTROPY, chosen, budget, recorded=recorded, generator=own)
        return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), step

    def train(model: Any, optimiser: Any, step: SubsetStep, part: Any) -> None:
        for batch in part:
            optimiser.zero_grad()
            backward(step(batch, ids=torch.arange(N) if step.recorded else None).loss)
            optimiser.step()

    data = batches(8)
    whole = fresh()
    train(*whole, data)
    half = fresh()
    train(*half, data[:4])
    torch.save([part.state_dict() for part in half], tmp_path / "checkpoint.pt")
    resumed = fresh()
    for part, state in zip(resumed, torch.load(tmp_path / "checkpoint.pt"), strict=True):
        part.load_state_dict(state)
    train(*resumed, data[4:])
    assert_same(everything(whole[0]), everything(resumed[0]))
    assert resumed[2].steps == 8


def test_states_of_another_step_are_refused() -> None:
    state = SubsetStep(network(), ENTROPY, "obftf", 4).state_dict()
    with pytest.raises(InvalidOption, match="rule 'obftf'"):
        SubsetStep(network(), ENTROPY, "max_loss", 4).load_state_dict(state)
    other = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=RecordedLosses(4))
    with pytest.raises(InvalidOption, match="recorded is part of only one"):
        other.load_state_dict(state)


def test_ids_of_any_kind_are_kept_as_plain_values(tmp_path: Path) -> None:
    recorded = RecordedLosses()
    recorded.update(list(np.arange(5, 8)), torch.tensor([1.0, 2.0, 3.0]))
    torch.save(recorded.state_dict(), tmp_path / "state.pt")
    again = RecordedLosses()
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert again.lookup([7, 5]).tolist() == [3.0, 1.0]
