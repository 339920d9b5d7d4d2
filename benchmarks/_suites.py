"""The built-in suites of cases."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidOption

from ._constrained_suite import constrained
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
    _classifier,
    _clouds,
    _quadratic_cases,
    _value_batches,
)
from .cases._classifier import Samples, TrainingRecord, cifar10, digits, mnist

DIGITS, SYNTHETIC = "digits", "synthetic"
ON_FILE: Mapping[str, Callable[[Path], Samples]] = {"mnist": mnist, "cifar10": cifar10}
"""The images that are read from the data folder."""
SOURCES = (DIGITS, *ON_FILE, SYNTHETIC)
"""What every suite knows but that of quadratic selection."""
GENERATED, FEW = "generated", "few"
"""The sources of quadratic selection that are the default without and with a data folder."""
A_FEW = ("SOM-b_2_n100_m20", "SOM-b_4_n100_m40", "kcluster80_050_20_1", "QPLIB_0633")
"""The public instances of the source "few"."""
_PUBLIC = (*_quadratic_cases.SOURCES, FEW)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is compared on."""

    name: str
    """What the command line takes."""
    about: str
    """What its instances are, for people."""
    build: Callable[[SuiteOptions], Sequence[Case]]
    """Returns the cases. Raises InvalidOption for numbers that state no benchmark and unknown
    names; InvalidFile where data files are missing or damaged, except those of the source "all"
    where no folder is given; MissingDependency where the data need a package."""
    families: tuple[str, ...]
    """Of its cases, as `subsetopt.benchmarks._families` names them."""
    time_limits: tuple[float, ...] = (0.01, 0.1, 1.0)
    """Seconds per solve, ascending, that suit it."""
    repeats: int = 3
    """That suit it."""


# -- sources --------------------------------------------------------------------------------------


def _sources(choice: SuiteOptions) -> list[str]:
    return choice.sources(SOURCES, DIGITS, on_file=tuple(ON_FILE))


def _samples(choice: SuiteOptions, source: str) -> Samples:
    if source == DIGITS:
        return digits()
    return ON_FILE[source](choice.require_folder(f"the images of {source}"))


def _recorded(
    choice: SuiteOptions, source: str, sizes: Collection[int], stages: Callable[[Samples], int]
) -> TrainingRecord:
    """Return a classifier at the stages of its training, for batches of these sizes."""
    samples = _samples(choice, source)
    samples.require(max(sizes))
    return TrainingRecord.of(samples, stages(samples), choice.seed)


# -- one family each ------------------------------------------------------------------------------


def mean_matching(choice: SuiteOptions) -> list[MeanMatchingCase]:
    """Return losses of a classifier, early and late in its training, and of distributions."""
    ks = choice.crossed(128, (10, 4, 2))
    batches = (batch for name in _sources(choice) for batch in _losses(choice, name, ks))
    return [MeanMatchingCase.of(batch, k) for batch in batches for k in ks[len(batch.values)]]


def _losses(choice: SuiteOptions, source: str, sizes: Collection[int]) -> Iterator[Values]:
    if source == SYNTHETIC:
        count = choice.count(len(_value_batches.DISTRIBUTIONS))
        return _each(sizes, lambda n: _value_batches.losses(n, count, choice.seed))
    recording = _recorded(choice, source, sizes, lambda samples: _count(choice, samples))
    count = _count(choice, recording.samples)
    return _each(sizes, lambda n: _classifier.losses(recording, n, count))


def _count(choice: SuiteOptions, samples: Samples) -> int:
    return choice.count(len(samples.training.epochs))


def vector(choice: SuiteOptions) -> list[VectorCase]:
    """Return gradients, inputs and labels of samples, early and late in a training."""
    ks = choice.crossed(256, (10, 4))
    batches = (batch for name in _sources(choice) for batch in _vectors(choice, name, ks))
    return [VectorCase.of(batch, k) for batch in batches for k in ks[len(batch.values)]]


def _vectors(choice: SuiteOptions, source: str, sizes: Collection[int]) -> Iterator[Values]:
    if source == SYNTHETIC:
        count = choice.count(len(_value_batches.GAUSSIANS))
        return _each(sizes, lambda n: _value_batches.of_gaussians(n, count, choice.seed))
    count = choice.count(len(_value_batches.TURNS))
    recording = _recorded(choice, source, sizes, lambda _: _value_batches.stages(count))
    return _each(sizes, lambda n: _value_batches.of_recording(recording, n, count))


def _each(sizes: Iterable[int], batches: Callable[[int], Iterable[Values]]) -> Iterator[Values]:
    return (batch for n in sizes for batch in batches(n))


def mmd(choice: SuiteOptions) -> list[MMDCase]:
    """Return images, and mixtures of Gaussians."""
    ks = choice.crossed(300, (10, 3), spare=1)
    return [MMDCase(cloud, k) for cloud in _points(choice, ks) for k in ks[len(cloud.points)]]


def sequence(choice: SuiteOptions) -> list[SequenceCase]:
    """Return all points of a data set, to be put into batches."""
    ks = choice.crossed(1797, (10,), spare=1, most=50)
    return [SequenceCase(cloud, k) for cloud in _points(choice, ks) for k in ks[len(cloud.points)]]


