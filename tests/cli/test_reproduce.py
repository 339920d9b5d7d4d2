"""``subsetopt reproduce``, end to end on little data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app, exits

for needed in ("torch", "matplotlib", "joblib"):
    pytest.importorskip(needed)

RNG = np.random.default_rng(0)
FIGURE = ("obftf-fig1", "--scale", "smoke", "--rules", "max_loss")


def run(*arguments: object) -> Any:
    words = ["reproduce", *map(str, arguments), "--jobs", "1", "--threads", "1"]
    return CliRunner().invoke(app, words)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    arrays: dict[str, Any] = {}
    for part, count in (("train", 60), ("val", 20), ("test", 30)):
        arrays[f"x_{part}"] = RNG.integers(256, size=(count, 32, 32, 3), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(count) % 10
    np.savez(tmp_path / "cifar10_subset.npz", **arrays)
    return tmp_path


def test_the_straight_line(tmp_path: Path) -> None:
    plot, out = tmp_path / "figure.svg", tmp_path / "out"
    result = run(*FIGURE, "--seeds", "0,1", "--plot", plot, "--out", out)
    assert result.exit_code == exits.ANSWER, result.output
    assert "without outliers: excess test loss, lower is better" in result.output
    assert "less the baseline's" in result.output
    assert "With outliers, OBFTF is the best of all" in result.output
    assert "Two epochs of a few samples" in result.output
    assert "<svg" in plot.read_text()
    again = run(*FIGURE, "--seeds", "0,1", "--out", out, "--resume", "--json")
    found = json.loads(again.stdout)
    assert found["experiment"] == "obftf-fig1"
    assert [part["label"] for part in found["parts"]] == ["without outliers", "with 20 outliers"]
    cell = next(c for c in found["parts"][0]["cells"] if c["row"] == "Max prob.")
    assert len(cell["values"]) == 2
    assert {claim["standing"] for claim in found["claims"]} <= {
        *("holds here", "does not hold here", "undecided", "not measured")
    }
    assert run(*FIGURE, "--out", out).exit_code == exits.BAD_INPUT


def test_a_table_with_a_data_set_missing(data: Path) -> None:
    words = ("budgeted-table2", "--scale", "smoke", "--rules", "SB", "--seeds", "0,1,2")
    result = run(*words, "--data", data, "--markdown")
    assert result.exit_code == exits.ANSWER, result.output
    assert "| SB | 0.2 | 93.37 ± 0.11 | " in result.output
    assert "| SB | 0.2 | 70.94 ± 0.38 | not run |" in result.output
    assert "Left out: CIFAR-100" in result.output
    assert "## What the paper says" in result.output


def test_courses_over_epochs(data: Path) -> None:
    plot = data / "figure.png"
    words = ("mmd-fig3", "--scale", "smoke", "--seeds", "0,1", "--data", data)
    result = run(*words, "--plot", plot, "--json")
    assert result.exit_code == exits.ANSWER, result.output
    found = json.loads(result.stdout)
    rows = {cell["row"] for cell in found["parts"][0]["cells"]}
    assert rows >= {"Random", "Gaussian 0.5", "Polynomial 3"}
    assert plot.read_bytes().startswith(b"\x89PNG")


def pictures(folder: Path) -> None:
    """Write pictures as ImageNet and mini-ImageNet have them."""
    image: Any = pytest.importorskip("PIL.Image")
    for part in ("train", "val"):
        for name in ("n01", "n02"):
            place = folder / part / name
            place.mkdir(parents=True)
            for i in range(12):
                pixels = RNG.integers(256, size=(12, 16, 3), dtype=np.uint8)
                image.fromarray(pixels).save(place / f"{i}.JPEG")


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little networks in place of ResNet and those of torchvision, and pictures read here."""
    from subsetopt.training.data._folders import folder_split
    from subsetopt.training.networks import _architectures, building
    from subsetopt.training.tasks import _imagenet

    def network(*name: str, classes: int = 10, **options: Any) -> Any:
        return _architectures.cnn(classes=classes, width=4)

    def read(folder: Path, *, size: int, workers: int | None, random: bool = False) -> Any:
        return folder_split(folder, size=16, random=random, workers=0)

    monkeypatch.setattr(_architectures, "resnet18", network)
    monkeypatch.setattr(building, "from_torchvision", network)
    monkeypatch.setattr(_imagenet, "folder_split", read)


