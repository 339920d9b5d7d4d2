"""Models by name."""

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from torch import nn

from subsetopt.errors import InvalidOption

MODELS = {
    "linear": "dense:linear",
    "mlp": "dense:mlp",
    "cnn": "convolutional:cnn",
    "resnet18": "resnet:resnet18",
    "unet": "unet:unet",
    "alexnet": "elsewhere:alexnet",
    "googlenet": "elsewhere:googlenet",
    "mobilenet_v2": "elsewhere:mobilenet_v2",
    "resnet50": "elsewhere:resnet50",
}
"""Where each model lives: its module in this package, and the function that makes it."""

PREFIX = "torchvision:"
"""Before the name of any classification model of torchvision."""


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
    MissingBackend
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
    for option in options:
        if option not in known and not open_ended:
            raise InvalidOption(f"model {name!r} has no option {option!r}; it has {_list(known)}")
    missing = [] if open_ended else [option for option in needed if option not in options]
    if missing:
        raise InvalidOption(f"model {name!r} needs {_list(missing)}")
    model: nn.Module = build(**options)
    return model


def _function(name: str) -> Callable[..., nn.Module]:
    if name.startswith(PREFIX):
        from .elsewhere import from_torchvision

        return partial(from_torchvision, name.removeprefix(PREFIX))
    if name not in MODELS:
        raise InvalidOption(
            f"model is {name!r}; one of {_list(MODELS)}, or {PREFIX}NAME, is needed"
        )
    module, _, found = MODELS[name].partition(":")
    function: Callable[..., nn.Module] = getattr(import_module(f"{__package__}.{module}"), found)
    return function


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
