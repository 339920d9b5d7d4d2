"""Mean matching: what is refused, what is kept, and that the objective is exact."""

import copy
import math
import pickle
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems.mean_matching import Cardinality

BOTH: list[Cardinality] = ["exactly", "at_most"]
LIST: list[float] = [1.0, 2.0, 4.0]
PAIRS: list[list[float]] = [[1.0, 2.0], [3.0, 4.0]]
bounded = settings(deadline=None, derandomize=True, max_examples=80)

# -- what is refused: the message names the value, the limit and the fix ------------------------

WRONG_VALUES: list[tuple[Any, list[str]]] = [
    ([1.0, math.nan, 2.0], ["values[1] is nan", "1 of 3", "drop or replace"]),
    ([[1.0, 2.0], [math.inf, math.nan]], ["values[1, 0] is inf", "2 of 4", "drop or replace"]),
    ([1.0, -math.inf], ["values[1] is -inf", "drop or replace"]),
    ([], ["at least one", "(0,)"]),
    (np.zeros((3, 0)), ["at least one", "(3, 0)"]),
    (np.zeros((0, 3)), ["at least one", "(0, 3)"]),
    ([1j, 2j], ["complex128", "64 bits", "astype(float)"]),
    (np.array([1, None], dtype=object), ["object", "real numbers", "astype(float)"]),
    (["1", "2"], ["<U1", "real numbers", "astype(float)"]),
    (np.array([1.0, 2.0], dtype=np.longdouble), ["float", "at most 64 bits", "astype(float)"]),
    (3.0, ["shape ()", "(n,) or (n, d)"]),
    (np.zeros((2, 2, 2)), ["shape (2, 2, 2)", "(n,) or (n, d)"]),
    ([[1, 2], [3]], ["values cannot be read", "inhomogeneous"]),
    (None, ["object", "real numbers"]),
    ([2**53, 1], ["9007199254740992", "below 2**53", "divide by a common factor"]),
    ([-(2**53), 1], ["9007199254740992", "below 2**53", "divide by a common factor"]),
    (np.array([2**63], dtype=np.uint64), ["9223372036854775808", "2**53", "divide"]),
    ([10**30, 1], ["object", "64 bits"]),
    ([1e308, 1e308, 1e308], ["1e+308", "sums of 3 overflow", "divide values by a power of two"]),
]


