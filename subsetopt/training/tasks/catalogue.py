"""Tasks by name."""

from typing import Any

from subsetopt._registry import Registry
from subsetopt._spec import Spec
from subsetopt.formats.declared import fitted

from .base import Task

TASKS = Registry(
    "task",
    __package__,
    {
        "linreg": "linreg:LinearRegression",
        "mnist": "mnist:MNIST",
        "fashion-mnist": "fashion_mnist:FashionMNIST",
        "cifar10": "cifar10:CIFAR10",
        "cifar100": "cifar100:CIFAR100",
        "svhn": "svhn:SVHN",
        "digits": "digits:Digits",
        "tabular": "tabular:Tabular",
        "segmentation": "segmentation:ComposedDigits",
        "camvid": "camvid:CamVid",
        "imagenet": "imagenet:ImageNet",
    },
)
"""Where each task lives: its module in this package, and its class."""


def task_class(name: str) -> type[Task]:
    """Return the class of a task.

    Raises
    ------
    InvalidOption
        If no task is called so.
    """
    made: type[Task] = TASKS.load(name)
    return made


def task(name: str, **options: Any) -> Task:
    """Return a task with options of its own.

    Parameters
    ----------
    name : str
        One of `TASKS`; options may follow it: ``linreg:outliers=20``.
    **options
        The fields of its class; they win over those in the name.

    Raises
    ------
    InvalidOption
        If no task is called so, it has no such option, or the value is outside its domain.

    Examples
    --------
    >>> task("linreg:outliers=20").outliers
    20
    """
    spec = Spec.parse(name)
    made = task_class(spec.name)
    return made(**fitted(made, spec.options | options, f"task {spec.name!r}"))
