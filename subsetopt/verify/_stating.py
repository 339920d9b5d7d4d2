"""Objects as statements: read by their attributes alone, and brought to integers without rounding.

Of mean matching `values`, `k`, `target` and `cardinality`; of a quadratic selection `Q`, `c`, `k`,
`constant` and `sense`; of all others `quadratic_form()`; and the parts of `constraints`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import floor, lcm
from typing import Any

from ._failure import failed
from ._statements import MeanStatement, QuadraticStatement, StatedRow

Number = int | float | Fraction
_HALF = 2.0**1022  # twice as much is a float


def _unchecked() -> None:
    pass


def statement_of(
    problem: Any, only: list[int] | None = None, check: Callable[[], None] = _unchecked
) -> MeanStatement | QuadraticStatement:
    """Return what an object states, with what its constraints include and exclude.

    With `only`, ascending candidates, a quadratic is stated for these, all of which are chosen.
    `check` is called now and then, and may raise.
    """
    rules = getattr(problem, "constraints", None)
    include, exclude = (
        tuple(sorted(int(i) for i in getattr(rules, name, ()))) for name in ("include", "exclude")
    )
    if problem.family == "mean-matching":
        return _of_values(problem, include, exclude)
    if problem.family == "quadratic":
        sign, constant = (-1 if problem.sense == "maximise" else 1), Fraction(problem.constant)
        size = int(problem.smallest_count), int(problem.k)
        terms = constant * sign, Fraction(1), Fraction(0)
        return _of_matrix(
            problem.Q,
            problem.c,
            sign,
            size,
            include,
            exclude,
            terms,
            _rows(rules, size),
            only,
            check,
        )
    form = problem.quadratic_form()
    terms = Fraction(form.constant), Fraction(form.scale), Fraction(form.error)
    size = int(form.k), int(form.k)
    if form.positions is None:
        parts = form.matrix, form.linear, 1, size, include, exclude, terms, _rows(rules, size)
        return _of_matrix(*parts, only, check)
    places = [int(place) for place in form.positions]
    if min(places) < 0:
        failed(f"there is no statement of {problem.family} with a range of sizes")
    if only is not None:
        at = {place: row for row, place in enumerate(places)}
        parts = form.matrix, form.linear, 1, size, include, exclude, terms, ()
        return _of_matrix(*parts, [at[place] for place in only], check)
    exclude = tuple(sorted({*exclude} | ({*range(int(problem.n))} - {*places})))
    parts = form.matrix, form.linear, 1, size, (), (), terms, ()
    few = _of_matrix(*parts, None, check)
    return _placed(few, places, int(problem.n), include, exclude, _rows(rules, size))


def _placed(
    few: QuadraticStatement,
    places: list[int],
    n: int,
    include: tuple[int, ...],
    exclude: tuple[int, ...],
    rows: tuple[StatedRow, ...],
) -> QuadraticStatement:
    """Return a statement over n candidates, of which all but some places are excluded."""
    linear, pairs = [0] * n, [[0] * n for _ in range(n)]
    for place, cost, costs in zip(places, few.linear, few.pairs, strict=True):
        linear[place] = cost
        for other, pair in zip(places, costs, strict=True):
            pairs[place][other] = pair
    return replace(
        few, n=n, linear=linear, pairs=pairs, include=include, exclude=exclude, rows=rows
    )


def _of_values(problem: Any, include: tuple[int, ...], exclude: tuple[int, ...]) -> MeanStatement:
    k, values = int(problem.k), problem.values.tolist()
    exact = [Fraction(value) for value in values]
    target = sum(exact) / len(exact) if problem.target is None else Fraction(problem.target)
    smallest = k if problem.cardinality == "exactly" else 0
    exponent, (integers,) = _on_one_grid([values])
    fields = (len(values), smallest, k, exponent, include, exclude)
    return MeanStatement(*fields, integers, Fraction(target))


def _of_matrix(
    matrix: Any,
    linear: Any,
    sign: int,
    size: tuple[int, int],
    include: tuple[int, ...],
    exclude: tuple[int, ...],
    terms: tuple[Fraction, Fraction, Fraction],
    rows: tuple[StatedRow, ...],
    only: list[int] | None,
    check: Callable[[], None],
) -> QuadraticStatement:
    if only is not None:
        matrix, linear, include, exclude = matrix[only][:, only], linear[only], (), ()
        size, rows = (len(only), len(only)), ()
    size = max(size[0], len(include)), size[1]
    dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    exponent, costs, pairs = _integers(dense.tolist(), linear.tolist(), sign, check)
    constant, scale, error = terms
    fields = (len(costs), *size, exponent, include, exclude)
    more = size[1] - size[0]
    pairs = [[*row, *[0] * more] for row in pairs] if more else pairs
    pairs += [[0] * (len(costs) + more) for _ in range(more)]
    costs += [0] * more
    return QuadraticStatement(*fields, costs, pairs, scale, constant, error, rows)


def _rows(rules: Any, sizes: tuple[int, int]) -> tuple[StatedRow, ...]:
    """Return the rows of constraints: of quotas, then of the budget, then of conflicts."""
    if rules is None:
        return ()
    return (*_quota_rows(rules, sizes), *_budget_rows(rules), *_apart(rules))


def _quota_rows(rules: Any, sizes: tuple[int, int]) -> Iterator[StatedRow]:
    """Yield a row for each group that has limits, which those of the others make closer.

    Every candidate is in one group of a quota: what the others must have, or can't, is as good as
    a limit of its own.
    """
    fixed = {*rules.include.tolist()}, {*rules.exclude.tolist()}
    for quota in rules.quotas:
        members: list[list[int]] = [[] for _ in quota.groups]
        for i, code in enumerate(quota.codes.tolist()):
            members[code].append(i)
        lower, upper = quota.lower.tolist(), quota.upper.tolist()
        least = [max(low, len(fixed[0] & {*g})) for low, g in zip(lower, members, strict=True)]
        most = [
            min(high, len(g) - len(fixed[1] & {*g})) for high, g in zip(upper, members, strict=True)
        ]
        for g, group in enumerate(members):
            if lower[g] > 0 or upper[g] < len(group):
                low = max(least[g], sizes[0] - (sum(most) - most[g]))
                high = min(most[g], sizes[1] - (sum(least) - least[g]))
                yield StatedRow(int(low), int(high), dict.fromkeys(group, 1))


def _budget_rows(rules: Any) -> Iterator[StatedRow]:
    if rules.costs is not None:
        costs = [decimal(cost) for cost in rules.costs.tolist()]
        unit = lcm(*(cost.denominator for cost in costs))
        weights = {i: int(cost * unit) for i, cost in enumerate(costs) if cost > 0}
        yield StatedRow(0, floor(decimal(rules.budget) * unit), weights)


def _apart(rules: Any) -> Iterator[StatedRow]:
    for i, j in rules.conflicts.tolist():
        yield StatedRow(0, 1, {i: 1, j: 1})


def decimal(number: Any) -> Fraction:
    """Return the decimal that a number prints as."""
    return Fraction(Decimal(repr(number) if isinstance(number, float) else str(number)))


def _integers(
    rows: list[list[float]], linear: list[float], sign: int, check: Callable[[], None]
) -> tuple[int, list[int], list[list[int]]]:
    """Return the exponent, the costs of candidates and those of pairs, times a sign."""
    n = len(rows)
    own: list[Number] = [Fraction(rows[i][i]) + Fraction(linear[i]) for i in range(n)]
    apart: list[list[Number]] = []
    for i in range(n):
        check()
        apart.append([_sum(rows[i][j], rows[j][i]) for j in range(i + 1, n)])
    exponent, (costs, *upper) = _on_one_grid([own, *apart], check)
    pairs = [[0] * n for _ in range(n)]
    for i, part in enumerate(upper):
        check()
        for j, value in enumerate(part, i + 1):
            pairs[i][j] = pairs[j][i] = sign * value
    return exponent, [sign * cost for cost in costs], pairs


def _sum(one: float, other: float) -> Number:
    """Return the exact sum of two entries, which mostly are one number twice."""
    return 2 * one if one == other and abs(one) < _HALF else Fraction(one) + Fraction(other)


def _on_one_grid(
    lists: Sequence[Sequence[Number]], check: Callable[[], None] = _unchecked
) -> tuple[int, list[list[int]]]:
    """Return the largest exponent that makes all dyadic numbers integers, and these."""
    ratios = []
    for part in lists:
        check()
        ratios.append([number.as_integer_ratio() for number in part])
    exponent: int | None = None
    for above, below in (ratio for part in ratios for ratio in part):
        if above:
            own = (above & -above).bit_length() - below.bit_length()  # one of them is 1
            exponent = own if exponent is None else min(exponent, own)
    exponent = exponent or 0
    return exponent, [[_whole(*ratio, exponent) for ratio in part] for part in ratios]


def _whole(above: int, below: int, exponent: int) -> int:
    """Return ``above / below * 2**-exponent``, of a power of two `below`."""
    shift = 1 - below.bit_length() - exponent
    return above << shift if shift >= 0 else above >> -shift
