"""Samples that rules choose from, and checks of losses, features and k."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from subsetopt._checks import count_of_share, is_integer
from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation


def by_numpy(values: Tensor) -> bool:
    """Return whether NumPy can work on them: a plain tensor on the CPU, and not while it is traced.

    Losses there are finite, as they have been looked at; and an operation takes a quarter of the
    time that it takes torch.
    """
    return type(values) is Tensor and values.is_cpu and not torch.compiler.is_compiling()


def subset_size(k: int | float, n: int) -> int:
    """Return how many of n are meant by k: an integer, or a share 0 < r <= 1.

    A share means ``max(1, int(r * n))``.

    Raises
    ------
    InvalidProblem
        If k is neither, or outside 1..n.
    """
    if type(k) is int and 0 < k <= n:
        return k
    if not isinstance(k, float):
        return _validation.subset_size(k, n)
    return count_of_share("k", k, n, error=InvalidProblem)


def require_shape(losses: object) -> None:
    """Raise InvalidProblem unless `losses` is a tensor (n,) or (B, n) with n >= 1."""
    if not isinstance(losses, Tensor):
        raise InvalidProblem(f"losses must be a torch.Tensor; got a {type(losses).__name__}")
    shape = tuple(losses.shape)
    if losses.ndim == 0:
        raise InvalidProblem(
            "losses must be one per sample; got a scalar: give the loss function reduction='none'"
        )
    if losses.ndim > 2:
        raise InvalidProblem(
            f"losses must have shape (n,) or (B, n), one per sample; got {shape}: average "
            "the others, with losses.flatten(1).mean(1)"
        )
    if 0 in shape:
        raise InvalidProblem(f"losses must hold at least one; got shape {shape}")
    if losses.ndim == 2 and shape[1] == 1 < shape[0]:
        raise InvalidProblem(
            f"losses have shape {shape}, {shape[0]} rows of one; for one row of {shape[0]} give "
            "losses.squeeze(1)"
        )


def require_finite(name: str, values: Tensor) -> None:
    """Raise InvalidProblem with the first position that is not finite; waits for the device."""
    if math.isfinite(values.sum().item()):  # a sum that overflows is looked into below
        return
    bad = (~torch.isfinite(values)).nonzero()
    if len(bad):
        where = bad[0].tolist()
        raise InvalidProblem(
            f"{name}{where} is {values[tuple(where)].item()} and {len(bad)} of {values.numel()} "
            "values are not finite; drop or replace them first"
        )


class Candidates(NamedTuple):
    """B rows of n samples on a device, with what the rule looks at and nothing else.

    Parameters
    ----------
    shape : tuple of int
        (B, n).
    device : torch.device
    losses : Tensor (B, n) or None
        In at least single precision, without graph.
    features : Tensor (B, n, d) or None
        Likewise.
    labels : Tensor of int64 (B, n) or None
        Classes, on the CPU, of a rule with quotas.
    """

    shape: tuple[int, int]
    device: torch.device
    losses: Tensor | None = None
    features: Tensor | None = None
    labels: Tensor | None = None

    @property
    def needed(self) -> Tensor:
        """The losses, of a rule that needs them."""
        assert self.losses is not None
        return self.losses

    @property
    def seen(self) -> tuple[Tensor, ...]:
        """The tensors that there are."""
        return tuple(one for one in (self.losses, self.features) if one is not None)

    def to(self, device: torch.device | str) -> "Candidates":
        """Return them on a device, without labels."""
        at = torch.device(device)
        return self._with(self.shape, at, *(one.to(at) for one in self.seen))

    def row(self, row: int) -> "Candidates":
        """Return one of the rows, without labels."""
        return self._with((1, self.shape[1]), self.device, *(one[row][None] for one in self.seen))

    def at(self, places: Tensor) -> "Candidates":
        """Return the samples at places (m,) of each row, without labels."""
        shape = self.shape[0], len(places)
        return self._with(shape, self.device, *(one.index_select(1, places) for one in self.seen))

    def _with(self, shape: tuple[int, int], device: torch.device, *seen: Tensor) -> "Candidates":
        left = iter(seen)
        losses, features = (None if one is None else next(left) for one in self[2:4])
        return Candidates(shape, device, losses, features)


def place_of(
    losses: Tensor | None,
    features: Tensor | None,
    n: int | None,
    device: torch.device | str | None,
) -> tuple[torch.Size, torch.device]:
    """Return the shape (n,) or (B, n) of the samples, and where they are."""
    if losses is not None:
        require_shape(losses)
        return losses.shape, losses.device
    if features is not None:
        if not isinstance(features, Tensor) or features.ndim not in (2, 3) or 0 in features.shape:
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features)
            raise InvalidProblem(f"features must be a tensor (n, d) or (B, n, d); got {shape}")
        return features.shape[:-1], features.device
    if n is None or not is_integer(n) or n < 1:
        raise InvalidProblem(f"without losses and features n must be an integer >= 1; got {n!r}")
    return torch.Size((n,)), torch.device(device or "cpu")


def checked_losses(losses: Tensor, *, finite: bool) -> Tensor:
    """Return the losses as (B, n), detached, in at least single precision, finite if asked for."""
    rows = losses.detach()
    rows = rows.contiguous() if losses.ndim == 2 else rows.contiguous()[None]
    if not losses.is_floating_point():
        raise InvalidProblem(f"losses have dtype {losses.dtype}; convert with losses.float()")
    if rows.element_size() < 4:
        rows = rows.float()
    _require_finite("losses", rows, losses.ndim == 2, finite)
    return rows


def checked_features(
    features: Tensor, shape: torch.Size, device: torch.device, *, finite: bool
) -> Tensor:
    """Return the features as (B, n, d), likewise; `shape` and `device` are those of the samples."""
    fits = features.ndim == len(shape) + 1 and features.shape[:-1] == shape
    if not fits or not features.shape[-1] or features.device != device:
        raise InvalidProblem(
            f"features must be {expected_features(shape, device)} for losses of shape "
            f"{tuple(shape)}; got {tuple(features.shape)} on {features.device}"
        )
    rows = features.detach()
    rows = rows if len(shape) == 2 else rows[None]
    if not rows.is_floating_point() or rows.element_size() < 4:
        rows = rows.float()
    _require_finite("features", rows, len(shape) == 2, finite)
    return rows


def checked(
    losses: Tensor | None,
    features: Tensor | None,
    shape: torch.Size,
    device: torch.device,
    *,
    finite: bool,
) -> Candidates:
    """Return samples of that shape with what there is of losses and features, checked."""
    rows = (1, *shape) if len(shape) == 1 else tuple(shape)
    seen = None if losses is None else checked_losses(losses, finite=finite)
    points = None
    if features is not None:
        points = checked_features(features, shape, device, finite=finite)
    return Candidates((rows[0], rows[1]), device, seen, points)


def dtype_of(losses: Tensor | None) -> torch.dtype:
    """Return in what precision probabilities are: that of the losses, else the default one."""
    if losses is None or not losses.is_floating_point():
        return torch.get_default_dtype()
    return losses.dtype


def expected_features(shape: torch.Size, device: torch.device) -> str:
    """Return what features have to look like, for messages."""
    return f"{'(n, d)' if len(shape) == 1 else '(B, n, d)'} on {device}"


def _require_finite(name: str, rows: Tensor, several: bool, finite: bool) -> None:
    """Look for what is not finite on the CPU always, elsewhere where the wait is asked for."""
    if (finite or rows.is_cpu) and not torch.compiler.is_compiling():
        require_finite(name, rows if several else rows[0])
