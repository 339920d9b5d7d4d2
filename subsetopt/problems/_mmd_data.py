"""The data of an MMD selection, checked: points or a kernel matrix, and what is to be matched."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidProblem, InvalidSelection

from . import _validation
from ._kernel_choice import Custom
from ._kernel_matrices import symmetric_kernel
from ._mmd_target import (
    TargetTerms,
    sum_of_products,
    target_of_embedding,
    target_of_matrix,
    target_of_points,
    weights_of,
)
from ._mmd_terms import Terms, centred_kernel, terms_of_features, terms_of_matrix
from ._points import alike, points
from .kernels import Kernel
from .mean_embedding import MeanEmbedding
from .scaling import GIVE_SCALE, Method, Scaling, warn_unscaled


@dataclass(frozen=True)
class Aim:
    """What is to be matched, as the caller gives it; all None for the candidates that are left."""

    target: ArrayLike | MeanEmbedding | None = None
    target_weights: ArrayLike | None = None
    weights: ArrayLike | None = None

    def __post_init__(self) -> None:
        if self.target is not None and self.weights is not None:
            raise InvalidProblem(
                "weights are of the candidates, whose weighted distribution is matched; with a "
                "target give target_weights"
            )
        if self.target_weights is not None and (
            self.target is None or isinstance(self.target, MeanEmbedding)
        ):
            raise InvalidProblem("target_weights are of the points of a target; give target=points")

    def __bool__(self) -> bool:
        return self.target is not None or self.weights is not None


def of_matrix(
    matrix: NDArray[Any], k: object, selected: ArrayLike | None, aim: Aim, limit: int | None
) -> dict[str, Any]:
    """Return the fields of a problem whose kernel matrix is given."""
    n, given = len(matrix), aim.target
    if given is not None and not isinstance(given, MeanEmbedding):
        raise InvalidProblem(
            "target must be a MeanEmbedding where the kernel matrix is given, which has no "
            f"features to compare; got {type(given).__name__}: to weigh its own rows give weights"
        )
    chosen = None
    selected = _unless_empty(selected)
    if selected is not None:
        try:
            chosen = _validation.selection(selected, n, 0, n - 1)
        except InvalidSelection as error:
            raise InvalidProblem(f"selected must be indices of rows of K: {error}") from error
        chosen.setflags(write=False)
    size = _size(k, n if chosen is None else n - len(chosen))
    matrix = symmetric_kernel("K", matrix)
    terms, weights = terms_of_matrix(matrix, chosen, limit), None
    if given is not None:
        before = terms.selected
        terms = terms.aimed(target_of_embedding(given, n, before, terms.positions, chosen))
    elif aim.weights is not None:
        weights = weights_of("weights", aim.weights, n, "rows of K")
        terms = terms.aimed(target_of_matrix(matrix, weights, terms.positions, chosen))
    fields = {"candidates": matrix, "k": size, "selected": chosen, "kernel": "precomputed"}
    return {**fields, "target": given, "weights": weights, "_terms": terms}


def of_features(
    candidates: ArrayLike,
    k: object,
    selected: ArrayLike | None,
    aim: Aim,
    kernel: Kernel,
    centred: bool,
    scaling: Method | None,
    limit: int | None,
) -> dict[str, Any]:
    """Return the fields of a problem on features.

    `centred` says that a kernel may be taken relative to the mean of all points.
    """
    clouds = {"candidates": points("candidates", candidates)}
    size = _size(k, len(clouds["candidates"]))
    selected = _unless_empty(selected)
    if selected is not None:
        clouds["selected"] = points("selected", selected)
    embedding = None
    if isinstance(aim.target, MeanEmbedding):
        embedding = aim.target
    elif aim.target is not None:
        clouds["target"] = points("target", aim.target)
    clouds = _alike(clouds)
    together = np.concatenate(list(clouds.values())) if len(clouds) > 1 else clouds["candidates"]
    if scaling is None and not isinstance(kernel, Custom):
        warn_unscaled(together, GIVE_SCALE, stacklevel=3)
    scaled = Scaling.of(together, scaling or "none")
    seen = {name: scaled.applied(cloud) for name, cloud in clouds.items()}
    kernel = kernel.fitted(*seen.values())
    # An embedding speaks of the feature map as it is.
    used = centred_kernel(kernel, *seen.values()) if centred and embedding is None else kernel
    terms = terms_of_features(used, seen["candidates"], seen.get("selected"), limit)
    fields = {
        "candidates": clouds["candidates"],
        "k": size,
        "selected": clouds.get("selected"),
        "kernel": kernel.function if isinstance(kernel, Custom) else kernel,
    }
    weights, target = _aimed(aim, used, seen, terms)
    if target is not None:
        alone = "target" not in seen and "selected" not in seen
        terms = terms.aimed(target, joint=used.semidefinite or alone)
    given = clouds.get("target") if embedding is None else embedding
    kept = {"target": given, "target_weights" if "target" in seen else "weights": weights}
    return {**fields, **kept, "_terms": terms}


def _aimed(
    aim: Aim, kernel: Kernel, seen: dict[str, NDArray[Any]], terms: Terms
) -> tuple[NDArray[np.float64] | None, TargetTerms | None]:
    """Return the weights of what is to be matched, and what the squared MMD needs of it."""
    X, P, T = (seen.get(name) for name in ("candidates", "selected", "target"))
    assert X is not None
    if isinstance(aim.target, MeanEmbedding):
        return None, target_of_embedding(aim.target, len(X), terms.selected)
    if T is not None:
        weights = weights_of("target_weights", aim.target_weights, len(T), "points of the target")
        return weights, target_of_points(kernel, X, P, T, weights)
    if aim.weights is None:
        return None, None
    weights = weights_of("weights", aim.weights, len(X), "candidates")
    target = target_of_matrix(terms.matrix, weights, None, None)
    if P is not None:
        target = replace(target, selected=sum_of_products(kernel, P, X, weights))
    return weights, target


def _alike(clouds: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return clouds of points of one dtype, the widest; InvalidProblem if their features differ."""
    first = "candidates"
    for name in clouds:
        if name != first:
            clouds[first], clouds[name] = alike((first, name), clouds[first], clouds[name])
    dtype = clouds[first].dtype
    return {name: cloud.astype(dtype, copy=False) for name, cloud in clouds.items()}


def _size(k: object, candidates: int) -> int:
    if is_integer(k) and k == candidates:
        raise InvalidProblem(
            f"k is {k}, all of the {candidates} candidates: nothing would be left to compare "
            f"with and there is nothing to choose; take them all, or k < {candidates}"
        )
    return _validation.subset_size(k, max(1, candidates - 1))


def _unless_empty(selected: ArrayLike | None) -> ArrayLike | None:
    array = isinstance(selected, np.ndarray) and selected.size == 0
    empty = array or (isinstance(selected, Sequence) and len(selected) == 0)
    return None if empty else selected
