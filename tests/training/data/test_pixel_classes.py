"""Images with a class for each pixel: composed digits, CamVid's folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidFile

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pillow: Any = pytest.importorskip("PIL.Image")

from subsetopt.training.tasks._camvid import GROUPS, read_camvid  # noqa: E402
from subsetopt.training.tasks._segmentation import IGNORED, composed_digits  # noqa: E402

CLASS_DICT = """name, r, g, b
Sky, 128, 128, 128
Road, 128, 64, 128
Child, 192, 128, 64
MotorcycleScooter, 192, 0, 192
Void, 0, 0, 0
"""


def test_digits_are_seen_where_they_are_meant() -> None:
    made = composed_digits(None, train=40, test=10, seed=1)
    images, targets = made.train
    assert (images.shape, targets.shape) == ((40, 1, 64, 64), (40, 64, 64))
    assert set(np.unique(targets)) == set(range(11))
    assert targets.any(axis=(1, 2)).all()  # a digit in each
    assert images[:, 0][targets > 0].min() >= 80 - 40  # ink, less the noise
    assert images[:, 0][targets == 0].max() < 80 + 40
    assert 0.02 < (targets > 0).mean() < 0.3
    again = composed_digits(None, train=40, test=10, seed=1)
    np.testing.assert_array_equal(again.train[0], images)
    assert not np.array_equal(composed_digits(None, train=40, test=10, seed=2).train[0], images)
    assert made.source == "composed of digits of scikit-learn"


def test_damaged_digits_are_no_missing_ones(tmp_path: Path) -> None:
    assert "scikit-learn" in composed_digits(tmp_path, train=1, test=1).source
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"GIF")
    with pytest.raises(InvalidFile, match="begins with"):
        composed_digits(tmp_path, train=1, test=1)


def camvid(folder: Path, colours: bool, parts: tuple[str, ...] = ("train", "test")) -> Path:
    rng = np.random.default_rng(0)
    for part in parts:
        (folder / part).mkdir(parents=True)
        labels = folder / (f"{part}_labels" if colours else f"{part}annot")
        labels.mkdir()
        for i in range(2):
            pillow.fromarray(rng.integers(256, size=(48, 64, 3), dtype=np.uint8)).save(
                folder / part / f"{i}.png"
            )
            if colours:
                table = np.array([[128, 128, 128], [192, 128, 64], [0, 0, 0]], np.uint8)
                drawn = table[np.repeat(np.arange(3), 16)[:, None] * np.ones(64, int)]
                pillow.fromarray(drawn).save(labels / f"{i}_L.png")
            else:
                pillow.fromarray(
                    np.repeat([0, 9, 11], 16 * 64).reshape(48, 64).astype(np.uint8)
                ).save(labels / f"{i}.png")
    if colours:
        (folder / "class_dict.csv").write_text(CLASS_DICT)
    return folder


@pytest.mark.parametrize("colours", [False, True])
def test_camvid(tmp_path: Path, colours: bool) -> None:
    camvid(tmp_path / "camvid", colours, ("train", "val", "test"))
    read = read_camvid(tmp_path, (24, 32))
    assert read.train[0].shape == (2, 3, 24, 32)
    wanted = np.repeat([0, 9, IGNORED], 8)
    np.testing.assert_array_equal(read.train[1][0, :, 0], wanted)
    assert read.validation is not None
    assert sum(len(names) for names in GROUPS.values()) == 31  # and Void


def test_camvid_that_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no CamVid in"):
        read_camvid(tmp_path)
    base = camvid(tmp_path, colours=True)
    pillow.new("RGB", (64, 48), (1, 2, 3)).save(base / "test_labels" / "1_L.png")
    with pytest.raises(InvalidFile, match=r"colour \(1, 2, 3\)"):
        read_camvid(base)
    (base / "class_dict.csv").write_text("name, r, g, b\nUnicorn, 1, 2, 3\n")
    with pytest.raises(InvalidFile, match="not a table of name"):
        read_camvid(base)
    (base / "class_dict.csv").unlink()
    with pytest.raises(InvalidFile, match=r"class_dict\.csv, which says"):
        read_camvid(base)
    (base / "class_dict.csv").write_text(CLASS_DICT)
    (base / "test_labels" / "1_L.png").unlink()
    with pytest.raises(InvalidFile, match=r"has no 1\.png and no 1_L\.png"):
        read_camvid(base)


def test_numbers_that_are_no_class(tmp_path: Path) -> None:
    base = camvid(tmp_path, colours=False)
    pillow.new("L", (64, 48), 12).save(base / "testannot" / "1.png")
    with pytest.raises(InvalidFile, match=r"class 12; 0\.\.11 and 255"):
        read_camvid(base)
