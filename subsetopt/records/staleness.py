"""Staleness: how old losses are discounted and missing ones replaced."""

from dataclasses import dataclass
from time import time as now
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_number, require, require_number, within

from .latest import Latest

__all__ = ["Staleness"]

Unknown = Literal["mean", "highest", "exclude"] | float


@dataclass(frozen=True, kw_only=True)
class Staleness:
    """How losses of a served model are read by one that has been trained since.

    Parameters
    ----------
    older_than : float, optional
        Seconds after which a loss is taken as unknown.
    half_life : float, optional
        Seconds in which half of a loss's distance to the mean of the known ones is forgotten.
    unknown : {"mean", "highest", "exclude"} or float
        What an unknown loss is taken for: the mean of those that are known, as a rule that matches
        means then does not mind it; the highest of them, so that it is looked at; that number; or
        nothing, so that it is not chosen. Where none is known at all, "mean" and "highest" are 1.

    Raises
    ------
    InvalidOption
        For an option outside its domain.
    """

    older_than: float | None = None
    half_life: float | None = None
    unknown: Unknown = "mean"

    def __post_init__(self) -> None:
        for name in ("older_than", "half_life"):
            require_number(name, getattr(self, name), "(0, inf]", none=True, unit="seconds")
        good = self.unknown in ("mean", "highest", "exclude") or (
            is_number(self.unknown) and within(self.unknown, "(-inf, inf)")
        )
        require("unknown", self.unknown, good, "'mean', 'highest', 'exclude' or a finite number")

    def known(self, latest: Latest, at: float | None = None) -> NDArray[np.bool_]:
        """Return (m,): where a loss is known, and young enough; `at` is None for now."""
        known: NDArray[np.bool_] = np.isfinite(latest.losses)
        if self.older_than is not None:
            with np.errstate(invalid="ignore"):
                known &= ~(latest.ages(at) > self.older_than)
        return known

    def __call__(
        self, latest: Latest, at: float | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Return the losses that a rule may choose from, and which of the ids they are of.

        Parameters
        ----------
        latest : Latest
            Of m ids.
        at : float, optional
            Seconds since 1970; None is now.

        Returns
        -------
        losses : array of float32, (n,)
            Finite.
        rows : array of int, (n,)
            Rising; all m without ``unknown="exclude"``.
        """
        at = now() if at is None else at
        losses, ages, known = latest.losses.copy(), latest.ages(at), self.known(latest, at)
        middle = float(losses[known].mean(dtype=np.float64)) if known.any() else 1.0
        if self.half_life is not None and known.any():
            kept = np.exp2(-np.maximum(ages[known], 0.0) / self.half_life)
            losses[known] = middle + (losses[known] - middle) * kept
        if self.unknown == "exclude":
            rows = np.nonzero(known)[0]
            return losses[rows], rows
        if self.unknown == "mean":
            stand_in = middle
        elif self.unknown == "highest":
            stand_in = float(losses[known].max()) if known.any() else 1.0
        else:
            stand_in = float(self.unknown)
        losses[~known] = stand_in
        return losses, np.arange(len(losses))
