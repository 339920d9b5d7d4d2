"""Tasks by name."""

from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_type_hints

from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidOption
from subsetopt.training.naming import Named

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
_KINDS = {int: "a whole number", float: "a number", str: "a name", type(None): "None"}


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
    named = Named.parse(name)
    made = task_class(named.name)
    known: list[str] = []
    if is_dataclass(made):
        known = [option.name for option in fields(made) if option.init]
    chosen = named.options | options
    require_options(f"task {named.name!r}", chosen, known)
    _require_types(made, chosen)
    return made(**chosen)


def _require_types(made: type[Task], chosen: dict[str, Any]) -> None:
    """Raise InvalidOption where a value is not of the kind that its field says."""
    kinds = get_type_hints(made)
    for option, value in chosen.items():
        united = isinstance(kinds[option], UnionType)
        known = get_args(kinds[option]) if united else (kinds[option],)
        if not all(type(kind) is type for kind in known):
            continue  # tuples and the like, of which the task itself knows what they hold
        fits = (*known, int) if float in known else known
        if type(value) not in fits and not isinstance(value, known):
            names = " or ".join(_KINDS.get(kind, kind.__name__) for kind in known)
            raise InvalidOption(
                f"{option} is {value!r}; {names} is needed. Options follow each other after ':', "
                "as in cifar10:train=1000:test=500"
            )