@pytest.mark.parametrize(("values", "parts"), WRONG_VALUES)
def test_wrong_values(values: Any, parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MeanMatching(values, k=1)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("k", "parts"),
    [
        (0, ["got 0", "in [1, 3]"]),
        (-2, ["got -2", "in [1, 3]"]),
        (4, ["got 4", "in [1, 3]"]),
        (10**30, ["got 1000", "in [1, 3]"]),
        (True, ["True", "bool", "in [1, 3]"]),
        (np.True_, ["True", "bool", "in [1, 3]"]),
        (1.0, ["1.0", "float", "in [1, 3]", "max(1, int(r * n))"]),
        (np.float64(0.1), ["0.1", "float64", "max(1, int(r * n))"]),
        ("1", ["'1'", "str", "in [1, 3]"]),
        (None, ["None", "in [1, 3]"]),
        ([1], ["[1]", "list"]),
    ],
)
def test_wrong_k(k: Any, parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MeanMatching(LIST, k=k)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("values", "target", "parts"),
    [
        (LIST, [1.0, 2.0], ["target has shape (2,)", "(3,)", "a number"]),
        (LIST, [1.0], ["target has shape (1,)", "a number"]),
        (PAIRS, 1.0, ["target has shape ()", "(2, 2)", "an array of shape (2,)"]),
        (PAIRS, [1.0, 2.0, 3.0], ["target has shape (3,)", "an array of shape (2,)"]),
        (PAIRS, PAIRS, ["got shape (2, 2)", "a number or (n,)"]),
        (LIST, math.nan, ["target is nan", "drop or replace"]),
        (PAIRS, [1.0, math.inf], ["target[1] is inf", "1 of 2"]),
        (LIST, "median", ["'median'", "None for the mean", "'noisy'"]),
        (LIST, "noisy", ["generator is None", "default_rng(seed)"]),
        (LIST, 1j, ["target", "complex128"]),
        (LIST, 2**53, ["target", "2**53"]),
        (LIST, 1.7e308, ["target", "1.7e+308", "overflow"]),
    ],
)
def test_wrong_target(values: Any, target: Any, parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MeanMatching(values, k=1, target=target)
    for part in parts:
        assert part in str(caught.value)


def test_a_seed_is_no_generator() -> None:
    with pytest.raises(so.InvalidProblem, match=r"generator is 3; pass .*default_rng\(seed\)"):
        so.MeanMatching(LIST, k=1, target="noisy", generator=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("cardinality", ["least", "EXACTLY", None, 2, ["exactly"]])
def test_wrong_cardinality(cardinality: Any) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MeanMatching(LIST, k=1, cardinality=cardinality)
    for part in (repr(cardinality), "'exactly'", "'at_most'"):
        assert part in str(caught.value)


def test_masked_entries_are_not_silently_used() -> None:
    with pytest.raises(so.InvalidProblem, match=r"masked.*compressed\(\)"):
        so.MeanMatching(np.ma.masked_array([1.0, 2.0], [False, True]), k=1)


@pytest.mark.parametrize(
    ("indices", "part"),
    [
        ([0], "must be 2 distinct candidates; got 1"),
        ([0, 1, 2], "must be 2 distinct candidates; got 3"),
        ([], "must be 2 distinct candidates; got 0"),
        ([1, 1], "indices must be distinct; got 1 more than once"),
        ([0, 3], "indices must be in [0, 2]; got 3"),
        ([-1, 0], "indices must be >= 0; got -1"),
        ([0.0, 1.0], "dtype float64"),
        ([True, False, True], "dtype bool"),
        ([[0, 1]], "shape (1, 2)"),
        (["a", "b"], "dtype <U1"),
        (1, "shape ()"),
        ([[0], [1, 2]], "cannot be read"),
        ([10**30, 1], "dtype object"),
    ],
)
def test_wrong_selection(indices: Any, part: str) -> None:
    problem = so.MeanMatching(LIST, k=2)
    for method in (problem.check, problem.objective, problem.exact_objective):
        with pytest.raises(so.InvalidSelection) as caught:
            method(indices)
        assert part in str(caught.value)


def test_at_most_takes_fewer_but_not_more() -> None:
    problem = so.MeanMatching(LIST, k=2, cardinality="at_most")
    assert problem.check([]).dtype == np.int64
    np.testing.assert_array_equal(problem.check([2]), [2])
    with pytest.raises(so.InvalidSelection, match="must be 0 to 2 distinct"):
        problem.check([0, 1, 2])


# -- what is kept --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        (">f4", "float32"),
        ("float64", "float64"),
        ("int8", "int64"),
        ("uint8", "int64"),
        ("int32", "int64"),
        ("uint64", "int64"),
        ("int64", "int64"),
        ("bool", "int64"),
    ],
)
def test_dtype(given_dtype: str, kept: str) -> None:
    problem = so.MeanMatching(np.array([0, 1, 1], dtype=given_dtype), k=2)
    assert problem.values.dtype == np.dtype(kept)
    assert problem.values.dtype.isnative
    assert problem.objective([0, 1]) == pytest.approx(1 / 6)


def test_immutable() -> None:
    mine = np.array([1.0, 2.0, 3.0])
    target = np.array([1.0, 2.0])
    problem = so.MeanMatching(mine, k=2)
    vectors = so.MeanMatching(PAIRS, k=1, target=target)
    mine[0], target[0] = 99.0, 99.0
    assert problem.values[0] == 1.0
    assert vectors.target[0] == 1.0
    for array in (problem.values, vectors.values, vectors.target):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    with pytest.raises(FrozenInstanceError):
        problem.k = 1  # type: ignore[misc]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_equal_and_immutable_too(again: Any) -> None:
    for problem in (so.MeanMatching(LIST, 2), so.MeanMatching(PAIRS, 1, target=[0.0, 1.0])):
        problem.objective(range(problem.k))  # fills the caches
        twin = again(problem)
        assert twin == problem
        assert not twin.values.flags.writeable


