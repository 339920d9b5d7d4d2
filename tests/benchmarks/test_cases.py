import gzip
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.benchmarks import choice, suites
from subsetopt.benchmarks.cases import clouds, digits, mnist, public, synthetic
from subsetopt.benchmarks.cases.classifier import Perceptron, Samples, Training, recorded
from subsetopt.benchmarks.choice import Choice
from subsetopt.errors import InvalidFile, InvalidOption, MissingBackend
from subsetopt.formats.idx import IMAGES, LABELS
from subsetopt.problems import MMDSelection, QuadraticSelection


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, size: int = 40) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(size, 5, 4))
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(images)))
    (folder / LABELS).write_bytes(idx(np.arange(size) % 10))


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
    monkeypatch.delenv(choice.DATA_VARIABLE, raising=False)
    with pytest.raises(InvalidFile, match="--data DIR"):
        suites.mean_matching(Choice(source="mnist"))


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path)
    monkeypatch.setenv(choice.DATA_VARIABLE, str(tmp_path))
    assert len(suites.mean_matching(Choice(source="mnist", n=16, ks=(2, 3), instances=2))) == 4


# -- the suite ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "cifar"}, "digits, mnist, synthetic, all"),
        ({"n": 0}, "n is 0"),
        ({"instances": 0}, "instances is 0"),
        ({"instances": ["a", "b"]}, "instances is 'a,b'; a number is needed"),
        ({"ks": ()}, "at least one"),
        ({"ks": (3, 3)}, "distinct"),
        ({"ks": (0,)}, r"k is 0; with n = 128 it has to be in 1\.\.128"),
        ({"ks": (129,)}, "k is 129"),
    ],
)
def test_what_states_no_suite(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        suites.mean_matching(Choice(**options))


def test_every_batch_with_every_k() -> None:
    cases = suites.mean_matching(Choice(source="synthetic", n=16, ks=(2, 5)))
    assert len(cases) == 10
    assert len({case.name for case in cases}) == 10
    problem = cases[1].problem()
    assert (problem.n, problem.k, problem.family) == (16, 5, cases[1].family)
    assert cases[1].problem() is not problem


@pytest.fixture
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(choice.DATA_VARIABLE, raising=False)


def test_every_cloud_with_every_k() -> None:
    cases = suites.mmd(Choice(source="synthetic", n=20, ks=(2, 5), instances=3))
    assert len({case.name for case in cases}) == len(cases) == 6
    problem = cases[1].problem()
    assert (problem.n, problem.k, problem.family, cases[1].known) == (20, 5, "mmd", None)
    assert cases[1].problem() is not problem
    assert cases[1].problem() == problem
    points = clouds.of_mixture(20, 1, seed=0)[0].points
    direct = MMDSelection(points, 5)
    chosen = [0, 3, 4, 9, 17]
    assert problem.objective(chosen) == pytest.approx(direct.objective(chosen), rel=1e-12)


@pytest.mark.usefixtures("_no_folder")
def test_clouds_of_images(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    (case,) = suites.mmd(Choice(n=30, ks=(3,)))
    assert (case.name, case.n, case.k) == ("digits-b0-k3", 30, 3)
    assert len(suites.mmd(Choice(source="all", n=30, ks=(3,)))) == 2  # MNIST needs a folder
    write_mnist(tmp_path)
    cases = suites.mmd(Choice(source="mnist", n=30, data=tmp_path))
    assert [case.k for case in cases] == [3, 10]
    with pytest.raises(InvalidOption, match="n is 41, but mnist has 40 samples"):
        suites.mmd(Choice(source="mnist", n=41, data=tmp_path))
    with pytest.raises(InvalidOption, match=r"k is 30; with n = 30 it has to be in 1\.\.29"):
        suites.mmd(Choice(n=30, ks=(30,)))


@pytest.mark.usefixtures("_no_folder")
def test_generated_instances() -> None:
    cases = suites.quadratic(Choice(n=20))
    assert [(case.k, case.sense) for case in cases] == [(2, "maximise")] * 3 + [(5, "maximise")]
    assert len(suites.quadratic(Choice(n=20, ks=(2, 3), instances=5))) == 10
    reals, integers, euclidean, graph = (case.problem() for case in cases)
    for problem in (reals, integers, euclidean, graph):
        assert isinstance(problem, QuadraticSelection)
        distances = 2 * problem.Q
        assert not distances.diagonal().any()
        assert (distances >= 0).all()
    assert suites.quadratic(Choice(n=20))[0].problem() == reals
    assert suites.quadratic(Choice(n=20, seed=1))[0].problem() != reals


@pytest.mark.usefixtures("_no_folder")
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"source": "orlib"}, InvalidOption, "mdplib, kcluster, qplib, few, generated, all"),
        ({"source": "mdplib"}, InvalidFile, "public instances need files: --data DIR"),
        ({"instances": ["MDG*"]}, InvalidFile, "public instances need files"),
        ({"source": "generated", "instances": ["MDG*"]}, InvalidOption, "a number is needed"),
        ({"source": "qplib", "n": 50, "data": Path()}, InvalidOption, "n is 50; it is for gen"),
        ({"instances": ["MDX"], "data": Path()}, InvalidOption, "no instance is called 'MDX'"),
        ({"source": "qplib", "data": Path()}, InvalidFile, "for the instance QPLIB_0633"),
        ({"n": 10, "ks": (11,)}, InvalidOption, r"k is 11; with n = 10"),
    ],
)
def test_what_states_no_quadratic_suite(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        suites.quadratic(Choice(**options))


@pytest.mark.usefixtures("_no_folder")
def test_public_instances(tmp_path: Path) -> None:
    (tmp_path / "mdplib").mkdir()
    lines = "\n".join(f"{i} {j} {i + j}" for i in range(5) for j in range(i + 1, 5))
    for name in public.names("mdplib"):
        (tmp_path / "mdplib" / f"{name}.txt").write_text(f"5 2\n{lines}\n")
    cases = suites.quadratic(Choice(source="mdplib", instances=3, data=tmp_path))
    assert [case.name for case in cases] == [f"{name}-k2" for name in public.names("mdplib")[:3]]
    cases = suites.quadratic(Choice(instances=["SOM-b_1_*"], ks=(2, 3), data=tmp_path))
    assert [case.k for case in cases] == [2, 3]
    assert cases[0].problem().objective([3, 4]) == -7


@pytest.mark.skipif(
    not (Path(os.environ.get(choice.DATA_VARIABLE) or "nowhere") / "bqp").is_dir(),
    reason="SUBSETOPT_DATA names no folder of instances",
)
def test_a_few_public_instances_by_default() -> None:
    cases = suites.quadratic(Choice())
    assert len(cases) == len(suites.A_FEW)
    assert all(case.known is not None for case in cases)
    assert all(case.known is None for case in suites.quadratic(Choice(n=10)))
    assert len(suites.quadratic(Choice(source="all", instances=2))) == 2 + 2 + 1 + 2
