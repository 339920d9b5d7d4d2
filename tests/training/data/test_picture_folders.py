"""Pictures in a folder for each class: order, decoding, chance, errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidFile, InvalidOption, TooLarge

torch = pytest.importorskip("torch")
pillow: Any = pytest.importorskip("PIL.Image")

from subsetopt.training.data._folders import FolderSplit, folder_split  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(["ant", "bee"]):
        (tmp_path / name).mkdir()
        for i in range(3):
            picture = pillow.new("RGB", (30 + i, 40), (60 * number + 20 * i, 9, 200))
            picture.save(tmp_path / name / f"{i}.{'png' if i else 'JPEG'}")
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_batches(folder: Path, workers: int) -> None:
    split, classes = folder_split(folder, size=16, workers=workers)
    assert classes == ("ant", "bee")
    assert split.targets.tolist() == [0, 0, 0, 1, 1, 1]
    batches = list(split.batches([[5, 1], [2]]))
    assert [ids.tolist() for ids, _ in batches] == [[5, 1], [2]]
    inputs, targets = batches[0][1]
    assert (inputs.dtype, inputs.shape) == (torch.uint8, (2, 3, 16, 16))
    assert targets.tolist() == [1, 0]
    assert inputs[:, :, 8, 8].tolist() == [[100, 9, 200], [20, 9, 200]]


def test_chance_is_the_global_generator(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(256, size=(50, 40, 3), dtype=np.uint8)
    pillow.fromarray(noise).save(folder / "ant" / "1.png")
    split, _ = folder_split(folder, size=16, random=True, workers=0)

    def drawn(seed: int, source: FolderSplit = split) -> Any:
        torch.manual_seed(seed)
        return torch.stack([x for _, (x, _) in source.batches([[1], [1], [1]])])

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))
    assert not torch.equal(drawn(0)[0], drawn(0)[1])
    still = drawn(0, split.plain())
    assert torch.equal(still[0], still[1])


def test_parts_and_all(folder: Path) -> None:
    split, _ = folder_split(folder, size=8, random=True, workers=0)
    part = split.subset(torch.tensor([4, 0])).to(torch.device("cpu"))
    assert part.targets.tolist() == [1, 0]
    assert part.inputs[:, 0, 4, 4].tolist() == [80, 0]
    large = FolderSplit(split.files * 10_000, split.targets.repeat(10_000))
    with pytest.raises(TooLarge, match="60000 pictures of 224 x 224 take 8 GiB"):
        _ = large.inputs
    with pytest.raises(InvalidOption, match="6 files and 2 targets"):
        FolderSplit(split.files, split.targets[:2])


def test_what_is_missing_or_damaged(folder: Path) -> None:
    with pytest.raises(InvalidFile, match="there is no folder"):
        folder_split(folder / "cat")
    with pytest.raises(InvalidFile, match="it holds none"):
        folder_split(folder / "ant")
    (folder / "cat").mkdir()
    with pytest.raises(InvalidFile, match=r"cat holds no \.jpeg"):
        folder_split(folder)
    (folder / "cat" / "0.jpg").write_bytes((folder / "ant" / "0.JPEG").read_bytes()[:-300])
    split, _ = folder_split(folder, workers=0)
    with pytest.raises(InvalidFile, match=r"0\.jpg is damaged, or no picture"):
        list(split.batches([[len(split) - 1]]))