def test_equality_and_hash() -> None:
    problem = so.MeanMatching(LIST, k=2)
    two: Any = np.int64(2)
    same = so.MeanMatching(np.array(LIST), k=two)
    assert problem == same
    assert hash(problem) == hash(same)
    others = [
        so.MeanMatching(LIST, k=1),
        so.MeanMatching([1.0, 2.0, 5.0], k=2),
        so.MeanMatching(LIST, k=2, target=1.0),
        so.MeanMatching(LIST, k=2, cardinality="at_most"),
        so.MeanMatching(np.array(LIST, dtype=np.float32), k=2),
        so.MeanMatching([[1.0], [2.0], [4.0]], k=2),
    ]
    assert len({problem, *others}) == 1 + len(others)
    assert so.MeanMatching(PAIRS, 1, target=[0.0, 1.0]) == so.MeanMatching(PAIRS, 1, target=[0, 1])
    assert so.MeanMatching(PAIRS, 1, target=[0.0, 1.0]) != so.MeanMatching(PAIRS, 1, target=[1, 1])
    assert problem != "MeanMatching"


def test_repr_is_short_and_tells() -> None:
    text = repr(so.MeanMatching(np.zeros((1000, 30)), k=7, target=np.arange(30.0)))
    for part in ("n=1000", "d=30", "k=7", "'exactly'", "float64"):
        assert part in text
    assert len(text) < 130
    assert "target=mean" in repr(so.MeanMatching(LIST, k=1))
    assert "target=0.5" in repr(so.MeanMatching(LIST, k=1, target=0.5))


# -- the noisy target ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_noisy_target(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).exponential(size=shape) * 3
    k, draws = 4, 3000
    generator = np.random.default_rng(2)
    targets = np.array(
        [so.MeanMatching(values, k, "noisy", generator=generator).target for _ in range(draws)]
    )
    scale = values.std(axis=0) / np.sqrt(k)  # the population's, as the listing has it
    standard = (targets - values.mean(axis=0)) / scale
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=4 / math.sqrt(draws))
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=4 / math.sqrt(2 * draws))
    if len(shape) == 2:  # a draw of its own for each coordinate
        assert np.abs(np.corrcoef(standard.T) - np.eye(3)).max() < 0.08


@pytest.mark.parametrize("values", [LIST, PAIRS])
def test_noisy_target_is_the_generators_next_draw(values: list[Any]) -> None:
    first, second = (
        so.MeanMatching(values, 2, "noisy", generator=np.random.default_rng(5)) for _ in range(2)
    )
    assert first == second
    other = so.MeanMatching(values, 2, "noisy", generator=np.random.default_rng(6))
    assert first != other
    array = np.array(values)
    drawn = np.random.default_rng(5).normal(array.mean(axis=0), array.std(axis=0) / np.sqrt(2))
    np.testing.assert_array_equal(first.target, drawn)


# -- the objective -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12,), (12, 1), (12, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("cardinality", BOTH)
@pytest.mark.parametrize("own_target", [False, True])
def test_objective_against_plain_numpy(
    shape: tuple[int, ...], dtype: str, cardinality: Cardinality, own_target: bool
) -> None:
    rng = np.random.default_rng(3)
    values = (10 * rng.normal(size=shape)).astype(dtype)
    target = rng.normal(size=shape[1:]) if own_target else None
    problem = so.MeanMatching(values, 4, target, cardinality)
    wanted = values.astype(float).mean(axis=0) if target is None else target
    for size in range(problem.smallest_count, 5):
        chosen = rng.choice(12, size, replace=False)
        difference = wanted - values[chosen].astype(float).sum(axis=0) / 4  # by k, not by size
        plain = abs(difference) if len(shape) == 1 else difference @ difference
        assert problem.objective(chosen) == pytest.approx(float(plain), rel=1e-9, abs=1e-12)
        assert float(problem.exact_objective(chosen)) == pytest.approx(float(plain), rel=1e-9)


def finite(dtype: Any) -> st.SearchStrategy[NDArray[Any]]:
    width = 32 if dtype is np.float32 else 64
    largest = float(np.finfo(np.float32).max) if width == 32 else 1e306
    anything = st.floats(-largest, largest, width=width)  # type: ignore[arg-type]
    tiny = st.integers(-9, 9).map(lambda i: i * float(np.finfo(dtype).smallest_subnormal))
    usual = st.floats(0, 16, width=width)  # type: ignore[arg-type]
    elements = st.one_of(anything, tiny, usual)
    return hnp.arrays(dtype, st.integers(1, 9), elements=elements)


