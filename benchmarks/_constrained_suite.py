"""The suite of selections under constraints: each kind of constraints on each kind of problem."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Constraints, QuadraticSelection, Quota

from ._suite_options import SuiteOptions
from .cases import (
    Cloud,
    ConstrainedCase,
    MeanMatchingCase,
    MMDCase,
    QuadraticCase,
    SelectionCase,
    VectorCase,
    _clouds,
    _quadratic_cases,
    _value_batches,
)
from .cases._classifier import Samples, digits, mnist

GENERATED, DIGITS, PUBLIC = "generated", "digits", "public"
SOURCES = (GENERATED, DIGITS, PUBLIC)
PUBLIC_INSTANCES = ("SOM-b_2_n100_m20", "kcluster40_050_10_1")
_SHARE = 0.9  # of what k candidates cost on average: half of all selections are too dear, and more
_PAIRS = 2  # conflicts for each candidate

Generator = np.random.Generator


def constrained(choice: SuiteOptions) -> list[ConstrainedCase]:
    """Return each kind of constraints on each kind of problem, sized so that proofs are possible.

    Without a data folder those that are generated, and digits; with one public instances and MNIST
    too.

    Raises InvalidOption if anything but the source and the seed is chosen.
    """
    choice.require_only("constrained", "source", "seed")
    return [
        case
        for name in choice.sources(SOURCES, "all", on_file=(PUBLIC,))
        for case in _BUILDERS[name](choice)
    ]


# -- constraints ----------------------------------------------------------------------------------


def _classes(n: int, count: int, generator: Generator) -> NDArray[np.int64]:
    """Return uneven classes: each one is half as likely again as the next."""
    shares = 1.5 ** -np.arange(count)
    return generator.choice(count, n, p=shares / shares.sum())


def _two_groupings(n: int, generator: Generator) -> list[Quota]:
    """Return quotas by two groupings that cross each other: shares in one, at most in the other."""
    rows, columns = _classes(n, 3, generator), _classes(n, 4, generator)
    return [Quota(rows, at_least=2), Quota(columns, at_most=max(3, n // 10))]


def _budget(n: int, k: int, generator: Generator) -> Mapping[str, Any]:
    costs = generator.integers(100, 1000, n) / 100
    return {"costs": costs, "budget": round(_SHARE * k * float(costs.mean()), 2)}


def _pairs(n: int, generator: Generator) -> NDArray[np.int64]:
    """Return random pairs in conflict."""
    pairs = generator.integers(0, n, (_PAIRS * n, 2))
    return np.array([pair for pair in pairs.tolist() if pair[0] != pair[1]])


def _near(points: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return the nearest pairs of points, of which not both are to be chosen."""
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    i, j = np.triu_indices(len(points), 1)
    order = np.argsort(squares[i, j], kind="stable")[:count]
    return np.stack([i[order], j[order]], axis=1)


def _some(n: int, size: int, generator: Generator) -> list[list[int]]:
    """Return some candidates to include, and others to exclude."""
    chosen = generator.choice(n, 2 * size, replace=False)
    return [sorted(chosen[:size].tolist()), sorted(chosen[size:].tolist())]


# -- sources --------------------------------------------------------------------------------------


def _generated(choice: SuiteOptions) -> Iterator[ConstrainedCase]:
    yield from _generated_means(choice.seed)
    yield from _generated_clouds(choice.seed)
    yield from _generated_quadratics(choice.seed)


def _generated_means(seed: int) -> Iterator[ConstrainedCase]:
    exponential, _, heavy, _, integer = _value_batches.losses(128, 5, seed)
    generator = np.random.default_rng([seed, 1])
    case = MeanMatchingCase.of(exponential, 32)
    yield _with(case, quotas=Quota(_classes(128, 4, generator), exactly=8))
    yield _with(MeanMatchingCase.of(heavy, 32), **_budget(128, 32, generator))
    include, exclude = _some(128, 4, generator)
    case = MeanMatchingCase.of(integer, 32, cardinality="at_most")
    yield _with(case, include=include, exclude=exclude)
    (vectors,) = _value_batches.of_gaussians(60, 1, seed)
    yield _with(VectorCase.of(vectors, 12), quotas=_two_groupings(60, generator))


def _generated_clouds(seed: int) -> Iterator[ConstrainedCase]:
    generator = np.random.default_rng([seed, 2])
    (mixture,) = _clouds.of_mixture(150, 1, seed)
    yield _with(MMDCase(mixture, 15), conflicts=_near(mixture.points, 60))
    shifted = mixture.points[generator.permutation(150)[:40]] + 1.0
    aimed = Cloud(mixture.name, mixture.source, mixture.points, mixture.kernel, shifted)
    yield _with(MMDCase(aimed, 15), **_budget(150, 15, generator))


def _generated_quadratics(seed: int) -> Iterator[ConstrainedCase]:
    generator = np.random.default_rng([seed, 3])
    reals, integers, euclidean, graph = _quadratic_cases.instances(40, [12], 4, seed)
    yield _with(integers, quotas=Quota(_classes(40, 4, generator), exactly=3))
    yield _with(euclidean, **_budget(40, 12, generator))
    yield _with(graph, conflicts=_pairs(40, generator)[:30])
    include, _ = _some(40, 2, generator)
    yield _with(_between(reals, 4, 12), include=include, quotas=_two_groupings(40, generator))


def _between(case: QuadraticCase, low: int, high: int) -> QuadraticCase:
    """Return a case of few distances with a gain for each choice, best in the middle of a range."""
    matrix = case.selection.Q
    gain = float(matrix.mean()) * (low + high)
    selection = QuadraticSelection(matrix, c=np.full(len(matrix), -gain), k=(low, high))
    name = f"{case.name.rpartition('-k')[0]}-k{low}to{high}"
    return QuadraticCase(name, "generated: distances uniform in 0..10, less a gain each", selection)


def _digits(choice: SuiteOptions) -> Iterator[ConstrainedCase]:
    yield from _labelled(digits(), 200, choice.seed)


def _labelled(samples: Samples, n: int, seed: int) -> Iterator[ConstrainedCase]:
    """Yield images to be chosen like all, the classes in proportion, and some of them included."""
    (cloud,) = _clouds.of_images(samples, n, 1, seed)
    rows = np.random.default_rng([seed, 0]).choice(len(samples.labels), size=n, replace=False)
    quota = Quota.proportional(samples.labels[rows], n // 10)
    include = [int(np.flatnonzero(quota.codes == group)[0]) for group in (0, 1, 2)]
    yield _with(MMDCase(cloud, n // 10), include=include, quotas=quota)


def _public(choice: SuiteOptions) -> Iterator[ConstrainedCase]:
    folder = choice.require_folder("public instances")
    generator = np.random.default_rng([choice.seed, 4])
    first, second = (
        case for name in PUBLIC_INSTANCES for case in _quadratic_cases.read(folder, name, None)
    )
    quota = Quota(_classes(first.n, 4, generator), exactly=first.k // 4)
    yield _with(first, quotas=quota)
    yield _with(second, **_budget(second.n, second.k, generator))
    yield from _labelled(mnist(folder), 200, choice.seed)


def _with(case: SelectionCase, **rules: Any) -> ConstrainedCase:
    return ConstrainedCase(case, Constraints(**rules))


_BUILDERS = {GENERATED: _generated, DIGITS: _digits, PUBLIC: _public}
