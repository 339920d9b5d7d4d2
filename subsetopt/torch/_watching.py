"""Statistics of what was selected: counts, evenness, classes and losses of samples."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from subsetopt._checks import require_integer
from subsetopt._csv_cells import csv_text, safe_cell
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem

from ._epochs import device_for_sums, ids_of

TENSORBOARD = OptionalDependency("tensorboard", "tensorboard")


class Watcher:
    """Counts which samples were trained on, on the device, and never waits for it.

    Parameters
    ----------
    size : int
        How many samples the data set has.
    labels : Tensor or array_like of int, (size,), optional
        Their classes, 0, 1, ..., for the balance of classes.

    Raises
    ------
    InvalidOption
        For a size below 1, or labels that are not one class for each sample.
    """

    def __init__(self, size: int, labels: Tensor | ArrayLike | None = None) -> None:
        require_integer("size", size, "[1, inf)")
        self.size = size
        self.labels = None if labels is None else ids_of(labels)
        if self.labels is not None:
            if self.labels.shape != (size,) or int(self.labels.min()) < 0:
                raise InvalidOption(
                    f"labels must be classes counted from 0 of shape ({size},); got shape "
                    f"{tuple(self.labels.shape)}"
                )
            self._classes = torch.bincount(self.labels.cpu())
        self.counts = torch.zeros(size, dtype=torch.int64)
        """How often each sample was trained on, (size,)."""
        # Sum and number of losses: of all samples that were looked at, and of the chosen ones.
        self._losses = torch.zeros(2, 2, dtype=torch.float64)

    def update(
        self,
        ids: Tensor | ArrayLike,
        chosen: Tensor | None = None,
        *,
        losses: Tensor | None = None,
        trained: Tensor | None = None,
    ) -> None:
        """Take in one batch.

        Parameters
        ----------
        ids : Tensor or array_like of int, (n,)
            The indices of its samples in the data set.
        chosen : Tensor of int, (m,), optional
            The places in the batch of those trained on; None is all of them.
        losses : Tensor, (n,), optional
            Of the whole batch.
        trained : Tensor, (m,), optional
            Of the chosen ones, where `losses` are not known.

        Raises
        ------
        InvalidProblem
            If the shapes do not fit; on the CPU also for ids outside the data set.
        """
        samples = ids_of(ids)
        places = next((t for t in (chosen, losses, trained) if t is not None), samples)
        _require_batch(samples, chosen, losses, trained)
        if samples.device.type == "cpu" and len(samples):
            low, high = int(samples.min()), int(samples.max())
            if low < 0 or high >= self.size:
                raise InvalidProblem(f"ids go from {low} to {high}; within 0..{self.size - 1}")
        device = device_for_sums(places)
        self.counts, self._losses = self.counts.to(device), self._losses.to(device)
        samples = samples.to(device, non_blocking=True)
        picked = samples if chosen is None else samples[chosen.to(device)]
        self.counts.index_add_(0, picked, torch.ones_like(picked))
        if losses is not None:
            self._add(0, losses)
            self._add(1, losses if chosen is None else losses[chosen])
        elif trained is not None:
            self._add(1, trained)

    def _add(self, row: int, losses: Tensor) -> None:
        self._losses[row, 0] += losses.detach().to(self._losses.device).double().sum()
        self._losses[row, 1] += len(losses)

    def summary(self) -> dict[str, float]:
        r"""Return what has been seen as plain numbers; waits for the device.

        Returns
        -------
        dict
            ``trained``: how many samples, repetitions counted. ``seen``: the share of the data set
            that was trained on at least once. ``entropy``: that of the counts,

            .. math:: H(c) = -\sum_i q_i \ln q_i, \qquad q_i = c_i / \sum_j c_j

            in nats, and ``entropy_share``, divided by its largest value ln(size); the paper gives
            neither base nor scale. With labels ``class_distance``, the total-variation distance
            0..1 between the frequencies of the classes among the trained samples and among all,
            and ``class_0``, ...: the frequencies. ``loss_all`` and ``loss_chosen``: the means of
            the losses since `clear_losses`, NaN where none are known.

        References
        ----------
        How Important is Importance Sampling for Deep Budgeted Training?, section 4.4.
        """
        counts = self.counts.cpu().double()
        total = float(counts.sum())
        shares = counts / max(total, 1.0)
        entropy = float(torch.special.entr(shares).sum())
        known = {
            "trained": total,
            "seen": float((counts > 0).double().mean()),
            "entropy": entropy,
            "entropy_share": entropy / math.log(self.size) if self.size > 1 else 1.0,
        }
        return known | self._balance(shares) | self._means()

    def _balance(self, shares: Tensor) -> dict[str, float]:
        if self.labels is None:
            return {}
        found = torch.bincount(self.labels.cpu(), weights=shares, minlength=len(self._classes))
        wanted = self._classes.double() / self.size
        frequencies = {f"class_{c}": share for c, share in enumerate(found.tolist())}
        return {"class_distance": 0.5 * float((found - wanted).abs().sum())} | frequencies

    def _means(self) -> dict[str, float]:
        sums = dict(zip(("loss_all", "loss_chosen"), self._losses.tolist(), strict=True))
        return {name: total / count if count else math.nan for name, (total, count) in sums.items()}

    def clear_losses(self) -> None:
        """Begin the means of the losses anew; the counts go on."""
        self._losses.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Return the counts and the sums of losses, on the CPU."""
        return {"counts": self.counts.cpu().clone(), "losses": self._losses.cpu().clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` returned.

        Raises
        ------
        InvalidOption
            If it is of a data set of another size.
        """
        if len(state["counts"]) != self.size:
            raise InvalidOption(f"the state has {len(state['counts'])} samples, not {self.size}")
        self.counts = state["counts"].to(self.counts.device, copy=True)
        self._losses = state["losses"].to(self._losses.device, copy=True)


class Writer(Protocol):
    """Writer of summaries, which callbacks call."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Take in the numbers of one step."""


class CSVWriter:
    """Appends rows to a CSV file, each of them on disk at once.

    The header is written once. A file that is there already is continued. Of several processes let
    one write, or each to a file of its own.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._columns: list[str] | None = None

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row.

        Raises
        ------
        InvalidFile
            If the file has other columns.
        """
        columns = ["step", *map(safe_cell, values)]
        if self._columns is None and self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file), None)
        if self._columns not in (None, columns):
            raise InvalidFile(
                f"{self.path} has columns {', '.join(self._columns or [])}, but the row has "
                f"{', '.join(columns)}; write to another file"
            )
        with self.path.open("a", newline="", encoding="utf-8") as file:
            header = [columns] if self._columns is None else []
            file.write(csv_text([*header, [step, *values.values()]]))
        self._columns = columns


class TensorBoardWriter:
    """Writes scalars for TensorBoard; close it, or use it in a with statement.

    Parameters
    ----------
    folder : str or Path
    prefix : str
        What the names of the numbers begin with.

    Raises
    ------
    MissingDependency
        If TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path, prefix: str = "selection/") -> None:
        TENSORBOARD.load()
        from torch.utils.tensorboard import SummaryWriter

        made: Any = SummaryWriter
        self._writer = made(str(folder))
        self.prefix = prefix

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write the numbers of one step, and flush."""
        for name, value in values.items():
            self._writer.add_scalar(self.prefix + name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _require_batch(
    samples: Tensor, chosen: Tensor | None, losses: Tensor | None, trained: Tensor | None
) -> None:
    n = len(samples) if samples.ndim == 1 else -1
    m = n if chosen is None else len(chosen)
    if n < 0 or (losses is not None and losses.shape != (n,)):
        shape = None if losses is None else tuple(losses.shape)
        raise InvalidProblem(
            f"ids and losses must have shape (n,); got {tuple(samples.shape)} and {shape}"
        )
    if trained is not None and trained.shape != (m,):
        raise InvalidProblem(
            f"trained must be one loss for each of {m} samples; got shape {tuple(trained.shape)}"
        )
