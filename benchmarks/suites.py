"""The suites: which cases a benchmark is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from subsetopt.errors import InvalidOption

from .cases import (
    Case,
    Cloud,
    Losses,
    MeanMatchingCase,
    MMDCase,
    QuadraticCase,
    clouds,
    digits,
    generated,
    mnist,
    public,
    synthetic,
)
from .choice import Choice, require_ks

# -- mean matching --------------------------------------------------------------------------------


def _digits(choice: Choice, n: int) -> list[Losses]:
    return digits.losses(n, choice.count(len(digits.TRAINING.epochs)), choice.seed)


def _mnist(choice: Choice, n: int) -> list[Losses]:
    folder = choice.require_folder("the losses of MNIST")
    return mnist.losses(folder, n, choice.count(len(mnist.TRAINING.epochs)), choice.seed)


def _synthetic(choice: Choice, n: int) -> list[Losses]:
    return synthetic.losses(n, choice.count(len(synthetic.DISTRIBUTIONS)), choice.seed)


LOSSES: Mapping[str, Callable[[Choice, int], list[Losses]]] = {
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
    names = choice.sources(tuple(LOSSES), "digits", on_file=["mnist"])
    n, ks = choice.n or 128, choice.ks or (12, 32, 64)
    require_ks(ks, n, largest=n)
    batches = [batch for name in names for batch in LOSSES[name](choice, n)]
    return [MeanMatchingCase.of(batch, k) for batch in batches for k in ks]


# -- MMD ------------------------------------------------------------------------------------------

_CLOUDS = 1  # of each source, unless asked for another number


def _digit_clouds(choice: Choice, n: int) -> list[Cloud]:
    return clouds.of_digits(n, choice.count(_CLOUDS), choice.seed)


def _mnist_clouds(choice: Choice, n: int) -> list[Cloud]:
    folder = choice.require_folder("the images of MNIST")
    return clouds.of_mnist(folder, n, choice.count(_CLOUDS), choice.seed)


def _mixtures(choice: Choice, n: int) -> list[Cloud]:
    return clouds.of_mixture(n, choice.count(_CLOUDS), choice.seed)


CLOUDS: Mapping[str, Callable[[Choice, int], list[Cloud]]] = {
    "digits": _digit_clouds,
    "mnist": _mnist_clouds,
    "synthetic": _mixtures,
}
"""The sources of points, by name."""


def mmd(choice: Choice) -> list[Case]:
    """Return every cloud of points with every k; raises as `mean_matching` does."""
    names = choice.sources(tuple(CLOUDS), "digits", on_file=["mnist"])
    n = choice.n or 300
    ks = choice.ks or sorted({max(1, n // 10), max(1, n // 3)})
    require_ks(ks, n, largest=n - 1)
    found = [cloud for name in names for cloud in CLOUDS[name](choice, n)]
    return [MMDCase(cloud, k) for cloud in found for k in ks]


# -- quadratic selection --------------------------------------------------------------------------

GENERATED, FEW = "generated", "few"
"""The sources that are the default without and with a data folder."""
A_FEW = ("SOM-b_2_n100_m20", "SOM-b_4_n100_m40", "kcluster80_050_20_1", "QPLIB_0633")
"""The public instances of the source "few"."""
_ON_FILE = (*public.SOURCES, FEW)


def quadratic(choice: Choice) -> list[Case]:
    """Return public instances, or generated ones, with their own k or with every k asked for.

    Raises
    ------
    InvalidOption
        For numbers that state no benchmark, unknown sources or names, and n with public instances.
    InvalidFile
        If files are missing or damaged. With "all", public instances are left out when no folder is
        given.
    """
    sources = _sources(choice)
    cases: list[Case] = []
    if GENERATED in sources:
        cases.extend(_generated(choice))
    if any(source in _ON_FILE for source in sources):
        cases.extend(_public(choice, sources))
    return cases


def _sources(choice: Choice) -> list[str]:
    named = choice.instances is not None and not isinstance(choice.instances, int)
    if named and choice.source in (None, "all"):
        return [*public.SOURCES]
    default = GENERATED if choice.folder is None or choice.n is not None else FEW
    found = choice.sources((*_ON_FILE, GENERATED), default, on_file=_ON_FILE)
    return [source for source in found if source != FEW] if len(found) > 1 else found


def _generated(choice: Choice) -> list[QuadraticCase]:
    n = choice.n or 100
    require_ks(choice.ks or (), n, largest=n)
    count = choice.count(len(generated.KINDS))
    return generated.instances(n, choice.ks, count, choice.seed)


def _public(choice: Choice, sources: Sequence[str]) -> list[QuadraticCase]:
    if choice.n is not None:
        raise InvalidOption(f"n is {choice.n}; it is for generated instances, public ones have one")
    folder = choice.require_folder("public instances")
    chosen: list[str] = []
    for source in sources:
        names = list(A_FEW) if source == FEW else public.names(source)
        chosen += names[: choice.instances] if isinstance(choice.instances, int) else names
    if choice.instances is not None and not isinstance(choice.instances, int):
        chosen = public.matching(choice.instances, chosen)
    return [case for name in chosen for case in public.read(folder, name, choice.ks)]


# -- all ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is compared on, and how.

    Parameters
    ----------
    name : str
        What the command line takes; also the family of its problems.
    build : callable
    about : str
        What is to be found, for people.
    data : str
        What its sources are sources of.
    reference : str
        The solver that times are compared with.
    absolute : bool
        Whether an objective is an error: it says something by itself, its least possible value
        being 0. Else objectives are compared with the best ones.
    tolerance : float
        Relative differences of objectives up to this are rounding.
    """

    name: str
    build: Callable[[Choice], list[Case]]
    about: str
    data: str
    reference: str = "scip"
    absolute: bool = False
    tolerance: float = 1e-9


SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(
            name="mean-matching",
            build=mean_matching,
            about="k of n losses whose mean comes closest to that of all",
            data="losses",
            reference="cbc",  # the one of the paper's listing
            absolute=True,
            tolerance=0.0,  # evaluated without rounding but for the last step
        ),
        Suite(
            name="mmd",
            build=mmd,
            about="k of n points that are closest to the others in squared MMD, Gaussian kernel",
            data="points",
        ),
        Suite(
            name="quadratic",
            build=quadratic,
            about="k of n of which the least, or the greatest, quadratic is wanted",
            data="origin",
        ),
    )
}
"""The suites, by the name that the command line takes."""


def find(name: str) -> Suite:
    """Return a suite by name; InvalidOption names those that there are."""
    if name not in SUITES:
        raise InvalidOption(f"no suite is called {name!r}; there are: {', '.join(SUITES)}")
    return SUITES[name]
