"""Models by name, those of torchvision among them."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from subsetopt._dependencies import OptionalDependency
from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidOption

__all__ = ["MODELS", "build_model"]


PREFIX = "torchvision:"
"""Before the name of any classification model of torchvision."""

MODELS = Registry(
    "model",
    __package__,
    {
        "linear": "_architectures:linear",
        "mlp": "_architectures:mlp",
        "cnn": "_architectures:cnn",
        "resnet18": "_architectures:resnet18",
        "unet": "_architectures:UNet",
        "alexnet": "building:alexnet",
        "googlenet": "building:googlenet",
        "mobilenet_v2": "building:mobilenet_v2",
        "resnet50": "building:resnet50",
    },
    also=f"{PREFIX}NAME",
)
"""Where each model lives: its module in this package, and the function that makes it."""


def build_model(name: str, **options: Any) -> nn.Module:
    """Return a new model, initialised from torch's global generator.

    Parameters
    ----------
    name : str
        One of `MODELS`, or ``torchvision:NAME``.
    **options
        The parameters of its function.

    Raises
    ------
    InvalidOption
        If no model is called so, it has no such option, or one that it needs is missing.
    MissingDependency
        If it is a model of torchvision, and that is not installed.

    Examples
    --------
    >>> build_model("linear", inputs=3)[1]
    Linear(in_features=3, out_features=1, bias=True)
    """
    build = _function(name)
    known = inspect.signature(build).parameters
    needed = [option for option, it in known.items() if it.default is inspect.Parameter.empty]
    open_ended = any(it.kind is inspect.Parameter.VAR_KEYWORD for it in known.values())
    if not open_ended:
        require_options(f"model {name!r}", options, known)
    missing = [] if open_ended else [option for option in needed if option not in options]
    if missing:
        raise InvalidOption(f"model {name!r} needs {_list(missing)}")
    model: nn.Module = build(**options)
    return model


def _function(name: str) -> Callable[..., nn.Module]:
    if name.startswith(PREFIX):
        return partial(from_torchvision, name.removeprefix(PREFIX))
    function: Callable[..., nn.Module] = MODELS.load(name)
    return function


def _list(names: Any) -> str:
    return ", ".join(sorted(names))


TORCHVISION = OptionalDependency("torchvision", "torchvision")
WITHOUT_SIDE_OUTPUTS = {"aux_logits": False, "init_weights": True}
OF_ITS_OWN = {"googlenet": WITHOUT_SIDE_OUTPUTS, "inception_v3": WITHOUT_SIDE_OUTPUTS}
"""Options that a model needs to return one tensor in training as well."""


def from_torchvision(model: str, /, *, classes: int = 1000, **options: Any) -> nn.Module:
    """Return a classification model of torchvision."""
    models = TORCHVISION.load("models")
    known = models.list_models(module=models)
    if model not in known:
        raise InvalidOption(f"torchvision has no model {model!r}; it has {', '.join(known)}")
    options = {**OF_ITS_OWN.get(model, {}), **options}
    try:
        made: nn.Module = models.get_model(model, weights=None, num_classes=classes, **options)
    except TypeError as error:
        raise InvalidOption(f"torchvision refuses an option of {model!r}: {error}") from error
    return made


def alexnet(classes: int = 1000, dropout: float = 0.5) -> nn.Module:
    """Return AlexNet (Krizhevsky 2014)."""
    return from_torchvision("alexnet", classes=classes, dropout=dropout)


def googlenet(classes: int = 1000, dropout: float = 0.2) -> nn.Module:
    """Return GoogLeNet (Szegedy et al. 2015), without its side outputs."""
    return from_torchvision("googlenet", classes=classes, dropout=dropout)


def mobilenet_v2(classes: int = 1000, dropout: float = 0.2) -> nn.Module:
    """Return MobileNetV2 (Sandler et al. 2018)."""
    return from_torchvision("mobilenet_v2", classes=classes, dropout=dropout)


def resnet50(classes: int = 1000) -> nn.Module:
    """Return ResNet-50 (He et al. 2016)."""
    return from_torchvision("resnet50", classes=classes)