def _points(choice: SuiteOptions, sizes: Collection[int]) -> Iterator[Cloud]:
    """Yield one cloud of each source and size, unless asked for another number."""
    count = choice.count(1)
    for source in _sources(choice):
        samples = None if source == SYNTHETIC else _samples(choice, source)
        for n in sizes:
            if samples is None:
                yield from _clouds.of_mixture(n, count, choice.seed)
            else:
                yield from _clouds.of_images(samples, n, count, choice.seed)


# -- quadratic selection --------------------------------------------------------------------------


def quadratic(choice: SuiteOptions) -> list[QuadraticCase]:
    """Return diverse selections and dense subgraphs, public and generated.

    Public instances have their own k or every k asked for, but no sizes.
    """
    sources = _origins(choice)
    cases: list[QuadraticCase] = []
    if GENERATED in sources:
        count = choice.count(len(_quadratic_cases.KINDS))
        for n in choice.crossed(100, (10,)):
            cases += _quadratic_cases.instances(n, choice.ks, count, choice.seed)
    if any(source in _PUBLIC for source in sources):
        cases += _public_cases(choice, sources)
    return cases


def _origins(choice: SuiteOptions) -> list[str]:
    are_named = choice.instances is not None and not isinstance(choice.instances, int)
    if are_named and choice.source in (None, "all"):
        return [*_quadratic_cases.SOURCES]
    default = GENERATED if choice.folder is None or choice.sizes is not None else FEW
    found = choice.sources((*_PUBLIC, GENERATED), default, on_file=_PUBLIC)
    return [source for source in found if source != FEW] if len(found) > 1 else found


def _public_cases(choice: SuiteOptions, sources: Sequence[str]) -> Iterator[QuadraticCase]:
    if choice.sizes is not None:
        sizes = ",".join(map(str, choice.sizes))
        raise InvalidOption(
            f"sizes must not be given: public instances have their own; got {sizes}"
        )
    folder = choice.require_folder("public instances")
    chosen: list[str] = []
    for source in sources:
        names = list(A_FEW) if source == FEW else _quadratic_cases.names(source)
        chosen += names[: choice.instances] if isinstance(choice.instances, int) else names
    if choice.instances is not None and not isinstance(choice.instances, int):
        chosen = _quadratic_cases.matching(choice.instances, chosen)
    for name in chosen:
        yield from _quadratic_cases.read(folder, name, choice.ks)


# -- all families at once -------------------------------------------------------------------------


def quick(choice: SuiteOptions) -> list[Case]:
    """Return a few small cases of each family, for which no data folder is needed.

    Raises InvalidOption if anything but the seed is chosen.
    """
    choice.require_only("quick", "seed")
    seed = choice.seed
    images = digits()
    recording = TrainingRecord.of(images, 1, seed)
    return [
        MeanMatchingCase.of(_classifier.losses(recording, 128, 1)[0], 12),
        MeanMatchingCase.of(_value_batches.losses(64, 3, seed)[-1], 32),
        VectorCase.of(_value_batches.of_recording(recording, 40, 1)[0], 10),
        MMDCase(_clouds.of_images(images, 60, 1, seed)[0], 6),
        _quadratic_cases.instances(24, [4], 1, seed)[0],
        _quadratic_cases.instances(40, [10], 4, seed)[-1],
        SequenceCase(_clouds.of_images(images, 500, 1, seed)[0], 50),
    ]


_EACH: Mapping[str, tuple[Callable[[SuiteOptions], Sequence[Case]], str]] = {
    "mean-matching": (mean_matching, "losses of a classifier in training, and of distributions"),
    "vector-mean-matching": (vector, "gradients, residuals and inputs of the same classifier"),
    "mmd": (mmd, "images, and mixtures of Gaussians"),
    "quadratic": (quadratic, "diverse selections and dense subgraphs, public and generated"),
}
SUITES: Mapping[str, Suite] = {
    "quick": Suite(
        name="quick",
        about="some of each family, small",
        build=quick,
        families=(*_EACH, "sequence"),
        time_limits=(0.01, 0.3),
        repeats=2,
    ),
    **{
        name: Suite(name=name, about=about, build=build, families=(name,))
        for name, (build, about) in _EACH.items()
    },
    "constrained": Suite(
        name="constrained",
        about="quotas, budgets, conflicts and ranges of sizes on each of these",
        build=constrained,
        families=tuple(_EACH),
        time_limits=(0.5,),
        repeats=1,
    ),
    "sequence": Suite(
        name="sequence",
        about="all points of a data set, put into batches",
        build=sequence,
        families=("sequence",),
        time_limits=(60.0,),
    ),
}
"""The suites, by the name that the command line takes."""


def find_suite(name: str) -> Suite:
    """Return a suite by name; InvalidOption names those that there are."""
    found = SUITES.get(named(name))
    if found is None:
        raise InvalidOption(f"suite must be {', '.join(SUITES)} or FILE.yaml; got {name!r}")
    return found
