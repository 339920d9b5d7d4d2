import gzip
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.benchmarks.cases import (
    Case,
    Cloud,
    MeanMatchingCase,
    MMDCase,
    VectorCase,
    _classifier,
    _clouds,
    _quadratic_cases,
    _value_batches,
)
from subsetopt.benchmarks.cases._classifier import (
    ClassifierTraining,
    Perceptron,
    Samples,
    TrainingRecord,
)
from subsetopt.benchmarks.results import Contender
from subsetopt.errors import InvalidFile, InvalidOption, MissingDependency
from subsetopt.formats import _image_sets
from subsetopt.formats._array_files import IMAGES, LABELS
from subsetopt.limits import Limits
from subsetopt.problems import Linear, MMDSelection
from subsetopt.solution import CertificateKind, Termination


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, size: int = 40) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(size, 5, 4))
    (folder / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(images)))
    (folder / LABELS).write_bytes(idx(np.arange(size) % 10))


@pytest.fixture(scope="module")
def recording() -> TrainingRecord:
    rng = np.random.default_rng(0)
    training = ClassifierTraining(epochs=(1, 3, 6), hidden=7, batch_size=8)
    labels = np.arange(60) % 3
    images = rng.random((60, 70)) + np.eye(70)[20 * labels]
    return TrainingRecord.of(Samples("toy", "toys", images, labels, 2.0, training), 3, seed=0)


def test_digits_are_real_losses_and_the_same_every_time() -> None:
    pytest.importorskip("sklearn")
    first, again = (
        _classifier.digit_losses(64, 3, seed=1),
        _classifier.digit_losses(64, 3, seed=1),
    )
    for a, b in zip(first, again, strict=True):
        assert a.name == b.name
        assert a.values.dtype == np.float32
        assert a.values.shape == (64,)
        assert (a.values >= 0).all()
        np.testing.assert_array_equal(a.values, b.values)
    early, middle, late = (float(batch.values.mean()) for batch in first)
    assert early > middle > late  # it learns
    assert early > 0.5
    assert first[2].name == "digits-n64-e25-b2"
    assert first[0].source == (
        "digits of scikit-learn, 8x8 pixels: losses of a 64-32-10 perceptron after epochs 1, 5 "
        "and 25"
    )
    other = _classifier.digit_losses(64, 1, seed=2)[0]
    assert not np.array_equal(first[0].values, other.values)


def test_a_batch_does_not_depend_on_how_many_there_are(recording: TrainingRecord) -> None:
    short = TrainingRecord.of(recording.samples, 1, seed=0)
    assert len(short.models) == 1
    for few, many in (
        (_value_batches.losses(20, 2, seed=0), _value_batches.losses(20, 7, seed=0)),
        (_classifier.losses(short, 8, 1), _classifier.losses(recording, 8, 4)),
        (_value_batches.of_recording(short, 8, 1), _value_batches.of_recording(recording, 8, 9)),
        (_value_batches.of_gaussians(8, 1, seed=0), _value_batches.of_gaussians(8, 3, seed=0)),
    ):
        assert len({batch.name for batch in many}) == len(many)
        for a, b in zip(few, many, strict=False):
            assert a.name == b.name
            np.testing.assert_array_equal(a.values, b.values)


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


def test_the_gradients_of_samples_add_up_to_the_step() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((6, 5), dtype=np.float32), np.array([0, 1, 2, 0, 1, 2])
    model = Perceptron(5, 4, 3, rng)
    before = np.vstack([model.outer, model.outer_bias])
    mean = model.gradients(x, y).mean(axis=0).reshape(5, 3)
    np.testing.assert_allclose(mean[-1], model.residuals(x, y).mean(axis=0), atol=1e-6)
    model.step(x, y, rate=1.0)
    after = np.vstack([model.outer, model.outer_bias])
    np.testing.assert_allclose(before - after, mean, atol=1e-6)


def test_too_few_samples(recording: TrainingRecord) -> None:
    for draw in (_classifier.losses, _value_batches.of_recording):
        with pytest.raises(
            InvalidOption, match="n must be at most 60, the number of samples of toy; got 61"
        ):
            draw(recording, 61, 1)
    with pytest.raises(
        InvalidOption, match="n must be at most 60, the number of samples of toy; got 61"
    ):
        _clouds.of_images(recording.samples, 61, 1, seed=0)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDependency, match=r"pip install 'subsetopt\[bench\]'"):
        _classifier.digit_losses(8, 1, seed=0)


