"""Every task, on tiny files in the formats of the real ones: what they promise to the loop."""

import gzip
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.errors import InvalidFile, InvalidOption

torch = pytest.importorskip("torch")
for needed in ("sklearn", "scipy.io", "PIL.Image"):
    pytest.importorskip(needed)

from PIL import Image  # noqa: E402
from scipy.io import savemat  # noqa: E402

from subsetopt.training.data import in_order  # noqa: E402
from subsetopt.training.tasks import TASKS, Task, evaluated, task  # noqa: E402
from subsetopt.training.tasks._camvid import GROUPS  # noqa: E402
from subsetopt.training.tasks._tabular import TABLES  # noqa: E402

DATA = Path(os.environ.get("SUBSETOPT_DATA", "none"))
RNG = np.random.default_rng(0)


def _idx(path: Path, array: Any) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def _mnist(folder: Path, sub: str = "mnist") -> None:
    (folder / sub).mkdir()
    for part, n in (("train", 30), ("t10k", 20)):
        _idx(folder / sub / f"{part}-images-idx3-ubyte.gz", RNG.integers(256, size=(n, 28, 28)))
        _idx(folder / sub / f"{part}-labels-idx1-ubyte.gz", np.arange(n) % 10)


def _cifar(folder: Path, names: list[str], key: str) -> None:
    for name in names:
        data = RNG.integers(256, size=(4, 3072), dtype=np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": data, key: [0, 1, 2, 9]}))


def _svhn(folder: Path) -> None:
    for part in ("train", "test"):
        images = RNG.integers(256, size=(32, 32, 3, 6), dtype=np.uint8)
        savemat(folder / f"{part}_32x32.mat", {"X": images, "y": np.arange(1, 7)[:, None]})


def _table(folder: Path, name: str) -> None:
    table = TABLES[name]
    rows = RNG.normal(size=(40, 3))
    header = f"a,b,{table.target}" + (f",{table.category}" if table.category else "")
    ends = [f",{table.categories[i % 5]}" if table.category else "" for i in range(40)]
    lines = [",".join(f"{x:.5f}" for x in row) + end for row, end in zip(rows, ends, strict=True)]
    (folder / table.file).write_text("\n".join([header, *lines]))


def _camvid(folder: Path) -> None:
    for part in ("train", "test"):
        for name in (part, f"{part}annot"):
            (folder / name).mkdir()
        for i in range(3):
            pixels = RNG.integers(256, size=(30, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / part / f"{i}.png")
            numbers = RNG.integers(12, size=(30, 40), dtype=np.uint8)
            Image.fromarray(numbers).save(folder / f"{part}annot" / f"{i}.png")


def _imagenet(folder: Path) -> None:
    for part in ("train", "val"):
        for name in ("n01", "n02", "n03"):
            place = folder / "imagenet" / part / name
            place.mkdir(parents=True)
            for i in range(2):
                pixels = RNG.integers(256, size=(20, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.JPEG")


def _nothing(folder: Path) -> None:
    pass


TEN = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
CASES: dict[str, Callable[[Path], None]] = {
    "linreg": _nothing,
    "linreg:outliers=20": _nothing,
    "mnist": _mnist,
    "mnist:network=resnet18:width=4": _mnist,
    "mnist:network=cnn:width=4:train=9:test=8": _mnist,
    "fashion-mnist": lambda folder: _mnist(folder, "fashion"),
    "cifar10:width=4": lambda folder: _cifar(folder, TEN, "labels"),
    "cifar10:network=cnn:width=4:train=6:test=3": lambda folder: _cifar(folder, TEN, "labels"),
    "cifar10:network=mlp:resize=16": lambda folder: _cifar(folder, TEN, "labels"),
    "cifar100:width=4": lambda folder: _cifar(folder, ["train", "test"], "fine_labels"),
    "svhn:width=4": _svhn,
    "digits": _nothing,
    "tabular": lambda folder: _table(folder, "california"),
    "tabular:dataset=wine": lambda folder: _table(folder, "wine"),
    "tabular:dataset=airfoil": lambda folder: _table(folder, "airfoil"),
    "segmentation:train=6:test=4": _nothing,
    "camvid:height=32:width=48": _camvid,
    "imagenet:network=resnet18:size=16:workers=0": _imagenet,
}


def test_every_task_is_tried() -> None:
    assert {name.partition(":")[0] for name in CASES} == set(TASKS)
    assert all(task(name).name == name for name in TASKS)


@pytest.mark.parametrize("name", CASES)
def test_what_the_loop_relies_on(name: str, tmp_path: Path) -> None:
    CASES[name](tmp_path)
    made: Any = task(name)
    data = made.load(tmp_path, seed=1)
    assert data.facts["n_train"] == len(data.train)
    assert data.facts["n_test"] == len(data.test)
    assert {"source", "subset"} <= set(data.facts)
    torch.manual_seed(0)
    model = made.model(data)
    ((ids, (inputs, targets)),) = data.train.batches([[2, 0, 1]])
    assert ids.tolist() == [2, 0, 1]
    prepared = made.prepare(inputs)
    assert prepared.dtype == torch.float32
    assert bool(prepared.isfinite().all())
    if made.images:
        assert prepared.shape == (3, *inputs.shape[1:])
        assert inputs.dtype == torch.uint8
    losses = made.losses(model(prepared), targets)
    assert losses.shape == (3,)
    losses.mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    metrics = evaluated(made, model, data.test, batch_size=2)
    assert made.metric in metrics
    assert np.isfinite(list(metrics.values())).all()
    _agrees(made, model, data.test, metrics["loss"])


def test_fewer_samples_are_always_the_same(tmp_path: Path) -> None:
    _mnist(tmp_path)
    whole, few = task("mnist").load(tmp_path), task("mnist:train=9:test=100").load(tmp_path)
    again = task("mnist:train=9").load(tmp_path, seed=5)
    assert (len(few.train), len(few.test)) == (9, len(whole.test))
    assert few.facts["n_train"] == 9
    assert few.facts["subset"]
    assert torch.equal(few.train.inputs, again.train.inputs)
    assert all((whole.train.inputs == row).all(1).any() for row in few.train.inputs)
    with pytest.raises(InvalidOption, match=r"train must .*got 0"):
        task("mnist:train=0").load(tmp_path)


def _agrees(made: Task, model: Any, split: Any, loss: float) -> None:
    """The loss that is reported is the mean of the losses of all samples."""
    model.eval()
    with torch.no_grad():
        (_, (inputs, targets)), *_ = split.batches(in_order(len(split), len(split)))
        each = made.losses(model(made.prepare(inputs)), targets)
    assert loss == pytest.approx(float(each.double().mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "task must be one of linreg, mnist, .*got 'mnits'"),
        ("linreg:outlier=3", "task 'linreg' has no option 'outlier' .*; it has outliers, x_range"),
        ("digits:network=mlp", "has no option 'network'; it has label_noise"),
        ("digits:label_noise=1", r"label_noise must .*got 1.0"),
        ("mnist:label_noise=-0.1", r"label_noise must .*got -0.1"),
        ("cifar10:label_noise=2", r"label_noise must .*got 2"),
        ("linreg:outliers=1001", r"outliers must .*got 1001"),
        ("linreg:x_range=(3,1)", "x_range must"),
        ("tabular:dataset=boston", "california, airfoil or wine"),
        ("segmentation:train=0", r"train must .*got 0"),
        ("camvid:height=30", r"height must .*got 30"),
        ("imagenet:size=small", "size of task 'imagenet' must be an integer; got 'small'"),
        ("imagenet:dropout=1", r"dropout must .*got 1"),
        (
            "cifar10:train=384,test=100",
            "train .* must be an integer or null; got '384,test=100'; options follow",
        ),
        ("linreg:outliers=2.5", "outliers of task 'linreg' must be an integer; got 2.5"),
    ],
)
def test_unknown_names_and_options(name: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        task(name)


def test_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBSETOPT_DATA", raising=False)
    for name in ("mnist", "cifar10", "svhn", "tabular", "camvid", "imagenet"):
        with pytest.raises(InvalidFile, match="--data DIR or the variable SUBSETOPT_DATA"):
            task(name).load()
        with pytest.raises(InvalidFile, match="no "):
            task(name).load(tmp_path)
    with pytest.raises(InvalidFile, match="--download fetches what is missing"):
        task("cifar100").load(tmp_path)
    monkeypatch.setenv("SUBSETOPT_DATA", str(tmp_path))
    _svhn(tmp_path)
    assert len(task("svhn").load().train) == 6
    assert "scikit-learn" in task("segmentation:train=1:test=1").load().facts["source"]


def test_classes_that_differ(tmp_path: Path) -> None:
    _imagenet(tmp_path)
    (tmp_path / "imagenet/val/n03").rename(tmp_path / "imagenet/val/n04")
    with pytest.raises(InvalidFile, match="only one of the two has n03"):
        task("imagenet", workers=0).load(tmp_path)


def test_the_recipes_of_the_papers() -> None:
    resnet, mobilenet = (task("imagenet", network=n).recipe for n in ("resnet50", "mobilenet_v2"))
    assert (resnet.epochs, mobilenet.epochs) == (150, 350)
    assert (resnet.batch_size, resnet.weight_decay, resnet.ema) == (4096, 1e-5, 0.9999)
    assert (task("mnist").recipe.epochs, task("mnist").recipe.lr) == (500, 0.1)
    for name in ("cifar10", "cifar100", "svhn"):
        made = task(name)
        assert (made.recipe.epochs, made.recipe.weight_decay) == (200, 1e-4)
        assert made.flips is (name != "svhn")


def test_dropout_and_batch_averages(tmp_path: Path) -> None:
    _imagenet(tmp_path)
    made = task("imagenet", network="resnet18", size=16, workers=0, dropout=0.3)
    model = made.model(made.load(tmp_path))
    kinds = [type(part).__name__ for part in model.modules()]
    assert kinds[-2:] == ["Dropout", "Linear"]
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert {part.momentum for part in norms} == {0.01}


def test_pixels_that_count_nowhere() -> None:
    made = task("camvid")
    targets = torch.tensor([[[0, 1], [2, 255]], [[255, 255], [255, 255]]])
    outputs = torch.zeros(2, len(GROUPS), 2, 2)
    outputs[:, 0] = 5.0  # says class 0 everywhere
    losses = made.losses(outputs, targets)
    assert losses[1] == 0
    wanted = torch.nn.functional.cross_entropy(outputs[0].flatten(1).T[:3], torch.arange(3))
    assert float(losses[0]) == pytest.approx(float(wanted))
    sums = {name: float(value) for name, value in made.sums(outputs, targets).items()}
    metrics = made.metrics(sums, 2)
    assert metrics["pixel_error"] == pytest.approx(2 / 3)
    assert metrics["miou"] == pytest.approx((1 / 3 + 0 + 0) / 3)


def test_digits_are_learnt() -> None:
    made: Any = task("digits")
    data, recipe = made.load(), made.recipe
    torch.manual_seed(0)
    model = made.model(data)
    optimiser = torch.optim.SGD(model.parameters(), recipe.lr, momentum=recipe.momentum)
    for epoch in range(recipe.epochs):
        optimiser.param_groups[0]["lr"] = recipe.lr * (1 - epoch / recipe.epochs)
        order = torch.randperm(len(data.train)).split(recipe.batch_size)
        for _, (inputs, targets) in data.train.batches([ids.tolist() for ids in order]):
            optimiser.zero_grad()
            made.losses(model(made.prepare(inputs)), targets).mean().backward()
            optimiser.step()
    assert evaluated(made, model, data.test)["accuracy"] >= 0.96


@pytest.mark.skipif(not (DATA / "cifar10").is_dir(), reason="SUBSETOPT_DATA names no such folder")
def test_published_files_are_normalised() -> None:
    made = task("cifar10")
    data = made.load()
    prepared = made.prepare(data.train.inputs[:5000])
    assert abs(float(prepared.mean())) < 0.02
    assert abs(float(prepared.std()) - 1) < 0.02
    assert "subset" in data.facts