WHOLE = hnp.arrays(np.int64, st.integers(1, 9), elements=st.integers(1 - 2**53, 2**53 - 1))
SCALARS = st.one_of(finite(np.float32), finite(np.float64), WHOLE)
TARGETS = st.one_of(
    st.none(), st.floats(-1e300, 1e300), st.floats(-4, 4), st.integers(-(10**6), 10**6)
)


@st.composite
def problems(draw: st.DrawFn) -> so.MeanMatching:
    values = draw(SCALARS)
    k = draw(st.integers(1, len(values)))
    return so.MeanMatching(values, k, draw(TARGETS), draw(st.sampled_from(BOTH)))


def brute(problem: so.MeanMatching, chosen: tuple[int, ...]) -> Fraction:
    values = [Fraction(value) for value in problem.values.tolist()]
    mean = sum(values, Fraction(0)) / len(values)
    target = mean if problem.target is None else Fraction(problem.target)
    chosen_sum = sum((values[i] for i in chosen), Fraction(0))
    return Fraction(abs(target - chosen_sum / problem.k))


def selections(problem: so.MeanMatching) -> Iterator[tuple[int, ...]]:
    sizes = range(problem.smallest_count, problem.k + 1)
    return chain.from_iterable(combinations(range(problem.n), size) for size in sizes)


@settings(bounded, max_examples=200)
@given(problem=problems(), data=st.data())
def test_scalar_objective_is_exact_and_rounded_once(
    problem: so.MeanMatching, data: st.DataObject
) -> None:
    size = data.draw(st.integers(problem.smallest_count, problem.k))
    order = data.draw(st.permutations(range(problem.n)))
    chosen = tuple(order[:size])
    exact = brute(problem, chosen)
    assert problem.exact_objective(chosen) == exact
    assert problem.objective(chosen) == float(exact)  # Fraction to float rounds correctly


@settings(bounded, max_examples=60)
@given(
    values=hnp.arrays(np.float64, (5, 2), elements=st.floats(-1e6, 1e6)),
    target=st.one_of(st.none(), st.tuples(st.floats(-9, 9), st.floats(-9, 9))),
    k=st.integers(1, 5),
)
def test_vector_exact_objective(values: NDArray[Any], target: Any, k: int) -> None:
    problem = so.MeanMatching(values, k, target)
    chosen = list(range(k))
    exact = Fraction(0)
    for j, column in enumerate(values.T.tolist()):
        parts = [Fraction(value) for value in column]
        wanted = sum(parts, Fraction(0)) / 5 if target is None else Fraction(target[j])
        exact += (wanted - sum(parts[:k], Fraction(0)) / k) ** 2
    assert problem.exact_objective(chosen) == exact
    scale = float(np.abs(values).max()) ** 2 + 81
    assert abs(problem.objective(chosen) - exact) <= 1e-13 * scale
    assert problem.lower_bound() <= exact


def test_mean_target_is_exact_where_its_float_is_not() -> None:
    problem = so.MeanMatching([0.0, 0.0, 1.0], k=3)
    assert problem.target_value == 1 / 3
    assert problem.exact_objective([0, 1, 2]) == 0
    rounded = so.MeanMatching([0.0, 0.0, 1.0], k=3, target=1 / 3)
    assert rounded.exact_objective([0, 1, 2]) == Fraction(1, 3) - Fraction(1 / 3)


# -- the lower bound -----------------------------------------------------------------------------


@bounded
@given(problem=problems())
def test_lower_bound_is_valid(problem: so.MeanMatching) -> None:
    optimum = min(problem.exact_objective(chosen) for chosen in selections(problem))
    bound = problem.lower_bound()
    assert 0 <= bound <= optimum
    p, q = problem.scaled_target
    sums = [problem.grid.sum(np.array(c, dtype=np.int64)) for c in selections(problem)]
    if not min(sums) * q <= p <= max(sums) * q:  # out of reach
        assert bound == optimum


