"""Networks: shapes, gradients, where their weights come from, those of torchvision."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subsetopt import _dependencies
from subsetopt.errors import InvalidOption, MissingDependency

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from subsetopt.training.networks import MODELS, build_model  # noqa: E402

IMAGES = (5, 3, 32, 32)
OWN: list[tuple[str, dict[str, Any], tuple[int, ...], tuple[int, ...]]] = [
    ("linear", {"inputs": 7}, (5, 7), (5, 1)),
    ("linear", {"inputs": 48, "outputs": 4}, (5, 3, 4, 4), (5, 4)),
    ("mlp", {"inputs": 7, "classes": 3}, (5, 7), (5, 3)),
    ("mlp", {"inputs": 784, "classes": 10, "hidden": [32], "dropout": 0.2}, (5, 28, 28), (5, 10)),
    ("mlp", {"inputs": 7, "classes": 3, "hidden": ()}, (5, 7), (5, 3)),
    ("resnet18", {"width": 4}, IMAGES, (5, 10)),
    ("cnn", {"width": 4}, IMAGES, (5, 10)),
    ("cnn", {"width": 4, "channels": 1, "classes": 7}, (5, 1, 28, 28), (5, 7)),
    ("resnet18", {"width": 4, "channels": 1, "classes": 7}, (5, 1, 28, 28), (5, 7)),
    ("unet", {"channels": 3, "classes": 2, "width": 4}, IMAGES, (5, 2, 32, 32)),
    ("unet", {"channels": 1, "classes": 4, "width": 4, "depth": 2}, (5, 1, 17, 22), (5, 4, 17, 22)),
]


@pytest.mark.parametrize(("name", "options", "inputs", "outputs"), OWN)
def test_shapes_and_gradients(
    name: str, options: dict[str, Any], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    model = build_model(name, **options)
    scores = model(torch.randn(inputs))
    assert scores.shape == outputs
    scores.square().sum().backward()
    assert all(w.grad is not None and w.grad.isfinite().all() for w in model.parameters())


@pytest.mark.parametrize(("name", "options", "inputs", "outputs"), OWN)
def test_drawn_from_the_global_generator(
    name: str, options: dict[str, Any], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    del inputs, outputs
    made = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        made.append(torch.cat([w.flatten() for w in build_model(name, **options).parameters()]))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_resnet18_is_the_published_one() -> None:
    model = build_model("resnet18")
    assert sum(w.numel() for w in model.parameters()) == 11_173_962
    convolutions = [it for it in model.modules() if isinstance(it, nn.Conv2d)]
    assert len([it for it in convolutions if it.kernel_size == (3, 3)]) == 17
    stages = nn.Sequential(*list(build_model("resnet18", width=8).children())[:-3])
    assert stages(torch.randn(2, 3, 32, 32)).shape == (2, 64, 4, 4)


@pytest.mark.parametrize(
    ("name", "options"), [("resnet18", {"width": 4}), ("unet", {"channels": 3, "classes": 2})]
)
def test_channels_last(name: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model, images = build_model(name, **options).eval(), torch.randn(IMAGES)
    expected = model(images)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = model(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_what_is_not_there() -> None:
    with pytest.raises(InvalidOption, match=r"one of linear, .*torchvision:NAME; got 'resnet81'"):
        build_model("resnet81")
    with pytest.raises(
        InvalidOption, match=r"no option 'depth'.*; it has channels, classes, width"
    ):
        build_model("resnet18", depth=3)
    with pytest.raises(InvalidOption, match=r"'mlp' needs classes, inputs"):
        build_model("mlp")
    with pytest.raises(InvalidOption, match=r"dropout must .*got 1"):
        build_model("mlp", inputs=3, classes=2, dropout=1)


# -- torchvision ---------------------------------------------------------------------------------

PRETENCE = '''
"""Stands in for torchvision."""
from torch import nn

def list_models(module=None):
    return ["alexnet", "googlenet", "mobilenet_v2", "resnet50", "vgg11"]

def get_model(name, *, weights, num_classes, **options):
    if set(options) - {"dropout", "aux_logits", "init_weights"}:
        raise TypeError(f"unexpected {options}")
    assert weights is None
    model = nn.Linear(2, num_classes)
    model.made_of = (name, options)
    return model
'''


@pytest.fixture
def torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(PRETENCE)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    _dependencies._findable.cache_clear()
    yield
    for name in ("torchvision", "torchvision.models"):
        sys.modules.pop(name, None)
    _dependencies._findable.cache_clear()


@pytest.mark.usefixtures("torchvision")
def test_models_of_torchvision() -> None:
    model: Any = build_model("torchvision:vgg11", classes=7, dropout=0.1)
    assert model.out_features == 7
    assert model.made_of == ("vgg11", {"dropout": 0.1})
    for name in ("alexnet", "googlenet", "mobilenet_v2", "resnet50"):
        assert name in MODELS
        plain: Any = build_model(name, classes=3)
        assert plain.made_of[0] == name
        assert plain.out_features == 3
    google: Any = build_model("torchvision:googlenet")
    assert google.made_of[1] == {"aux_logits": False, "init_weights": True}
    with pytest.raises(InvalidOption, match=r"no model 'vgg'; it has alexnet"):
        build_model("torchvision:vgg")
    with pytest.raises(InvalidOption, match=r"refuses an option of 'vgg11'.*depth"):
        build_model("torchvision:vgg11", depth=3)


def test_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dependencies, "_findable", lambda module: module != "torchvision")
    for name in ("alexnet", "torchvision:vgg11"):
        with pytest.raises(MissingDependency, match="pip install 'torchvision'"):
            build_model(name)
