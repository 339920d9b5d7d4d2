"""The suites: which cases a benchmark is made of."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.limits import Limits

from .cases import Case, Losses, digits, mnist, synthetic

DATA_VARIABLE = "SUBSETOPT_DATA"
"""The environment variable that names the data folder when no option does."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a suite is asked for; checked by the suite.

    Parameters
    ----------
    losses : str
        One of `LOSSES`, or "all".
    n : int
        Losses per batch.
    ks : sequence of int
        How many to choose; every batch is used with each.
    instances : int or None
        Batches; None takes one of each kind that the source knows.
    seed : int
    data : Path or None
        The folder of downloaded data; None looks at the environment.
    """

    losses: str = "digits"
    n: int = 128
    ks: Sequence[int] = (12, 32, 64)
    instances: int | None = None
    seed: int = 0
    data: Path | None = None

    @property
    def folder(self) -> Path | None:
        """The data folder, if there is one."""
        named = os.environ.get(DATA_VARIABLE)
        return self.data or (Path(named) if named else None)


def _digits(choice: Choice) -> list[Losses]:
    return digits.losses(choice.n, choice.instances or len(digits.TRAINING.epochs), choice.seed)


def _mnist(choice: Choice) -> list[Losses]:
    if choice.folder is None:
        raise InvalidFile(f"the losses of MNIST need its files: --data DIR or {DATA_VARIABLE}=DIR")
    count = choice.instances or len(mnist.TRAINING.epochs)
    return mnist.losses(choice.folder, choice.n, count, choice.seed)


def _synthetic(choice: Choice) -> list[Losses]:
    return synthetic.losses(choice.n, choice.instances or len(synthetic.DISTRIBUTIONS), choice.seed)


LOSSES: Mapping[str, Callable[[Choice], list[Losses]]] = {
    "digits": _digits,
    "mnist": _mnist,
    "synthetic": _synthetic,
}
"""The sources of losses, by name."""


def mean_matching(choice: Choice) -> list[Case]:
    """Return every batch of losses with every k.

    Raises
    ------
    InvalidOption
        For numbers that state no benchmark, or an unknown source of losses.
    InvalidFile
        If data files are missing or damaged. With "all", MNIST is left out when no folder is given.
    MissingBackend
        If the losses need a package that is not installed.
    """
    _check(choice)
    names = [choice.losses] if choice.losses != "all" else list(LOSSES)
    if choice.losses == "all" and choice.folder is None:
        names.remove("mnist")
    batches = [batch for name in names for batch in LOSSES[name](choice)]
    return [Case.of(batch, k) for batch in batches for k in choice.ks]


def _check(choice: Choice) -> None:
    Limits(seed=choice.seed)
    if choice.losses not in (*LOSSES, "all"):
        known = ", ".join((*LOSSES, "all"))
        raise InvalidOption(f"no losses are called {choice.losses!r}; there are: {known}")
    if choice.n < 1:
        raise InvalidOption(f"n is {choice.n}; at least 1 is needed")
    if choice.instances is not None and choice.instances < 1:
        raise InvalidOption(f"instances is {choice.instances}; at least 1 is needed")
    if not choice.ks or len(set(choice.ks)) < len(choice.ks):
        raise InvalidOption(f"k is {list(choice.ks)}; distinct numbers are needed, at least one")
    for k in choice.ks:
        if not 1 <= k <= choice.n:
            raise InvalidOption(f"k is {k}; with n = {choice.n} it has to be in 1..{choice.n}")


SUITES: Mapping[str, Callable[[Choice], list[Case]]] = {"mean-matching": mean_matching}
"""The suites, by the name that the command line takes."""


def find(name: str) -> Callable[[Choice], list[Case]]:
    """Return a suite by name; InvalidOption names those that there are."""
    if name not in SUITES:
        raise InvalidOption(f"no suite is called {name!r}; there are: {', '.join(SUITES)}")
    return SUITES[name]
