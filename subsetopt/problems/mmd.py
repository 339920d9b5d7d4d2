"""MMD selection: choose k points whose kernel mean is close to that of the rest, or a target."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property, partial
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidProblem, InvalidSelection
from subsetopt.models import QuadraticForm, RowsForm, SideConstraints

from . import _draws, _validation
from ._compiled_constraints import checked, compiled, constrained
from ._form_problem import FormProblem, reduced_form
from ._identity import fingerprint
from ._kernel_choice import KernelFunction, kernel_of
from ._mmd_data import Aim, of_features, of_matrix
from ._mmd_terms import Form, Terms
from ._parallel import Check, no_callback
from ._reduction import Left
from .constraints import Constraints
from .kernels import Kernel
from .mean_embedding import MeanEmbedding
from .scaling import Method, require_columns

__all__ = ["MMDSelection"]

Formulation = Literal["true", "published"]
_of_bytes = partial(require_integer, interval="[1, inf)", none=True, error=InvalidProblem)


@dataclass(frozen=True, eq=False, repr=False, init=False)
class MMDSelection:
    r"""Choose k candidates whose kernel mean, with that of the selected, is closest to the rest's.

    .. math::
        \min_{B \subset Q,\, |B| = k} \Bigl\lVert \tfrac{1}{|P| + k} \sum_{i \in P \cup B} \phi_i
        - \tfrac{1}{|Q| - k} \sum_{i \in Q \setminus B} \phi_i \Bigr\rVert^2

    Q are the candidates, P those selected before, and the kernel gives the inner products of
    :math:`\phi`. Building the problem evaluates the kernel matrix of the candidates, O(n^2 d), or
    where that does not fit the sums of its rows alone: `rows_form` is then what solvers use.

    With a `target` T the mean of the chosen is to be close to that of T instead of the rest's:
    training data that look like the test domain, controls that look like the treated. With
    `weights` w it is to be close to the weighted mean of the candidates themselves, as surveys and
    reweighted populations have it. Both minimise

    .. math::
        \Bigl\lVert \tfrac{1}{|P| + k} \sum_{i \in P \cup B} \phi_i
        - \sum_j v_j \phi(t_j) \Bigr\rVert^2

    with v the `target_weights`, or w, divided by their sum; the chosen all count alike.

    Parameters
    ----------
    candidates : array_like (n, d) or (n,)
        Features; float32 gives a float32 kernel matrix, all else float64. With
        ``kernel="precomputed"`` the kernel matrix (n, n) of all points.
    k : int
        How many to choose, 1 <= k < n; less than the number of candidates, so that some are left.
    selected : array_like, optional
        P: features (m, d), or with ``kernel="precomputed"`` the indices of its rows.
    kernel : str, Kernel or callable
        ``"gaussian"``, ``"laplace"``, ``"polynomial"``, ``"linear"``, ``"precomputed"``, an object
        such as ``Gaussian(scale=2.0)``, or ``f(X, Y)`` that returns (len(X), len(Y)) and is called
        on blocks of rows. The field holds it with its scale filled in.
    formulation : {"true", "published"}
        "published" minimises Eq. 5 as it is printed, which lacks a factor 2 on its linear terms,
        so that its best selection is not the one of least MMD.
    scale_columns : {"std", "robust", "none"}, optional
        Give all columns of the features, P's included, the same spread before the kernel sees
        them; see `Scaling`. None leaves them as they are, and warns where their spreads differ by
        more than 10 times; "none" does so without a warning.
    memory_limit : int, optional
        Bytes that the kernel matrix may take; None is three quarters of the machine's memory. The
        rows of a larger one are computed from the features when they are needed.
    copy : bool
        False uses a symmetric float32 or float64 precomputed matrix as it is; it must not be
        changed afterwards.
    target : array_like (m, d) or (m,), or MeanEmbedding, optional
        T: points with the features of the candidates, whose kernels with the candidates and each
        other are evaluated in blocks, O((n + m) m d); or their mean embedding, which is all that a
        precomputed kernel can have. Scales and medians are then those of all points, T's too.
    target_weights : array_like (m,), optional
        At least 0; None weighs all points of T alike.
    weights : array_like (n,), optional
        At least 0, one for each candidate, or row of a precomputed matrix.
    constraints : Constraints, optional
        What a selection keeps besides its size, by the indices of `candidates`. Whatever is not
        chosen, excluded or not, stays among the rest that the chosen are compared with.
    progress : callable, optional
        Called with pairs of candidates done and all pairs, where rows that are not held are added.

    Raises
    ------
    InvalidProblem
        For data that state no problem: wrong dtype or shape, NaN or infinity, k out of range,
        constraints that do not fit or that, by counting, no selection keeps, an asymmetric or
        indefinite kernel. Definiteness of precomputed matrices and of functions is
        proven up to 2,048 rows; of larger ones only the minors of two rows are looked at, so their
        objective may be negative.
    TooLarge
        If a precomputed kernel matrix would not fit, or not even copies of the features.

    References
    ----------
    Deterministic Mini-batch Sequencing for Training Deep Neural Networks, Eq. 3-8.

    Examples
    --------
    >>> problem = MMDSelection([[0.0], [1.0], [2.0], [3.0]], k=2, kernel="linear")
    >>> problem.objective([0, 3]), problem.objective([0, 1])
    (0.0, 4.0)
    >>> like = MMDSelection([[0.0], [1.0], [2.0], [3.0]], k=2, kernel="linear", target=[2.0, 3.0])
    >>> like.objective([2, 3]), like.objective([0, 3])
    (0.0, 1.0)
    """

    candidates: NDArray[Any]
    k: int
    selected: NDArray[Any] | None = None
    kernel: Kernel | KernelFunction | Literal["precomputed"] = "precomputed"
    formulation: Formulation = "true"
    memory_limit: int | None = None
    scale_columns: Method | None = None
    target: NDArray[Any] | MeanEmbedding | None = None
    target_weights: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    constraints: Constraints | None = None
    side: SideConstraints | None = field(default=None, init=False)
    _terms: Terms = field(init=False)

    def __init__(
        self,
        candidates: ArrayLike,
        k: int,
        selected: ArrayLike | None = None,
        kernel: Kernel | KernelFunction | str = "gaussian",
        formulation: Formulation = "true",
        memory_limit: int | None = None,
        copy: bool = True,
        scale_columns: Method | None = None,
        *,
        target: ArrayLike | MeanEmbedding | None = None,
        target_weights: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        constraints: Constraints | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if formulation not in ("true", "published"):
            raise InvalidProblem(f"formulation is {formulation!r}; it is 'true' or 'published'")
        _of_bytes("memory_limit in bytes", memory_limit)
        aim = Aim(target, target_weights, weights)
        if aim and formulation == "published":
            raise InvalidProblem(
                "formulation must be 'true' where there is a target or weights, which Eq. 5 as "
                "printed does not have; got 'published'"
            )
        parts: dict[str, Any] = {
            "formulation": formulation,
            "memory_limit": memory_limit,
            "scale_columns": scale_columns,
        }
        if isinstance(kernel, str) and kernel == "precomputed":
            matrix = _validation.square_matrix("K", candidates, copy=copy)
            require_columns(scale_columns)
            parts |= of_matrix(matrix, k, selected, aim, memory_limit)
        else:
            # Eq. 5 as printed is no distance, and changes with the origin.
            chosen, centred = kernel_of(kernel), formulation == "true"
            parts |= of_features(
                candidates, k, selected, aim, chosen, centred, scale_columns, memory_limit
            )
        if not aim:
            parts["_terms"].add_up(progress)  # O(n^2): a part of stating the problem
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        if constraints is not None:
            object.__setattr__(self, "constraints", checked(constraints))
            side = compiled(self.constraints, self.n, self.k, self.k, self._barred)
            object.__setattr__(self, "side", side)

    @property
    def _barred(self) -> NDArray[np.int64] | None:
        return self.selected if self._terms.positions is not None else None

    def constrained(self, constraints: Constraints | None) -> "MMDSelection":
        """Return the same problem with these constraints, checked as for the class; data shared."""
        made: MMDSelection = constrained(self, constraints, self._barred)
        return made

    # -- identity ---------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> tuple[object, ...]:
        selected = None if self.selected is None else fingerprint(self.selected)
        stated = (self.k, selected, self.kernel, self.formulation, self.scale_columns or "none")
        target = None if self.target is None else self._target_key
        weights = None if self.weights is None else fingerprint(self.weights)
        return (fingerprint(self.candidates), *stated, target, weights, self.constraints)

    @property
    def _target_key(self) -> tuple[object, ...]:
        if isinstance(self.target, MeanEmbedding):
            return (self.target,)
        assert self.target is not None
        assert self.target_weights is not None
        return fingerprint(self.target), fingerprint(self.target_weights)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MMDSelection):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the evaluated matrix, which is larger than the features it comes from.
        scaling = "none" if self.scale_columns is None else self.scale_columns  # it has warned
        stated = {part.name: getattr(self, part.name) for part in fields(self) if part.init}
        return partial(MMDSelection, **{**stated, "scale_columns": scaling}), ()

    def __repr__(self) -> str:
        selected = 0 if self.selected is None else len(self.selected)
        scaling = "" if self.scale_columns is None else f"scale_columns={self.scale_columns!r}, "
        if isinstance(self.target, MeanEmbedding):
            scaling += f"target={self.target!r}, "
        elif self.target is not None:
            scaling += f"target={len(self.target)}, "
        elif self.weights is not None:
            scaling += f"weights={len(self.weights)}, "
        kept = "" if self.constraints is None else f", constraints={self.constraints!r}"
        kept += "" if self.rows_form is None else ", rows computed"
        return (
            f"MMDSelection(n={self.n}, k={self.k}, selected={selected}, kernel={self.kernel!r}, "
            f"formulation={self.formulation!r}, {scaling}dtype={self.candidates.dtype}{kept})"
        )

    # -- the problem ------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        """``"mmd"``."""
        return "mmd"

    @property
    def n(self) -> int:
        """The number of candidates; of all points where the kernel is precomputed."""
        return len(self.candidates)

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have: k."""
        return self.k

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection as sorted int64.

        Raises
        ------
        InvalidSelection
            If it has the wrong count, an index twice, outside 0..n-1 or selected before, or breaks
            a constraint.
        """
        chosen = _validation.selection(selection, self.n, self.k, self.k)
        if self._terms.positions is not None:
            assert self.selected is not None
            again = np.isin(chosen, self.selected)
            if again.any():
                raise InvalidSelection(
                    f"index {chosen[again.argmax()]} is selected already; choose among the other "
                    f"{len(self._terms.positions)}"
                )
        if self.side is not None:
            _validation.require_kept(self.constraints, self.side, chosen)
        return chosen

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return a random selection, in any order: uniform, but with constraints see `_draws`."""
        if self.side is not None:
            return _draws.draw(self, generator)
        if self._terms.positions is None:
            return generator.choice(self.n, self.k, replace=False, shuffle=False)
        return generator.choice(self._terms.positions, self.k, replace=False, shuffle=False)

    def objective(self, selection: ArrayLike) -> float:
        """Return the squared MMD, or Eq. 5 as printed, in float64; O(k^2)."""
        if self.formulation == "true":
            return self.mmd_squared(selection)
        form = self._published_form
        return form.lift(form.value(self._rows(self.check(selection))))

    def mmd_squared(self, selection: ArrayLike) -> float:
        r"""Return the squared MMD of ``P u B`` and ``Q \ B``, or the target; O(k^2).

        Under either formulation. At least zero, but where definiteness is not known, or the norm of
        a mean embedding.
        """
        form = self._true_form
        value = form.lift(form.value(self._rows(self.check(selection))))
        return max(0.0, value) if self._terms.distance else value

    def root_mmd(
        self, selection: ArrayLike, to: Literal["rest", "whole", "target"] | None = None
    ) -> float:
        r"""Return how far the kernel mean of ``P u B`` is from another mean.

        Parameters
        ----------
        selection : array_like of int
        to : {"rest", "whole", "target"}, optional
            "rest" is the mean of ``Q \ B``, "whole" that of all points, selected ones included,
            "target" that of the target, or of the weighted candidates. What is minimised if not
            given; a problem with a target knows the distance to it alone, any other those to both
            rest and whole.
        """
        known = ("rest", "whole") if self._terms.target is None else ("target",)
        if to is None:
            to = known[0]  # type: ignore[assignment]
        if to not in known:
            raise InvalidSelection(f"to must be {' or '.join(map(repr, known))}; got {to!r}")
        root = sqrt(max(0.0, self.mmd_squared(selection)))
        q, total = self._terms.candidates, self._terms.points
        return root * (q - self.k) / total if to == "whole" else root

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be off, for the kernel matrix as it stands; O(k^2)."""
        return self._form.rounding(self._rows(self.check(selection)))

    def exact_objective(self, selection: ArrayLike) -> Fraction | None:
        """Return None: kernels are no rational numbers."""
        return None

    def lower_bound(self) -> Fraction | None:
        """Return 0 for the true formulation where it is known to be a distance, else None."""
        known = self.formulation == "true" and self._terms.distance
        return Fraction(0) if known else None

    def quadratic_form(self, check: Check = no_callback) -> QuadraticForm:
        """Return the canonical form; O(n): its matrix and the sums over it are there already.

        Its matrix is the kernel matrix of the candidates itself, not a copy; of linear and
        polynomial kernels that of the feature maps less the map of the points' mean, which has the
        same MMD and loses nothing where the points are far from 0. For a precomputed one of which
        some are selected, the other rows are copied and `positions` says which.

        Raises
        ------
        TooLarge
            If the matrix is not held: see `rows_form`.
        """
        return self._form.refuse() if isinstance(self._form, RowsForm) else self._form

    @property
    def rows_form(self) -> RowsForm | None:
        """The form whose rows are computed, where the matrix did not fit; else None."""
        return self._form if isinstance(self._form, RowsForm) else None

    @property
    def _form(self) -> Form:
        return self._true_form if self.formulation == "true" else self._published_form

    @cached_property
    def _true_form(self) -> Form:
        return self._keeping(self._terms.squared_distance(self.k))

    @cached_property
    def _published_form(self) -> Form:
        return self._keeping(self._terms.published(self.k))

    def _keeping(self, form: Form) -> Form:
        if self.side is None:
            return form
        return replace(form, side=self.side.placed(form.positions, self.k))

    def _left(
        self,
        free: NDArray[np.int64],
        taken: NDArray[np.int64],
        low: int,
        high: int,
        side: SideConstraints | None,
    ) -> Left:
        """Return the choice among the free, as a quadratic form."""
        form = reduced_form(self._form, self._rows(free), self._rows(taken), high, side)
        return Left(FormProblem(form, self.family, self.lower_bound(), side))

    def _rows(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        positions = self._terms.positions
        return chosen if positions is None else np.searchsorted(positions, chosen)
