"""Splits held in memory, arrays made into them, and what is held out for tuning."""

from pathlib import Path

import numpy as np
import pytest

from subsetopt.errors import InvalidFile, InvalidOption

torch = pytest.importorskip("torch")

from subsetopt.formats._image_sets import require_labels  # noqa: E402
from subsetopt.training.data import TensorSplit, in_order  # noqa: E402
from subsetopt.training.data._array_dataset import ArrayDataset  # noqa: E402


def arrays(n: int = 10, validation: bool = False) -> ArrayDataset:
    x, y = np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n)
    return ArrayDataset((x, y), (x[:3], y[:3]), "made", (x[:2], y[:2]) if validation else None)


def test_batches_bring_their_numbers() -> None:
    train = arrays().data(10).train
    batches = list(train.batches(in_order(10, 4)))
    assert [ids.tolist() for ids, _ in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    for ids, (inputs, targets) in batches:
        assert torch.equal(targets, ids)
        assert torch.equal(inputs[:, 0], 2.0 * ids)
    chosen = train.subset(torch.tensor([7, 2])).plain()
    assert chosen.targets.tolist() == [7, 2]
    assert chosen.to(torch.device("cpu")).inputs.tolist() == [[14, 15], [4, 5]]


def test_tuning_leaves_the_test_set_alone() -> None:
    data = arrays().data(10, colour="red")
    assert data.facts == {
        "n_train": 10, "n_test": 3, "source": "made", "subset": False, "colour": "red"
    }  # fmt: skip
    tuned = data.for_tuning(0.2, seed=1)
    seen = tuned.train.targets.tolist() + tuned.test.targets.tolist()
    assert sorted(seen) == list(range(10))
    assert (tuned.facts["n_train"], tuned.facts["n_test"], tuned.facts["tuning"]) == (8, 2, True)
    own = arrays(validation=True).data(10).for_tuning()
    assert own.validation is None
    assert (len(own.train), own.test.targets.tolist()) == (10, [0, 1])


def test_labels_are_made_wrong() -> None:
    x, y = np.zeros((1000, 2), np.float32), np.arange(1000) % 10
    data = ArrayDataset((x, y), (x[:30], y[:30]), "made").data(10)
    wrong = data.mislabelled(0.2)
    assert int((wrong.train.targets != data.train.targets).sum()) == 200
    assert torch.equal(wrong.test.targets, data.test.targets)
    assert set(wrong.train.targets.tolist()) == set(range(10))
    assert torch.equal(wrong.train.targets, data.mislabelled(0.2).train.targets)
    assert wrong.facts["label_noise"] == 0.2
    assert data.mislabelled(0.0) is data
    right = data.for_tuning().test.targets
    held_out = wrong.for_tuning().test.targets  # as many of those held out as of the others
    assert 10 <= int((held_out != right).sum()) <= 30
    shifts = (wrong.train.targets - data.train.targets).remainder(10).bincount(minlength=10)
    assert min(shifts[1:]) > 10  # each other class
    for share in (-0.1, 1.0):
        with pytest.raises(InvalidOption, match="label_noise"):
            data.mislabelled(share)
    with pytest.raises(InvalidOption, match="classes"):
        data._replace(classes=None).mislabelled(0.1)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="2 inputs and 3 targets"):
        TensorSplit(torch.zeros(2), torch.zeros(3))
    with pytest.raises(InvalidFile, match=r"here holds labels 0\.\.7; labels must be 0\.\.4"):
        require_labels(np.array([0, 7]), 5, "here")
    with pytest.raises(InvalidFile, match="here holds no samples"):
        require_labels(np.array([]), 5, "here")
