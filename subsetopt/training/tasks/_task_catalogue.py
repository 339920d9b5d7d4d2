"""Tasks by name."""

from typing import Any

from subsetopt._registry import Registry
from subsetopt._spec import Spec
from subsetopt.formats._declared import fitted

from .base import Task

TASKS = Registry(
    "task",
    __package__,
    {
        "linreg": "_linreg:LinearRegression",
        "mnist": "_mnist:MNIST",
        "fashion-mnist": "_fashion_mnist:FashionMNIST",
        "cifar10": "_cifar10:CIFAR10",
        "cifar100": "_cifar100:CIFAR100",
        "svhn": "_svhn:SVHN",
        "digits": "_digits:Digits",
        "tabular": "_tabular:Tabular",
        "segmentation": "_segmentation:ComposedDigits",
        "camvid": "_camvid:CamVid",
        "imagenet": "_imagenet:ImageNet",
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