@pytest.mark.usefixtures("little")
def test_numbers_of_houses_and_pictures_in_folders(tmp_path: Path) -> None:
    """SVHN and mini-ImageNet, generated in their formats."""
    io: Any = pytest.importorskip("scipy.io")
    pictures(tmp_path / "mini-imagenet")
    for part in ("train", "test"):
        images = RNG.integers(256, size=(32, 32, 3, 60), dtype=np.uint8)
        labels = np.arange(60)[:, None] % 10 + 1
        io.savemat(tmp_path / f"{part}_32x32.mat", {"X": images, "y": labels})
    words = ("budgeted-table4", "--scale", "smoke", "--rules", "SB", "--seeds", "0")
    result = run(*words, "--data", tmp_path, "--json")
    assert result.exit_code == exits.ANSWER, result.output
    parts = json.loads(result.stdout)["parts"]
    assert [part["label"] for part in parts] == [
        f"{data}, {how}"
        for data in ("SVHN", "mini-ImageNet")
        for how in ("standard", "RandAugment", "mixup", "RICAP")
    ]
    for part in parts:
        measured = {cell["row"] for cell in part["cells"] if cell["values"]}
        assert measured == {"unif-SGD", "SB"}, part["label"]


@pytest.mark.usefixtures("little")
def test_pictures_of_imagenet(tmp_path: Path) -> None:
    pictures(tmp_path / "imagenet")
    words = ("obftf-table3", "--scale", "smoke", "--seeds", "0,1", "--data", tmp_path, "--json")
    result = run(*words)
    assert result.exit_code == exits.ANSWER, result.output
    found = json.loads(result.stdout)
    assert [part["label"] for part in found["parts"]] == ["ResNet50", "MobileNetV2"]
    for part in found["parts"]:
        rows = {cell["row"]: cell["values"] for cell in part["cells"] if cell["values"]}
        assert rows.keys() == {"Uniform", "Max prob.", "OBFTF"}
        assert all(0 <= value <= 1 for values in rows.values() for value in values.values())


def test_the_list() -> None:
    found: dict[str, Any] = json.loads(run("list", "--json").stdout)
    assert len(found["experiments"]) == 16
    assert "mmd-fig6" in run("list").output
    minutes = {one["name"]: one["minutes"] for one in found["experiments"]}
    assert [name for name, known in minutes.items() if known is None] == [
        *("obftf-table3", "budgeted-table4")  # no data to time them with
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("obftf-fig7",), "'obftf-fig1', 'obftf-fig2', 'obftf-table3', .*mean 'obftf-fig"),
        (("obftf-fig1", "--scale", "large"), "--scale must be quick or paper; got 'large'"),
        (("obftf-fig1", "--rules", "sgd"), "method must be one of Uniform, OBFTF"),
        (("obftf-fig1", "--seeds", "1,1"), "distinct integers >= 0; got 1, 1"),
        (("all", "--scale", "paper"), "name one experiment"),
        (("all", "--plot", "x.svg"), "--plot is for a single experiment"),
        (("mmd-table1", "--data", "nowhere"), "no mnist|train-images"),
        (("budgeted-table4", "--data", "nowhere"), "--download fetches what is missing"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], message: str) -> None:
    import re

    result = run(*words)
    assert result.exit_code == exits.BAD_INPUT
    assert re.search(message, " ".join(result.stderr.split()))


def test_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("subsetopt.training.execute", stop)
    result = run(*FIGURE, "--out", tmp_path / "out")
    assert result.exit_code == exits.INTERRUPTED
    assert "--resume goes on with" in result.stderr


def test_how_long_it_will_take() -> None:
    from subsetopt.papers import experiment
    from subsetopt.papers._planning import estimated

    runs = [run for part in experiment("obftf-fig1").runs("paper", (0,)) for run in part.runs]
    seconds = estimated(runs, jobs=2, threads=1)
    assert 1 < seconds < 3600
