"""The suites: which cases a comparison is made of."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidOption

from ._families import named
from ._suite_options import SuiteOptions
from .cases import (
    Case,
    Cloud,
    MeanMatchingCase,
    MMDCase,
    QuadraticCase,
    SequenceCase,
    Values,
    VectorCase,
    _cifar10_images,
    _classifier,
    _clouds,
    _digits_images,
    _generated,
    _mnist_images,
    _public,
    _synthetic,
    _vectors,
)
from .cases._classifier import Samples, TrainingRecord

__all__ = ["Suite", "find"]

# -- sources --------------------------------------------------------------------------------------

DIGITS, SYNTHETIC = "digits", "synthetic"
ON_FILE: Mapping[str, Callable[[Path], Samples]] = {
    "mnist": _mnist_images.samples,
    "cifar10": _cifar10_images.samples,
}
"""The images that are read from the data folder."""
SOURCES = (DIGITS, *ON_FILE, SYNTHETIC)
"""What every suite knows but that of quadratic selection."""


def _sources(choice: SuiteOptions) -> list[str]:
    return choice.sources(SOURCES, DIGITS, on_file=tuple(ON_FILE))


def _samples(choice: SuiteOptions, source: str) -> Samples:
    if source == DIGITS:
        return _digits_images.samples()
    return ON_FILE[source](choice.require_folder(f"the images of {source}"))


# -- mean matching --------------------------------------------------------------------------------


def mean_matching(choice: SuiteOptions) -> list[MeanMatchingCase]:
    """Return every batch of losses with every k.

    Raises
    ------
    InvalidOption
        For numbers that state no benchmark, or an unknown source.
    InvalidFile
        If data files are missing or damaged. With "all", what lies in files is left out when no
        folder is given.
    MissingDependency
        If the losses need a package that is not installed.
    """
    ks = choice.crossed(128, (10, 4, 2))
    batches = [batch for name in _sources(choice) for batch in _losses(choice, name, ks)]
    return [MeanMatchingCase.of(batch, k) for batch in batches for k in ks[len(batch.values)]]


def _losses(choice: SuiteOptions, source: str, sizes: Collection[int]) -> Iterator[Values]:
    if source == SYNTHETIC:
        count = choice.count(len(_synthetic.DISTRIBUTIONS))
        for n in sizes:
            yield from _synthetic.losses(n, count, choice.seed)
        return
    samples = _samples(choice, source)
    samples.require(max(sizes))
    count = choice.count(len(samples.training.epochs))
    recording = TrainingRecord.of(samples, count, choice.seed)
    for n in sizes:
        yield from _classifier.losses(recording, n, count)


# -- vector mean matching -------------------------------------------------------------------------


def vector(choice: SuiteOptions) -> list[VectorCase]:
    """Return every batch of vectors with every k; raises as `mean_matching` does."""
    ks = choice.crossed(256, (10, 4))
    batches = [batch for name in _sources(choice) for batch in _vectors_cases(choice, name, ks)]
    return [VectorCase.of(batch, k) for batch in batches for k in ks[len(batch.values)]]


def _vectors_cases(choice: SuiteOptions, source: str, sizes: Collection[int]) -> Iterator[Values]:
    if source == SYNTHETIC:
        for n in sizes:
            count = choice.count(len(_vectors.GAUSSIANS))
            yield from _vectors.of_gaussians(n, count, choice.seed)
        return
    samples = _samples(choice, source)
    samples.require(max(sizes))
    count = choice.count(len(_vectors.TURNS))
    recording = TrainingRecord.of(samples, _vectors.stages(count), choice.seed)
    for n in sizes:
        yield from _vectors.of_recording(recording, n, count)


# -- MMD and sequences ----------------------------------------------------------------------------


def mmd(choice: SuiteOptions) -> list[MMDCase]:
    """Return every cloud of points with every k; raises as `mean_matching` does."""
    ks = choice.crossed(300, (10, 3), spare=1)
    return [MMDCase(cloud, k) for cloud in _clouds_cases(choice, ks) for k in ks[len(cloud.points)]]


def sequence(choice: SuiteOptions) -> list[SequenceCase]:
    """Return every cloud of points with every size of batches; raises as `mean_matching` does."""
    ks = choice.crossed(1797, (10,), spare=1, most=50)
    return [
        SequenceCase(cloud, k) for cloud in _clouds_cases(choice, ks) for k in ks[len(cloud.points)]
    ]


def _clouds_cases(choice: SuiteOptions, sizes: Collection[int]) -> list[Cloud]:
    """Return one cloud of each source and size, unless asked for another number."""
    count, found = choice.count(1), []
    for source in _sources(choice):
        samples = None if source == SYNTHETIC else _samples(choice, source)
        for n in sizes:
            if samples is None:
                found += _clouds.of_mixture(n, count, choice.seed)
            else:
                found += _clouds.of_images(samples, n, count, choice.seed)
    return found


# -- quadratic selection --------------------------------------------------------------------------

GENERATED, FEW = "generated", "few"
"""The sources that are the default without and with a data folder."""
A_FEW = ("SOM-b_2_n100_m20", "SOM-b_4_n100_m40", "kcluster80_050_20_1", "QPLIB_0633")
"""The public instances of the source "few"."""
_PUBLIC = (*_public.SOURCES, FEW)


def quadratic(choice: SuiteOptions) -> list[QuadraticCase]:
    """Return public instances, or generated ones, with their own k or with every k asked for.

    Raises
    ------
    InvalidOption
        For numbers that state no benchmark, unknown sources or names, and sizes with public
        instances.
    InvalidFile
        If files are missing or damaged. With "all", public instances are left out when no folder is
        given.
    """
    sources = _origins(choice)
    cases: list[QuadraticCase] = []
    if GENERATED in sources:
        cases.extend(_generated_cases(choice))
    if any(source in _PUBLIC for source in sources):
        cases.extend(_public_cases(choice, sources))
    return cases


def _origins(choice: SuiteOptions) -> list[str]:
    named = choice.instances is not None and not isinstance(choice.instances, int)
    if named and choice.source in (None, "all"):
        return [*_public.SOURCES]
    default = GENERATED if choice.folder is None or choice.sizes is not None else FEW
    found = choice.sources((*_PUBLIC, GENERATED), default, on_file=_PUBLIC)
    return [source for source in found if source != FEW] if len(found) > 1 else found


def _generated_cases(choice: SuiteOptions) -> Iterator[QuadraticCase]:
    count = choice.count(len(_generated.KINDS))
    for n in choice.crossed(100, (10,)):
        yield from _generated.instances(n, choice.ks, count, choice.seed)


def _public_cases(choice: SuiteOptions, sources: Sequence[str]) -> Iterator[QuadraticCase]:
    if choice.sizes is not None:
        sizes = ",".join(map(str, choice.sizes))
        raise InvalidOption(
            f"sizes is {sizes}; it is for generated instances, public ones have one"
        )
    folder = choice.require_folder("public instances")
    chosen: list[str] = []
    for source in sources:
        names = list(A_FEW) if source == FEW else _public.names(source)
        chosen += names[: choice.instances] if isinstance(choice.instances, int) else names
    if choice.instances is not None and not isinstance(choice.instances, int):
        chosen = _public.matching(choice.instances, chosen)
    for name in chosen:
        yield from _public.read(folder, name, choice.ks)


# -- all families at once -------------------------------------------------------------------------


def quick(choice: SuiteOptions) -> list[Case]:
    """Return a few small cases of each family, for which no data folder is needed.

    Raises
    ------
    InvalidOption
        If anything but the seed is chosen.
    MissingDependency
        If scikit-learn is not installed.
    """
    seed = choice.seed
    if choice != SuiteOptions(seed=seed, data=choice.data):
        raise InvalidOption(
            "the suite quick has its own cases; of its choice only the seed is free"
        )
    images = _digits_images.samples()
    recording = TrainingRecord.of(images, 1, seed)
    heavy = _synthetic.losses(64, 3, seed)[-1]
    return [
        MeanMatchingCase.of(_classifier.losses(recording, 128, 1)[0], 12),
        MeanMatchingCase.of(heavy, 32),
        VectorCase.of(_vectors.of_recording(recording, 40, 1)[0], 10),
        MMDCase(_clouds.of_images(images, 60, 1, seed)[0], 6),
        _generated.instances(24, [4], 1, seed)[0],
        _generated.instances(40, [10], 4, seed)[-1],
        SequenceCase(_clouds.of_images(images, 500, 1, seed)[0], 50),
    ]


# -- all ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is compared on.

    Parameters
    ----------
    name : str
        What the command line takes.
    build : callable
    about : str
        What it consists of, for people.
    data : str
        What its sources are sources of.
    families : tuple of str
        Of its cases, as `subsetopt.benchmarks._families` names them.
    time_limits : tuple of float
        Seconds per solve, ascending, that suit it.
    repeats : int
        That suit it.
    """

    name: str
    build: Callable[[SuiteOptions], Sequence[Case]]
    about: str
    data: str
    families: tuple[str, ...]
    time_limits: tuple[float, ...] = (0.01, 0.1, 1.0)
    repeats: int = 3


SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(
            name="mean-matching",
            build=mean_matching,
            about="losses of a classifier, early and late in its training, and of distributions",
            data="losses",
            families=("mean-matching",),
        ),
        Suite(
            name="vector-mean-matching",
            build=vector,
            about="gradients, inputs and labels of samples, early and late in a training",
            data="vectors",
            families=("vector-mean-matching",),
        ),
        Suite(
            name="mmd",
            build=mmd,
            about="images, and mixtures of Gaussians",
            data="points",
            families=("mmd",),
        ),
        Suite(
            name="quadratic",
            build=quadratic,
            about="diverse selections and dense subgraphs, public and generated",
            data="origin",
            families=("quadratic",),
        ),
        Suite(
            name="sequence",
            build=sequence,
            about="all points of a data set in batches",
            data="points",
            families=("sequence",),
            time_limits=(60.0,),
        ),
        Suite(
            name="quick",
            build=quick,
            about="a few small cases of each family, in about a minute",
            data="cases",
            families=("mean-matching", "vector-mean-matching", "mmd", "quadratic", "sequence"),
            time_limits=(0.01, 0.3),
            repeats=2,
        ),
    )
}
"""The suites, by the name that the command line takes."""


def find(name: str) -> Suite:
    """Return a suite by name; InvalidOption names those that there are."""
    found = SUITES.get(named(name))
    if found is None:
        known = ", ".join(SUITES)
        raise InvalidOption(f"no suite is called {name!r}; there are: {known}, and FILE.yaml")
    return found