def test_synthetic_kinds() -> None:
    batches = _value_batches.losses(100, 5, seed=0)
    by_kind = dict(zip(_value_batches.DISTRIBUTIONS, (b.values for b in batches), strict=True))
    assert all(values.dtype == np.float32 for values in by_kind.values())
    assert np.unique(by_kind["tied"]).size <= 5
    assert (by_kind["integer"] == np.rint(by_kind["integer"])).all()
    assert by_kind["heavy"].max() > 5 * by_kind["heavy"].mean()


# -- vectors --------------------------------------------------------------------------------------


def test_what_is_read_off_a_model(recording: TrainingRecord) -> None:
    batches = _value_batches.of_recording(recording, 10, len(_value_batches.TURNS))
    for batch, (kind, stage) in zip(batches, _value_batches.TURNS, strict=True):
        epoch = recording.samples.training.epochs[stage]
        assert (f"-e{epoch}-" in batch.name) == (kind != "inputs")
        assert kind in batch.name
        assert batch.values.dtype == np.float32
    shapes = [batch.values.shape for batch in batches[:3]]
    assert shapes == [(10, 3), (10, 24), (10, 64 + 3)]  # (7 + 1) * 3 need no projection
    np.testing.assert_allclose(batches[0].values.sum(axis=1), 0, atol=1e-6)
    assert (batches[2].values[:, 64:].sum(axis=1) == 1).all()  # one-hot labels


def test_projections_keep_norms_on_average() -> None:
    values = np.random.default_rng(0).standard_normal((200, 500), dtype=np.float32)
    shorter = _value_batches.projected(values)
    assert shorter.shape == (200, _value_batches.WIDTH)
    ratio = (shorter**2).sum() / (values**2).sum()
    assert ratio == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(_value_batches.projected(values[:5]), shorter[:5], atol=1e-4)
    assert _value_batches.projected(shorter) is shorter


# -- images on file -------------------------------------------------------------------------------


@pytest.mark.parametrize("sub", ["", "mnist"])
def test_mnist_from_a_folder(tmp_path: Path, sub: str) -> None:
    folder = tmp_path / sub
    folder.mkdir(exist_ok=True)
    write_mnist(folder)
    found = _classifier.mnist(tmp_path)
    assert found.images.shape == (40, 20)


def test_mnist_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no train-images-idx3-ubyte\.gz in"):
        _classifier.mnist(tmp_path)


IMAGES_8 = np.random.default_rng(0).integers(0, 256, size=(8, 32, 32, 3), dtype=np.uint8)


def test_cifar_is_the_same_from_either_file(tmp_path: Path) -> None:
    labels = np.arange(8, dtype=np.uint8)
    batches, arrays = tmp_path / "batches" / "cifar-10-batches-bin", tmp_path / "arrays" / "cifar10"
    batches.mkdir(parents=True)
    arrays.mkdir(parents=True)
    flat = IMAGES_8.transpose(0, 3, 1, 2).reshape(8, -1)
    records = np.hstack([labels[:, None], flat])
    (batches / "data_batch_1.bin").write_bytes(records[:5].tobytes())
    (batches / "data_batch_2.bin").write_bytes(records[5:].tobytes())
    np.savez(arrays / _image_sets.SUBSET, x_train=IMAGES_8, y_train=labels)
    first, second = (
        _classifier.cifar10(tmp_path / "batches"),
        _classifier.cifar10(tmp_path / "arrays"),
    )
    assert first.images.shape == (8, 3072)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)
    pixels, _ = first.batch(np.array([3]))
    np.testing.assert_array_equal(pixels[0] * 255, IMAGES_8[3].ravel())


def _truncated(folder: Path) -> None:
    (folder / "data_batch_1.bin").write_bytes(b"\0" * 3000)


def _out_of_range(folder: Path) -> None:
    (folder / "data_batch_1.bin").write_bytes(b"\x0a" + b"\0" * 3072)


def _without_labels(folder: Path) -> None:
    np.savez(folder / _image_sets.SUBSET, x_train=IMAGES_8)


def _too_few_labels(folder: Path) -> None:
    np.savez(folder / _image_sets.SUBSET, x_train=IMAGES_8, y_train=np.arange(7))


