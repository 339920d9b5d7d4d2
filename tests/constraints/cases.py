"""Small problems with random constraints, and all that they allow."""

from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

import subsetopt as so

FAMILIES = ("mean-matching", "vector-mean-matching", "quadratic", "quadratic range", "mmd")


def feasible(problem: Any) -> Iterator[list[int]]:
    """Yield all selections of a problem, by trying every subset."""
    sizes = range(problem.smallest_count, problem.k + 1)
    for chosen in chain.from_iterable(combinations(range(problem.n), size) for size in sizes):
        try:
            problem.check(list(chosen))
        except so.InvalidSelection:
            continue
        yield list(chosen)


@st.composite
def constraints(draw: Any, n: int) -> so.Constraints:
    """Draw constraints of all kinds, loose or tight, that may contradict each other."""
    items = st.integers(0, n - 1)
    parts: dict[str, Any] = {}
    kinds = draw(st.sets(st.sampled_from(["fixed", "quotas", "costs", "conflicts"]), min_size=1))
    if "fixed" in kinds:
        fixed = draw(st.lists(items, unique=True, max_size=4))
        cut = draw(st.integers(0, len(fixed)))
        parts |= {"include": fixed[:cut], "exclude": fixed[cut:]}
    if "quotas" in kinds:
        parts["quotas"] = draw(st.lists(quotas(n), min_size=1, max_size=2))
    if "costs" in kinds:
        costs = draw(st.lists(st.integers(0, 30), min_size=n, max_size=n))
        unit = draw(st.sampled_from([1, 0.1, 1 / 3]))
        parts |= {"costs": [cost * unit for cost in costs]}
        parts |= {"budget": draw(st.integers(0, sum(costs))) * unit}
    if "conflicts" in kinds:
        pairs = draw(st.lists(st.tuples(items, items), min_size=1, max_size=6))
        parts["conflicts"] = [pair for pair in pairs if pair[0] != pair[1]]
    return so.Constraints(**parts)


@st.composite
def quotas(draw: Any, n: int) -> so.Quota:
    labels = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    sizes = {group: labels.count(group) for group in sorted(set(labels))}
    low = {group: draw(st.integers(0, min(2, size))) for group, size in sizes.items()}
    high = {group: draw(st.integers(low[group], size)) for group, size in sizes.items()}
    return so.Quota(labels, at_least=low, at_most=high)


@st.composite
def problems(draw: Any, families: tuple[str, ...] = FAMILIES, most: int = 10) -> Any:
    """Draw a problem with constraints; None where counting says that there is no selection."""
    family = draw(st.sampled_from(families))
    n = draw(st.integers(3, most))
    k = draw(st.integers(1, n - 1))
    rules = draw(constraints(n))
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    try:
        return stated(family, n, k, rules, generator)
    except so.InvalidProblem:
        return None


def stated(
    family: str, n: int, k: int, rules: so.Constraints, generator: np.random.Generator
) -> Any:
    """Return a problem of a family with random data."""
    if family == "mean-matching":
        return so.MeanMatching(generator.normal(size=n).astype(np.float32), k, constraints=rules)
    if family == "vector-mean-matching":
        return so.MeanMatching(generator.normal(size=(n, 2)), k, constraints=rules)
    if family == "mmd":
        return so.MMDSelection(generator.normal(size=(n, 2)), k, constraints=rules)
    Q, c = generator.integers(-9, 10, (n, n)), generator.integers(-9, 10, n)
    size = (k // 2, k) if family == "quadratic range" else k
    return so.QuadraticSelection(Q, c, size, constraints=rules)
