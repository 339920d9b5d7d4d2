import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from subsetopt.benchmarks import suites
from subsetopt.benchmarks.cases import digits, mnist, synthetic
from subsetopt.benchmarks.cases.classifier import Perceptron, Samples, Training, recorded
from subsetopt.benchmarks.cases.idx import read_idx
from subsetopt.benchmarks.suites import Choice
from subsetopt.errors import InvalidFile, InvalidOption, MissingBackend


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, size: int = 40) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(size, 5, 4))
    (folder / f"{mnist.IMAGES}.gz").write_bytes(gzip.compress(idx(images)))
    (folder / mnist.LABELS).write_bytes(idx(np.arange(size) % 10))


def test_digits_are_real_losses_and_the_same_every_time() -> None:
    pytest.importorskip("sklearn")
    first, again = digits.losses(64, 3, seed=1), digits.losses(64, 3, seed=1)
    for a, b in zip(first, again, strict=True):
        assert a.name == b.name
        assert a.values.dtype == np.float32
        assert a.values.shape == (64,)
        assert (a.values >= 0).all()
        np.testing.assert_array_equal(a.values, b.values)
    early, middle, late = (float(batch.values.mean()) for batch in first)
    assert early > middle > late  # it learns
    assert early > 0.5
    other = digits.losses(64, 1, seed=2)[0]
    assert not np.array_equal(first[0].values, other.values)


def test_a_batch_does_not_depend_on_how_many_there_are() -> None:
    few, many = synthetic.losses(20, 2, seed=0), synthetic.losses(20, 7, seed=0)
    for a, b in zip(few, many, strict=False):
        np.testing.assert_array_equal(a.values, b.values)
    samples = Samples("x", "x", np.eye(30), np.arange(30) % 3, 1.0)
    training = Training(epochs=(1, 3))
    few, many = recorded(samples, training, 8, 1, 0), recorded(samples, training, 8, 4, 0)
    np.testing.assert_array_equal(few[0].values, many[0].values)


def test_the_gradient_of_the_perceptron_is_right() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((6, 5), dtype=np.float32)
    y = np.array([0, 1, 2, 0, 1, 2])
    model = Perceptron(5, 4, 3, rng)
    for name in ("inner", "outer", "inner_bias", "outer_bias"):
        weights = getattr(model, name)
        place = (1,) * weights.ndim
        kept = {other: getattr(model, other).copy() for other in vars(model)}
        h = 1e-2
        weights[place] += h
        above = model.losses(x, y).mean(dtype=np.float64)
        weights[place] -= 2 * h
        below = model.losses(x, y).mean(dtype=np.float64)
        weights[place] += h
        model.step(x, y, rate=1.0)
        moved = kept[name][place] - getattr(model, name)[place]
        assert moved == pytest.approx((above - below) / (2 * h), abs=2e-3), name
        for other, values in kept.items():
            setattr(model, other, values)


def test_too_few_samples() -> None:
    with pytest.raises(InvalidOption, match="n is 1798, but digits has 1797"):
        digits.losses(1798, 1, seed=0)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingBackend, match=r"pip install 'subsetopt\[bench\]'"):
        digits.losses(8, 1, seed=0)


def test_synthetic_kinds() -> None:
    batches = synthetic.losses(100, 5, seed=0)
    by_kind = dict(zip(synthetic.DISTRIBUTIONS, (b.values for b in batches), strict=True))
    assert all(values.dtype == np.float32 for values in by_kind.values())
    assert np.unique(by_kind["tied"]).size <= 5
    assert (by_kind["integer"] == np.rint(by_kind["integer"])).all()
    assert by_kind["heavy"].max() > 5 * by_kind["heavy"].mean()
    assert len({batch.name for batch in batches}) == 5


# -- MNIST ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sub", ["", "mnist"])
def test_mnist_from_a_folder(tmp_path: Path, sub: str) -> None:
    folder = tmp_path / sub
    folder.mkdir(exist_ok=True)
    write_mnist(folder)
    batches = mnist.losses(tmp_path, 16, 2, seed=0)
    assert [batch.values.shape for batch in batches] == [(16,), (16,)]


def test_mnist_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidFile, match=r"no train-images-idx3-ubyte\.gz in"):
        mnist.losses(tmp_path, 16, 1, seed=0)
    monkeypatch.delenv(suites.DATA_VARIABLE, raising=False)
    with pytest.raises(InvalidFile, match="--data DIR"):
        suites.mean_matching(Choice(losses="mnist"))


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path)
    monkeypatch.setenv(suites.DATA_VARIABLE, str(tmp_path))
    assert len(suites.mean_matching(Choice(losses="mnist", n=16, ks=(2, 3), instances=2))) == 4


def test_images_without_labels_of_their_own(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / mnist.LABELS).write_bytes(idx(np.zeros(39)))
    with pytest.raises(InvalidFile, match="40 images and 39 labels"):
        mnist.samples(tmp_path)
    (tmp_path / mnist.LABELS).write_bytes(idx(np.full(40, 11)))
    with pytest.raises(InvalidFile, match="label 11"):
        mnist.samples(tmp_path)


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
        (gzip.compress(GOOD)[:-4], "truncated or damaged"),
        (gzip.compress(GOOD)[:12] + b"\xff" * 9, "truncated or damaged"),
        (gzip.compress(GOOD[:-1]), "truncated: 5 bytes"),
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
    with pytest.raises(InvalidFile, match="cannot be read"):
        read_idx(tmp_path / "nowhere", dimensions=3)


# -- the suite ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(losses="cifar"), "digits, mnist, synthetic, all"),
        (Choice(n=0), "n is 0"),
        (Choice(instances=0), "instances is 0"),
        (Choice(ks=()), "at least one"),
        (Choice(ks=(3, 3)), "distinct"),
        (Choice(ks=(0,)), r"k is 0; with n = 128 it has to be in 1\.\.128"),
        (Choice(ks=(129,)), "k is 129"),
    ],
)
def test_what_states_no_suite(choice: Choice, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        suites.mean_matching(choice)


def test_every_batch_with_every_k() -> None:
    cases = suites.mean_matching(Choice(losses="synthetic", n=16, ks=(2, 5)))
    assert len(cases) == 10
    assert len({case.name for case in cases}) == 10
    problem = cases[1].problem()
    assert (problem.n, problem.k, problem.family) == (16, 5, cases[1].family)
    assert cases[1].problem() is not problem