def _of_reals(folder: Path) -> None:
    np.savez(folder / _image_sets.SUBSET, x_train=IMAGES_8 / 255, y_train=np.arange(8))


def _no_archive(folder: Path) -> None:
    (folder / _image_sets.SUBSET).write_bytes(b"this is not an archive")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: None, r"no cifar10_subset\.npz and no data_batch_\*\.bin in"),
        (_truncated, "truncated or damaged: 3000 bytes"),
        (_out_of_range, r"holds labels 10\.\.10; labels must be 0\.\.9"),
        (_without_labels, "holds no y_train"),
        (_too_few_labels, r"y_train of int64 \(7,\)"),
        (_of_reals, "x_train of float64"),
        (_no_archive, "damaged or no .npz file"),
    ],
)
def test_cifar_files_that_are_none(
    tmp_path: Path, write: Callable[[Path], None], message: str
) -> None:
    write(tmp_path)
    with pytest.raises(InvalidFile, match=message):
        _classifier.cifar10(tmp_path)


# -- cases ----------------------------------------------------------------------------------------


def selections() -> list[MeanMatchingCase | MMDCase | Any]:
    return [
        MeanMatchingCase.of(_value_batches.losses(12, 1, seed=0)[0], 3),
        VectorCase.of(_value_batches.of_gaussians(12, 1, seed=0)[0], 3),
        MMDCase(_clouds.of_mixture(12, 1, seed=0)[0], 3),
        *_quadratic_cases.instances(12, [3], 2, seed=0),
    ]


@pytest.mark.parametrize("case", selections(), ids=lambda case: str(case.family))
def test_a_selection_is_run_and_judged_afresh_wherever_it_is(case: Any) -> None:
    case.problem()  # whatever it keeps must not hinder
    sent: Any = pickle.loads(pickle.dumps(case))
    same: Case = sent
    assert (same.name, same.source, same.n, same.k) == (case.name, case.source, 12, 3)
    assert (same.family, same.sense, same.known) == (case.family, case.sense, None)
    assert sent.problem() == case.problem()
    assert sent.problem() is not sent.problem()
    assert sent.problem().family == case.family
    contender = Contender(label="short", name="swap", options={"restarts": 2})
    call = sent.prepared(contender, Limits(seed=3, threads=1))
    found = case.solution(call())
    assert found.objective == case.problem().objective(found.indices)
    assert found.objective < np.median(case.random_objectives(0))
    assert isinstance(found.termination, Termination)
    assert isinstance(found.certificate.kind, CertificateKind)
    assert found.version
    assert found.stats.solve_seconds >= 0
    with pytest.raises(InvalidOption, match="has no option 'tenure'"):
        case.prepared(Contender(label="x", name="swap", options={"tenure": 1}), Limits())


def test_fewer_draws_where_they_are_dear() -> None:
    (small,) = _quadratic_cases.instances(20, [4], 1, seed=0)
    (large,) = _quadratic_cases.instances(600, [400], 1, seed=0)
    assert len(small.random_objectives(0)) == 1000
    assert len(large.random_objectives(0)) == 250
    np.testing.assert_array_equal(small.random_objectives(1), small.random_objectives(1))


def test_a_cloud_travels_without_its_matrix() -> None:
    cloud = _clouds.of_mixture(40, 1, seed=0)[0]
    before = len(pickle.dumps(cloud))
    matrix = cloud.matrix
    assert matrix is cloud.matrix
    assert len(pickle.dumps(cloud)) == before
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cloud)).matrix, matrix)


def test_the_kernel_of_a_cloud() -> None:
    cloud = _clouds.of_mixture(20, 1, seed=0)[0]
    direct = MMDSelection(cloud.points, 5)
    chosen = [0, 3, 4, 9, 17]
    objective = MMDCase(cloud, 5).problem().objective(chosen)
    assert objective == pytest.approx(direct.objective(chosen), rel=1e-12)
    linear = Cloud("x", "x", cloud.points, Linear())
    given = Cloud("x", "x", linear.matrix, "precomputed")
    wanted = MMDSelection(cloud.points, 5, kernel="linear").objective(chosen)
    for other in (linear, given):
        assert MMDCase(other, 5).problem().objective(chosen) == pytest.approx(wanted, rel=1e-9)
