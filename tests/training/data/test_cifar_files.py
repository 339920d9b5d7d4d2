"""CIFAR in all its forms, whole, damaged and dangerous; SVHN; MNIST with its test set."""

import gzip
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidFile

pytest.importorskip("torch")

from subsetopt.formats import _image_sets
from subsetopt.training.data._array_dataset import ArrayDataset
from subsetopt.training.tasks._digits import read_digits
from subsetopt.training.tasks._images import read_images, read_svhn

DATA = Path(os.environ.get("SUBSETOPT_DATA", "none"))
TEN = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def read_cifar(folder: Path, classes: int = 10) -> ArrayDataset:
    return ArrayDataset(*_image_sets.read_cifar(folder, classes))


def batch(i: int, n: int = 2) -> tuple[Any, list[int]]:
    rng = np.random.default_rng(i)
    return rng.integers(256, size=(n, 3072), dtype=np.uint8), rng.integers(10, size=n).tolist()


def pickled(i: int, key: str = "labels", protocol: int = 2) -> bytes:
    data, labels = batch(i)
    kept = {b"batch_label": b"x", b"data": data, key.encode(): labels, b"filenames": [b"a.png"]}
    return pickle.dumps(kept, protocol)


def binary(i: int, coarse: bool = False) -> bytes:
    data, labels = batch(i)
    before = [[3, label] if coarse else [label] for label in labels]
    return np.hstack([np.array(before, np.uint8), data]).tobytes()


def filled(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archived(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"inside/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


PICKLES = {name: pickled(i) for i, name in enumerate(TEN)}
BINARIES = {f"{name}.bin": binary(i) for i, name in enumerate(TEN)}


def test_ten_classes_in_four_forms(tmp_path: Path) -> None:
    filled(tmp_path / "a/cifar10/cifar-10-batches-py", PICKLES)
    filled(tmp_path / "b/cifar-10-batches-bin", BINARIES)
    archived(tmp_path / "c/cifar10/cifar-10-python.tar.gz", PICKLES)
    archived(tmp_path / "d/cifar-10-binary.tar.gz", BINARIES)
    filled(tmp_path / "e", {name: pickled(i, protocol=5) for i, name in enumerate(TEN)})
    for form in "abcde":
        read = read_cifar(tmp_path / form)
        assert read.subset
        assert read.train[0].shape == (10, 3, 32, 32)
        data, labels = batch(5)
        np.testing.assert_array_equal(read.test[0].reshape(2, -1), data)
        np.testing.assert_array_equal(read.test[1], labels)
        np.testing.assert_array_equal(read.train[0][2:4].reshape(2, -1), batch(1)[0])
        assert read.train[1].dtype == np.int64


def test_a_hundred_classes_are_the_fine_ones(tmp_path: Path) -> None:
    fine = {name: pickled(i, "fine_labels") for i, name in enumerate(["train", "test"])}
    filled(tmp_path / "a/cifar100/cifar-100-python", fine)
    filled(tmp_path / "b", {f"{n}.bin": binary(i, True) for i, n in enumerate(["train", "test"])})
    for form in "ab":
        read = read_cifar(tmp_path / form, 100)
        np.testing.assert_array_equal(read.train[1], batch(0)[1])
        np.testing.assert_array_equal(read.test[0].reshape(2, -1), batch(1)[0])


class _Dangerous:
    def __reduce__(self) -> Any:
        return os.system, ("echo dangerous",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(_Dangerous()), r"test_batch asks for \w+\.system; only arrays"),
        (pickled(0)[:-200], "test_batch is truncated or no pickle"),
        (b"", "test_batch is truncated or no pickle"),
        (b"\x93NUMPY", "is truncated or no pickle"),
        (pickle.dumps([1, 2]), "is not a batch of CIFAR"),
        (pickle.dumps({b"data": batch(0)[0]}), "is not a batch of CIFAR"),
        (pickle.dumps({"data": batch(0)[0], "labels": [1, 2, 3]}), "and 3 labels"),
        (pickle.dumps({"data": batch(0)[0], "labels": [1, 12]}), r"labels 1\.\.12"),
        (pickle.dumps({"data": batch(0)[0], "labels": ["a", "b"]}), "not integers"),
    ],
)
def test_bad_pickles(tmp_path: Path, content: bytes, message: str) -> None:
    filled(tmp_path, PICKLES | {"test_batch": content})
    with pytest.raises(InvalidFile, match=message):
        read_cifar(tmp_path)


