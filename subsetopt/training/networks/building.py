"""Models by name."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidOption

__all__ = ["MODELS", "build_model"]

PREFIX = "torchvision:"
"""Before the name of any classification model of torchvision."""

MODELS = Registry(
    "model",
    __package__,
    {
        "linear": "_dense:linear",
        "mlp": "_dense:mlp",
        "cnn": "_convolutional:cnn",
        "resnet18": "_resnet:resnet18",
        "unet": "_unet:unet",
        "alexnet": "_torchvision_models:alexnet",
        "googlenet": "_torchvision_models:googlenet",
        "mobilenet_v2": "_torchvision_models:mobilenet_v2",
        "resnet50": "_torchvision_models:resnet50",
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
        from ._torchvision_models import from_torchvision

        return partial(from_torchvision, name.removeprefix(PREFIX))
    function: Callable[..., nn.Module] = MODELS.load(name)
    return function


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
