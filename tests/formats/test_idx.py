"""IDX files, whole and damaged, and the two of MNIST's training set."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from subsetopt.errors import InvalidFile
from subsetopt.formats._array_files import (
    IMAGES,
    LABELS,
    TEST_IMAGES,
    TEST_LABELS,
    read_idx,
    read_mnist,
)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("sub", ["mnist", "."])
def test_images_and_labels(tmp_path: Path, sub: str) -> None:
    (tmp_path / sub).mkdir(exist_ok=True)
    images = np.arange(60).reshape(3, 5, 4)
    (tmp_path / sub / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / sub / LABELS).write_bytes(idx(np.array([7, 0, 9])))
    read, labels = read_mnist(tmp_path)
    np.testing.assert_array_equal(read, images.reshape(3, 20))
    np.testing.assert_array_equal(labels, [7, 0, 9])
    with pytest.raises(InvalidFile, match=r"no train-images-idx3-ubyte\.gz in"):
        read_mnist(tmp_path / "elsewhere")


def test_images_without_labels_of_their_own(tmp_path: Path) -> None:
    (tmp_path / IMAGES).write_bytes(idx(np.zeros((40, 5, 4))))
    (tmp_path / LABELS).write_bytes(idx(np.zeros(39)))
    with pytest.raises(InvalidFile, match="40 images and 39 labels"):
        read_mnist(tmp_path)
    (tmp_path / LABELS).write_bytes(idx(np.full(40, 11)))
    with pytest.raises(InvalidFile, match="label 11"):
        read_mnist(tmp_path)


GOOD = idx(np.arange(6).reshape(1, 2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"GIF89a", "begins with 47 49 46 38"),
        (idx(np.arange(6)), "with 3 dimension"),
        (GOOD[:9], "header has 9 of 16"),
        (GOOD[:-1], "truncated: 5 bytes for shape"),
        (GOOD + b"x", "too long"),
        (gzip.compress(GOOD, mtime=0)[:-4], "damaged or cut short"),
        (gzip.compress(GOOD, mtime=0)[:12] + b"\xff" * 9, "damaged or cut short"),
        (gzip.compress(GOOD[:-1], mtime=0), "truncated: 5 bytes"),
    ],
)
def test_damaged_idx(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match=message):
        read_idx(path, dimensions=3)


def test_whole_idx(tmp_path: Path) -> None:
    for name, content in {"a": GOOD, "b.gz": gzip.compress(GOOD)}.items():
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(
            read_idx(tmp_path / name, dimensions=3), np.arange(6).reshape(1, 2, 3)
        )
    with pytest.raises(InvalidFile, match="no such file"):
        read_idx(tmp_path / "nowhere", dimensions=3)


def test_the_test_set_of_another_data_set(tmp_path: Path) -> None:
    (tmp_path / "fashion").mkdir()
    for name, array in {TEST_IMAGES: np.ones((2, 5, 4)), TEST_LABELS: np.array([3, 1])}.items():
        (tmp_path / "fashion" / name).write_bytes(idx(array))
    images, labels = read_mnist(tmp_path, test=True, sub="fashion")
    assert (images.shape, labels.tolist()) == ((2, 20), [3, 1])
    with pytest.raises(InvalidFile, match=r"no train-images-idx3-ubyte\.gz in .*fashion"):
        read_mnist(tmp_path, sub="fashion")