def test_what_is_missing_or_cut_short(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no CIFAR-10 in .*cifar-10-python\.tar\.gz or"):
        read_cifar(tmp_path)
    filled(tmp_path / "a", {name: PICKLES[name] for name in TEN[:3]})
    with pytest.raises(InvalidFile, match="data_batch_4: there is no such file"):
        read_cifar(tmp_path / "a")
    filled(tmp_path / "b", BINARIES | {"test_batch.bin": binary(0)[:-1]})
    with pytest.raises(InvalidFile, match="6145 bytes; records of 3073"):
        read_cifar(tmp_path / "b")
    archived(tmp_path / "c/cifar-10-python.tar.gz", {name: PICKLES[name] for name in TEN[:3]})
    with pytest.raises(InvalidFile, match="has no data_batch_4"):
        read_cifar(tmp_path / "c")
    cut = (tmp_path / "c/cifar-10-python.tar.gz").read_bytes()[:-3000]
    filled(tmp_path / "d", {"cifar-10-python.tar.gz": cut})
    with pytest.raises(InvalidFile, match="truncated or damaged"):
        read_cifar(tmp_path / "d")


def test_the_subset_where_all_is_not_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts: dict[str, Any] = {}
    for part, n in (("train", 6), ("val", 2), ("test", 3)):
        parts[f"x_{part}"] = rng.integers(256, size=(n, 32, 32, 3), dtype=np.uint8)
        parts[f"y_{part}"] = rng.integers(10, size=n, dtype=np.uint8)
    path = tmp_path / "cifar10" / "cifar10_subset.npz"
    path.parent.mkdir()
    np.savez(path, **parts)
    data = read_cifar(tmp_path).data(10)
    assert data.facts["subset"]
    assert data.facts["source"] == "cifar10_subset.npz"
    assert data.validation is not None
    assert len(data.validation) == 2
    np.testing.assert_array_equal(data.train.inputs[4, 2], parts["x_train"][4, :, :, 2])
    filled(tmp_path / "cifar10" / "cifar-10-batches-py", PICKLES)
    assert read_cifar(tmp_path).source == "cifar-10-batches-py"
    np.savez(tmp_path / "cifar10_subset.npz", x_train=1)
    path.unlink()
    for name in TEN:
        (tmp_path / "cifar10" / "cifar-10-batches-py" / name).unlink()
    with pytest.raises(InvalidFile, match="no such subset"):
        read_cifar(tmp_path)


def test_svhn(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    images = np.random.default_rng(0).integers(256, size=(32, 32, 3, 4), dtype=np.uint8)
    labels = np.array([[1], [10], [9], [10]], np.uint8)
    (tmp_path / "svhn").mkdir()
    for part in ("train", "test"):
        scipy_io.savemat(tmp_path / "svhn" / f"{part}_32x32.mat", {"X": images, "y": labels})
    read = read_svhn(tmp_path)
    assert read.train[1].tolist() == [1, 0, 9, 0]
    np.testing.assert_array_equal(read.test[0][2, 1], images[:, :, 1, 2])
    (tmp_path / "svhn/test_32x32.mat").unlink()
    with pytest.raises(InvalidFile, match=r"no test_32x32\.mat in"):
        read_svhn(tmp_path)
    for content in (
        b"",
        b"MATLAB 5.0 MAT-file",
        (tmp_path / "svhn/train_32x32.mat").read_bytes()[:900],
    ):
        (tmp_path / "test_32x32.mat").write_bytes(content)
        with pytest.raises(InvalidFile, match="truncated or no MATLAB file"):
            read_svhn(tmp_path)
    scipy_io.savemat(tmp_path / "test_32x32.mat", {"X": images, "y": labels[:2]})
    with pytest.raises(InvalidFile, match=r"32, 32, 3, 4\) and 2 labels"):
        read_svhn(tmp_path)


def idx(array: Any) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def test_mnist_with_its_test_set(tmp_path: Path) -> None:
    for sub in ("mnist", "fashion"):
        (tmp_path / sub).mkdir()
        for part, n in (("train", 4), ("t10k", 2)):
            images = np.full((n, 28, 28), n + len(sub))
            (tmp_path / sub / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
            (tmp_path / sub / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(n)))
        read = read_images(tmp_path, sub)
        assert (read.train[0].shape, read.test[0].shape) == ((4, 784), (2, 784))
        assert (read.test[0] == 2 + len(sub)).all()
        assert read.test[1].tolist() == [0, 1]
    (tmp_path / "fashion/t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InvalidFile, match=r"no t10k-labels-idx1-ubyte\.gz in .*fashion"):
        read_images(tmp_path, "fashion")


def test_digits_keep_their_shares() -> None:
    pytest.importorskip("sklearn")
    read = read_digits()
    assert len(read.train[1]) + len(read.test[1]) == 1797
    for digit in range(10):
        mine, all_of_them = (read.test[1] == digit).sum(), (read.train[1] == digit).sum()
        assert abs(mine / (mine + all_of_them) - 0.2) < 0.006
    assert read.train[0].dtype == np.float32
    assert (read.train[0].min(), read.train[0].max()) == (0, 1)


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="SUBSETOPT_DATA names no such folder")
@pytest.mark.parametrize("sub", ["mnist", "fashion"])
def test_published_images(sub: str) -> None:
    read = read_images(DATA, sub)
    assert (len(read.train[1]), len(read.test[1]), read.subset) == (60_000, 10_000, False)
    smallest, largest = (5421, 6742) if sub == "mnist" else (6000, 6000)
    counts = np.bincount(read.train[1])
    assert (counts.min(), counts.max()) == (smallest, largest)


@pytest.mark.skipif(not (DATA / "cifar10").is_dir(), reason="SUBSETOPT_DATA names no such folder")
def test_published_cifar() -> None:
    read = read_cifar(DATA)
    assert read.train[0].dtype == np.uint8
    assert read.train[1][:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert read.test[1][:4].tolist() == [3, 8, 8, 0]  # cat, ship, ship, plane
    assert 0.46 < read.train[0].mean() / 255 < 0.48
