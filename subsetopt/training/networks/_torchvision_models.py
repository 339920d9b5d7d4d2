"""Models of torchvision, for images of 224x224; never with pretrained weights."""

from typing import Any

from torch import nn

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

TORCHVISION = OptionalDependency("torchvision", "torchvision")
WITHOUT_SIDE_OUTPUTS = {"aux_logits": False, "init_weights": True}
OF_ITS_OWN = {"googlenet": WITHOUT_SIDE_OUTPUTS, "inception_v3": WITHOUT_SIDE_OUTPUTS}
"""Options that a model needs to return one tensor in training as well."""


def from_torchvision(model: str, /, *, classes: int = 1000, **options: Any) -> nn.Module:
    """Return a classification model of torchvision.

    Parameters
    ----------
    model : str
        As torchvision calls it.
    **options
        Handed on to torchvision.

    Raises
    ------
    InvalidOption
        If torchvision has no such model, or that has no such option.
    MissingDependency
        If torchvision is not installed.
    """
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
