"""Mean matching: choose k of n values whose mean is closest to a target."""

import warnings
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidProblem, UnscaledColumns, UnsupportedProblem
from subsetopt.models import LinearModel, QuadraticForm, QuadraticModel, SideConstraints

from . import _draws, _validation
from ._centring import Centring
from ._compiled_constraints import checked, compiled, constrained
from ._dyadic import Dyadic
from ._mean_matching_models import absolute_error_model, gram_form, residual_model
from ._mean_targets import (
    checked_target,
    exact_columns,
    extremes_of,
    fraction,
    least_distance,
    noisy_target,
    quotient,
    reduced_target,
)
from ._parallel import Check, no_callback
from ._reduction import Left
from .constraints import Constraints
from .scaling import warn_unscaled

__all__ = ["MeanMatching"]

Cardinality = Literal["exactly", "at_most"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class MeanMatching:
    r"""Choose k of n values so that their mean is as close as possible to a target.

    .. math::
        \min_{m \in \{0,1\}^n} \Bigl| t - \tfrac1k \sum_i m_i v_i \Bigr|
        \quad \text{s.t.} \quad \sum_i m_i = k

    For vectors, values of shape (n, d), the objective is the squared Euclidean distance
    :math:`\lVert t - \frac1k \sum_i m_i v_i \rVert_2^2`.

    Parameters
    ----------
    values : array_like (n,) or (n, d)
        Real numbers; copied, and kept as float32, float64 or int64.
    k : int
        How many to choose, 1 <= k <= n.
    target : float, Fraction, array_like (d,), "noisy" or None
        What the mean is compared with. None is the mean of `values`, held as an exact rational.
        "noisy" draws from Normal(mean, std / sqrt(k)), per coordinate, as the listing of the paper
        does; it needs `generator`.
    cardinality : {"exactly", "at_most"}
        "at_most" allows fewer than k, the divisor staying k, as Eq. 6 is printed; the listing of
        the paper, and the default here, is "exactly".
    generator : numpy.random.Generator, optional
        The source of the noise for ``target="noisy"``.
    constraints : Constraints, optional
        What a selection keeps besides its size.

    Raises
    ------
    InvalidProblem
        For data that state no problem: wrong dtype or shape, empty, NaN or infinity, k outside
        1..n, a target that does not fit, or constraints that do not fit or that, by counting, no
        selection keeps.

    Warns
    -----
    UnscaledColumns
        Where some columns of vectors vary so much more than others that these do not count.

    References
    ----------
    One Backward from Ten Forward, Eq. 6 and the listing in its appendix.

    Examples
    --------
    >>> problem = MeanMatching([1.0, 2.0, 3.0, 10.0], k=2)
    >>> problem.objective([1, 3])
    2.0
    """

    values: NDArray[Any]
    k: int
    target: Any = None
    cardinality: Cardinality = "exactly"
    constraints: Constraints | None = None
    side: SideConstraints | None = field(default=None, init=False)

    def __init__(
        self,
        values: ArrayLike,
        k: int,
        target: ArrayLike | Literal["noisy"] | None = None,
        cardinality: Cardinality = "exactly",
        generator: "np.random.Generator | None" = None,
        constraints: Constraints | None = None,
    ) -> None:
        array = _validation.numeric_array("values", values, dimensions=(1, 2))
        size = _validation.subset_size(k, len(array))
        known = get_args(Cardinality)
        require_one_of("cardinality", cardinality, known, error=InvalidProblem)
        if array.ndim == 2:
            _validation.require_squares("values", array)
            warn_unscaled(array, "Scale them first: subsetopt.scale_columns(values).", stacklevel=2)
        if isinstance(target, str):
            target = noisy_target(target, array, size, generator)
        object.__setattr__(self, "values", array)
        object.__setattr__(self, "k", size)
        object.__setattr__(self, "target", checked_target(target, array))
        object.__setattr__(self, "cardinality", cardinality)
        if array.ndim == 2:
            _validation.require_resolution("values", array, self.target)
            self.centring  # noqa: B018 - O(n d), so a part of stating the problem
        if constraints is not None:
            self._keep(checked(constraints))

    def _keep(self, constraints: Constraints | None) -> None:
        side = compiled(constraints, self.n, self.smallest_count, self.k)
        object.__setattr__(self, "constraints", constraints)
        object.__setattr__(self, "side", side)

    def constrained(self, constraints: Constraints | None) -> "MeanMatching":
        """Return the same problem with these constraints, checked as for the class; data shared."""
        made: MeanMatching = constrained(self, constraints)
        return made

    def seen_with(self, side: SideConstraints | None) -> "MeanMatching":
        """Return a problem that has just been made, with constraints as solvers see them."""
        object.__setattr__(self, "side", side)
        return self

    # -- identity ---------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> tuple[object, ...]:
        target = self.target.tobytes() if isinstance(self.target, np.ndarray) else self.target
        values = self.values
        shape = (values.dtype.str, values.shape)
        return (values.tobytes(), shape, self.k, target, self.cardinality, self.constraints)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MeanMatching):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: copies are checked and read-only too, and take no caches along.
        if self.side is not None and self.constraints is None:  # what is left of another problem
            return _restored, (self.values, self.k, self.target, self.cardinality, self.side)
        stated = (self.values, self.k, self.target, self.cardinality, None, self.constraints)
        return (_again, stated)

    def __repr__(self) -> str:
        shape = f"n={self.n}" + (f", d={self.values.shape[1]}" if self.values.ndim == 2 else "")
        target = (
            "mean"
            if self.target is None
            else np.array2string(
                np.asarray(self.target_value), precision=6, threshold=4, edgeitems=1
            )
        )
        kept = "" if self.constraints is None else f", constraints={self.constraints!r}"
        return (
            f"MeanMatching({shape}, k={self.k}, target={target}, "
            f"cardinality={self.cardinality!r}, dtype={self.values.dtype}{kept})"
        )

    # -- the problem ------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        """``"mean-matching"`` for scalars, ``"vector-mean-matching"`` for vectors."""
        return "mean-matching" if self.values.ndim == 1 else "vector-mean-matching"

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.values)

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have: k, or 0 for "at_most"."""
        return self.k if self.cardinality == "exactly" else 0

    @cached_property
    def target_value(self) -> Any:
        """The target as float64: a float, or an array (d,) for vectors."""
        if self.target is not None:
            return float(self.target) if self.values.ndim == 1 else self.target
        if self.values.ndim == 1:
            return quotient(self._grid.total, self.n, self._grid.exponent)
        return self.centring.shift + self.centring.target

    @cached_property
    def centring(self) -> Centring:
        """An origin near the values, and the target as seen from there (vectors only)."""
        if self.values.ndim == 1:
            raise UnsupportedProblem("scalar values, shape (n,), need no centring: see `grid`")
        return Centring.of(self.values, self.target)

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection as sorted int64.

        Raises
        ------
        InvalidSelection
            If it has the wrong count, an index twice or one outside 0..n-1, or breaks a constraint.
        """
        chosen = _validation.selection(selection, self.n, self.smallest_count, self.k)
        if self.side is not None:
            _validation.require_kept(self.constraints, self.side, chosen)
        return chosen

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return k of n drawn uniformly, in any order; O(n). With constraints: see `_draws`."""
        if self.side is not None:
            return _draws.draw(self, generator)
        return generator.choice(self.n, self.k, replace=False, shuffle=False)

    def objective(self, selection: ArrayLike) -> float:
        """Return the objective in float64; for scalars it is the exact value, rounded once.

        Of vectors, the differences from a point near all of them are added up, so that little is
        lost however far from 0 they are. O(k) for scalars, O(k d) for vectors; of these O(n d)
        once. Raises InvalidSelection as `check` does.
        """
        chosen = self.check(selection)
        if self.values.ndim == 1:
            numerator, denominator, exponent = self._error(chosen)
            return quotient(numerator, denominator, exponent)
        difference = self.centring.difference(self.values[chosen], self.k)
        return float(difference @ difference)

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be from `exact_objective`; O(k) or O(k d)."""
        chosen = self.check(selection)
        if self.values.ndim == 1:
            return float(np.spacing(self.objective(chosen)))
        return self.centring.rounding(self.values[chosen], self.k)

    def exact_objective(self, selection: ArrayLike) -> Fraction:
        """Return the objective as a rational number, without rounding: binary floats are rational.

        Raises InvalidSelection as `check` does.
        """
        chosen = self.check(selection)
        if self.values.ndim == 1:
            return fraction(*self._error(chosen))
        squares = Fraction(0)
        for grid, unit, target in exact_columns(self):
            squares += (target - grid.sum(chosen) * unit / self.k) ** 2
        return squares

    # -- exact arithmetic on scalars --------------------------------------------------------------

    @cached_property
    def _grid(self) -> Dyadic:
        return Dyadic.of(self.values)

    @cached_property
    def scaled_target(self) -> tuple[int, int]:
        """``(p, q)``: the sum of the k chosen is wanted at ``p / q``, in units of the grid.

        The grid is ``2**exponent`` of `grid`; scalars only. In these units the objective is
        ``|p - q * sum| / (q * k)``.
        """
        if self.target is None:
            return self.k * self._grid.total, self.n
        wanted = Fraction(self.target) * self.k / Fraction(2) ** self._grid.exponent
        return wanted.numerator, wanted.denominator

    @property
    def grid(self) -> Dyadic:
        """The values as integers times a power of two (scalars only)."""
        if self.values.ndim != 1:
            raise UnsupportedProblem("only scalar values, shape (n,), have one integer grid")
        return self._grid

    def _error(self, chosen: NDArray[np.int64]) -> tuple[int, int, int]:
        p, q = self.scaled_target
        return abs(p - q * self._grid.sum(chosen)), q * self.k, self._grid.exponent

    def lower_bound(self) -> Fraction:
        """Return a rigorous lower bound without search: reach and granularity; O(n log n).

        A sum of grid points comes no closer to the target than the nearest grid point, and no
        closer than the sum of the k smallest or largest values. Zero for vectors.
        """
        return self._lower_bound

    @cached_property
    def _lower_bound(self) -> Fraction:
        return Fraction(0) if self.values.ndim != 1 else least_distance(self)

    @cached_property
    def extremes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The selections of the smallest and of the largest sum (scalars only)."""
        return extremes_of(self.values, self.k, self.smallest_count < self.k)

    # -- canonical forms --------------------------------------------------------------------------

    def linear_model(self) -> LinearModel:
        """Return the mixed-integer linear programme of the paper's listing (scalars only).

        Variables: m (n binaries) and u >= 0; rows ``t - sum m_i v_i / k <= u``,
        ``sum m_i v_i / k - t <= u`` and the cardinality; minimise u.

        Raises
        ------
        UnsupportedProblem
            For vectors: their objective is quadratic, see `quadratic_model`.
        """
        if self.values.ndim != 1:
            raise UnsupportedProblem(
                f"values of shape {self.values.shape} give a squared distance, which no linear "
                "model states; use quadratic_model()"
            )
        return absolute_error_model(
            self.values.astype(np.float64), self.k, self.target_value, self.smallest_count
        ).keeping(self.side)

    def quadratic_model(self) -> QuadraticModel:
        """Return the convex mixed-integer quadratic program, in residual variables.

        Variables: m (n binaries) and r (d free) with ``r + sum m_i v_i / k = t``; minimise r'r.
        For scalars this is the square of the objective. Where exactly k are chosen, values and
        target are taken from the mean of the values, which changes no residual.
        """
        model = residual_model(self)
        return replace(model, linear=model.linear.keeping(self.side))

    def quadratic_form(self, check: Check = no_callback) -> QuadraticForm:
        """Return the squared distance as a quadratic form in inner products (vectors only).

        O(n^2 d) once, n^2 float64. Raises TooLarge, or UnsupportedProblem for scalars. `check` is
        called now and then meanwhile; where it raises, nothing is kept.
        """
        if self.values.ndim == 1:
            message = f"values of shape {self.values.shape} have an absolute error, not a quadratic"
            raise UnsupportedProblem(f"{message}; reshape(-1, 1) asks for its square")
        kept = self.__dict__.get("_gram_form")
        if kept is None:
            kept = gram_form(self.values, self.k, self.centring, self.smallest_count, check)
            if self.side is not None:
                kept = replace(kept, side=self.side.placed(kept.positions, self.k))
            self.__dict__["_gram_form"] = kept
        return kept

    # -- with some of the selection fixed ---------------------------------------------------------

    def _left(
        self,
        free: NDArray[np.int64],
        taken: NDArray[np.int64],
        low: int,
        high: int,
        side: SideConstraints | None,
    ) -> Left:
        """Return mean matching among the free, to what the taken leave of the target."""
        values, share = self.values[free], Fraction(high, self.k)
        values.setflags(write=False)
        target, root_error = reduced_target(self, taken, high)
        left = _restored(values, high, target, self.cardinality, side)
        return Left(left, share if values.ndim == 1 else share * share, root_error=root_error)


def _again(*stated: Any) -> MeanMatching:
    """Return a copy of a problem: whoever made that has been warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnscaledColumns)
        return MeanMatching(*stated)


def _restored(
    values: NDArray[Any], k: int, target: Any, cardinality: Cardinality, side: Any
) -> MeanMatching:
    """Return a problem of parts that were checked, with constraints as solvers see them."""
    problem = MeanMatching.__new__(MeanMatching)
    fields = {"values": values, "k": k, "target": target, "cardinality": cardinality}
    for name, value in fields.items():
        object.__setattr__(problem, name, value)
    return problem.seen_with(side)
