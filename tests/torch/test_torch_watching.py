"""What was selected: counts, entropy, classes and losses, and the files they are written to."""

import csv
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem, MissingDependency

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from subsetopt.torch import _watching  # noqa: E402
from subsetopt.torch._watching import CSVWriter, TensorBoardWriter, Watcher  # noqa: E402


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=9), min_size=1, max_size=5))
def test_counts_and_entropy_by_hand(batches: list[list[int]]) -> None:
    watcher = Watcher(7)
    for batch in batches:
        watcher.update(torch.tensor(batch, dtype=torch.int64))
    counts = np.bincount([i for batch in batches for i in batch], minlength=7)
    assert watcher.counts.tolist() == counts.tolist()
    summary = watcher.summary()
    shares = counts[counts > 0] / max(counts.sum(), 1)
    wanted = float(-(shares * np.log(shares)).sum())
    assert summary["entropy"] == pytest.approx(wanted)
    assert summary["entropy_share"] == pytest.approx(wanted / math.log(7))
    assert summary["trained"] == counts.sum()
    assert summary["seen"] == pytest.approx((counts > 0).mean())


def test_even_counts_have_the_largest_entropy() -> None:
    watcher = Watcher(8)
    watcher.update(range(8))
    assert watcher.summary()["entropy_share"] == pytest.approx(1.0)
    assert watcher.summary()["entropy"] == pytest.approx(math.log(8))
    one = Watcher(1)
    one.update([0])
    assert one.summary()["entropy_share"] == 1.0


def test_the_balance_of_classes() -> None:
    labels = [0, 0, 1, 1, 2, 2, 2, 2]
    watcher = Watcher(8, labels)
    watcher.update(range(8))
    assert watcher.summary()["class_distance"] == pytest.approx(0.0)
    watcher = Watcher(8, torch.tensor(labels))
    watcher.update([0, 1, 2, 3], torch.tensor([0, 1, 2]))
    summary = watcher.summary()
    assert [summary[f"class_{c}"] for c in range(3)] == pytest.approx([2 / 3, 1 / 3, 0])
    wanted = (abs(2 / 3 - 1 / 4) + abs(1 / 3 - 1 / 4) + 1 / 2) / 2
    assert summary["class_distance"] == pytest.approx(wanted)


def test_losses_of_all_and_of_the_chosen() -> None:
    watcher = Watcher(10)
    losses = torch.tensor([1.0, 2.0, 3.0, 6.0], requires_grad=True)
    watcher.update([5, 6, 7, 8], torch.tensor([1, 3]), losses=losses)
    watcher.update([1, 2], losses=torch.tensor([0.0, 0.0], dtype=torch.bfloat16))
    summary = watcher.summary()
    assert (summary["loss_all"], summary["loss_chosen"]) == (2.0, 2.0)
    watcher.clear_losses()
    watcher.update([5, 6, 7, 8], torch.tensor([1, 3]), trained=torch.tensor([4.0, 6.0]))
    summary = watcher.summary()
    assert math.isnan(summary["loss_all"])
    assert summary["loss_chosen"] == 5.0
    assert watcher.counts.tolist() == [0, 1, 1, 0, 0, 0, 2, 0, 2, 0]


def test_going_on() -> None:
    watcher, again = Watcher(4), Watcher(4)
    watcher.update([0, 0, 3], losses=torch.ones(3))
    again.load_state_dict(watcher.state_dict())
    watcher.update([1])
    assert again.counts.tolist() == [2, 0, 0, 1]  # a copy
    again.update([1])
    assert again.summary() == watcher.summary()
    with pytest.raises(InvalidOption, match="the state has 4 samples, not 5"):
        Watcher(5).load_state_dict(watcher.state_dict())


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0, 4],), {}, r"ids go from 0 to 4; within 0\.\.3"),
        (([[0, 1]],), {}, r"got \(1, 2\)"),
        (([0, 1],), {"losses": torch.ones(3)}, r"and \(3,\)"),
        (([0, 1], torch.tensor([0])), {"trained": torch.ones(2)}, "each of 1 samples"),
    ],
)
def test_batches_that_do_not_fit(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        Watcher(4).update(*arguments, **options)


def test_bad_options() -> None:
    with pytest.raises(InvalidOption, match=r"size must .*got 0"):
        Watcher(0)
    with pytest.raises(InvalidOption, match=r"labels must .*got shape \(2,\)"):
        Watcher(3, [0, 1])
    with pytest.raises(InvalidOption, match="indices of samples"):
        Watcher(3, [0.5, 1.0, 2.0])


@pytest.mark.cuda
def test_the_gpu_is_not_waited_for(no_waiting: Any) -> None:
    watcher = Watcher(8)
    ids = torch.arange(4, device="cuda")
    chosen = torch.tensor([0, 2], device="cuda")
    losses = torch.ones(4, device="cuda")
    watcher.update(ids, chosen, losses=losses)
    with no_waiting():
        watcher.update(ids, chosen, losses=losses)
    assert watcher.counts.tolist() == [2, 0, 2, 0, 0, 0, 0, 0]


# -- files --------------------------------------------------------------------------------------


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_csv_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "selection.csv"
    writer = CSVWriter(path)
    writer.write(1, {"seen": 0.5, "entropy": 1.25})
    assert rows(path) == [["step", "seen", "entropy"], ["1", "0.5", "1.25"]]  # on disk at once
    writer.write(2, {"seen": 1.0, "entropy": math.nan})
    CSVWriter(path).write(3, {"seen": 1.0, "entropy": 2.0})
    assert [row[0] for row in rows(path)] == ["step", "1", "2", "3"]
    with pytest.raises(InvalidFile, match="has columns step, seen, entropy, but the row has step"):
        CSVWriter(path).write(4, {"seen": 1.0})
    empty = tmp_path / "empty.csv"
    empty.touch()
    CSVWriter(empty).write(1, {"seen": 1.0})
    assert len(rows(empty)) == 2


def test_tensorboard_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt._dependencies import OptionalDependency

    missing = OptionalDependency("tensorboard", "no_such_module")
    monkeypatch.setattr(_watching, "TENSORBOARD", missing)
    with pytest.raises(MissingDependency, match="pip install 'tensorboard'"):
        TensorBoardWriter(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    events_of = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="TensorBoard is not installed",
    )
    with TensorBoardWriter(tmp_path) as writer:
        writer.write(7, {"seen": 0.5})
    events = events_of.EventAccumulator(str(tmp_path))
    events.Reload()
    (scalar,) = events.Scalars("selection/seen")
    assert (scalar.step, scalar.value) == (7, 0.5)


@pytest.mark.parametrize(
    ("module", "framework"), [("lightning", "lightning"), ("huggingface", "transformers")]
)
def test_frameworks_are_optional(module: str, framework: str) -> None:
    if importlib.util.find_spec(framework) is not None:
        pytest.skip(f"{framework} is installed")
    with pytest.raises(MissingDependency, match=rf"pip install 'subsetopt\[{module}\]'"):
        importlib.import_module(f"subsetopt.torch.callbacks.{module}")