@pytest.mark.parametrize("cardinality", BOTH)
@pytest.mark.parametrize("target", [-100.0, 100.0])
def test_lower_bound_out_of_reach(cardinality: Cardinality, target: float) -> None:
    problem = so.MeanMatching([-3.0, 1.0, 2.5, 7.0, -0.5], 3, target, cardinality)
    optimum = min(problem.exact_objective(chosen) for chosen in selections(problem))
    assert problem.lower_bound() == optimum
    low, high = problem.extremes
    assert problem.exact_objective(low if target < 0 else high) == optimum


def test_lower_bound_by_granularity() -> None:
    problem = so.MeanMatching([0, 2, 4, 6], k=2, target=0.5)  # a mean of two is a whole number
    assert problem.lower_bound() == Fraction(1, 2)


def test_only_scalars_have_a_grid() -> None:
    vectors = so.MeanMatching(PAIRS, k=1)
    assert vectors.family == "vector-mean-matching"
    with pytest.raises(so.UnsupportedProblem, match="scalar"):
        _ = vectors.grid


# -- the models ----------------------------------------------------------------------------------


def at(model: Any, problem: so.MeanMatching, chosen: tuple[int, ...]) -> NDArray[np.float64]:
    x = np.zeros(model.variables)
    x[list(chosen)] = 1.0
    return x


@pytest.mark.parametrize("cardinality", BOTH)
@pytest.mark.parametrize("target", [None, 0.7, 30.0])
def test_linear_model(cardinality: Cardinality, target: float | None) -> None:
    values = np.random.default_rng(8).normal(size=6)
    problem = so.MeanMatching(values, 3, target, cardinality)
    model = problem.linear_model()
    assert model.selectors == 6
    assert model.integer.tolist() == [True] * 6 + [False]
    for chosen in chain.from_iterable(combinations(range(6), size) for size in range(7)):
        x = at(model, problem, chosen)
        rows = model.rows.dot(x)
        counted = model.row_lower[2] <= rows[2] <= model.row_upper[2]
        assert counted == (problem.smallest_count <= len(chosen) <= 3)
        if not counted:
            continue
        # u has the coefficient 1 in row 0 and -1 in row 1, so the least u is what they lack
        least = max(0.0, model.row_lower[0] - rows[0], rows[1] - model.row_upper[1])
        x[6] = least
        assert model.objective @ x == pytest.approx(problem.objective(chosen), abs=1e-12)
        assert (model.rows.dot(x) >= model.row_lower - 1e-12).all()
        assert (model.rows.dot(x) <= model.row_upper + 1e-12).all()


@pytest.mark.parametrize("cardinality", BOTH)
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 3)])
@pytest.mark.parametrize("own_target", [False, True])
def test_quadratic_model(
    cardinality: Cardinality, shape: tuple[int, ...], own_target: bool
) -> None:
    rng = np.random.default_rng(9)
    target = rng.normal(size=shape[1:]) if own_target else None
    problem = so.MeanMatching(rng.normal(size=shape), 3, target, cardinality)
    model = problem.quadratic_model()
    d = 1 if len(shape) == 1 else shape[1]
    assert model.linear.variables == 6 + d
    for chosen in selections(problem):
        x = at(model.linear, problem, chosen)
        x[6:] = model.linear.row_lower[:d] - model.linear.rows.dot(x)[:d]
        rows = model.linear.rows.dot(x)
        assert (rows >= model.linear.row_lower - 1e-12).all()
        assert (rows <= model.linear.row_upper + 1e-12).all()
        objective = problem.objective(chosen)
        squared = objective**2 if len(shape) == 1 else objective
        assert model.value(x) == pytest.approx(squared, abs=1e-12)


@bounded
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.integers(1, 12), st.booleans())
def test_extremes_are_those_of_a_stable_sort(given_: list[int], k: int, fewer: bool) -> None:
    values = np.array(given_)
    k = min(k, len(values))
    problem = so.MeanMatching(values, k, 0.0, "at_most" if fewer else "exactly")
    order = values.argsort(kind="stable")
    low, high = order[:k], order[len(values) - k :]
    if fewer:
        low, high = low[values[low] < 0], high[values[high] > 0]
    assert [one.tolist() for one in problem.extremes] == [sorted(low), sorted(high)]


def test_no_linear_model_of_vectors() -> None:
    with pytest.raises(so.UnsupportedProblem, match=r"\(2, 2\).*quadratic_model\(\)"):
        so.MeanMatching(PAIRS, k=1).linear_model()
