"""Results of runs: plain values, saved as one JSON file each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import read_json

from .run import Run

__all__ = ["Passes", "Result"]

PARTS = ("data", "selection", "forward", "backward", "evaluation")
"""Parts of the time of a run; "backward" includes the step of the optimiser."""


@dataclass(frozen=True, kw_only=True)
class Passes:
    """Samples that went through the model while it was trained."""

    selection: int = 0
    """Forward, to choose by."""
    forward: int = 0
    """Forward, to be differentiated."""
    backward: int = 0

    def budget(self, full: int) -> float:
        """Return the share of full training's cost, at 1 a forward and 2 a backward pass.

        Parameters
        ----------
        full : int
            Samples that full training passes: N * T.

        References
        ----------
        How Important is Importance Sampling for Deep Budgeted Training?, section 3, where it makes
        Selective-Backprop's B into B + 1/3.
        """
        return (self.selection + self.forward + 2 * self.backward) / (3 * full)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run.

    Parameters
    ----------
    run : Run
    metric, better : str
        The metric that runs are compared by, and the direction in which it improves.
    final : dict of str to float
        The metrics of the test set after the last epoch.
    history : list of dict
        For every epoch ``epoch``, counted from 1, ``steps``, ``lr``, ``train_loss``, ``passes`` (in
        units of one full epoch's cost) and ``seconds`` so far, evaluation left out; where it was
        evaluated ``test_...``.
    steps : int
        Of the optimiser.
    passes : Passes
    full : int
        Samples that full training passes.
    seconds : dict of str to float
        By `PARTS`.
    peak_bytes : int
        Memory at most: of the device where that is a GPU, else of the process.
    selected : dict of str to float
        How evenly samples were trained on: `subsetopt.torch.Watcher.summary`.
    facts : dict
        Of the data; of the machine and the software.
    """

    run: Run
    metric: str
    better: str
    final: Mapping[str, float]
    history: list[dict[str, float]]
    steps: int
    passes: Passes
    full: int
    seconds: Mapping[str, float]
    peak_bytes: int = 0
    selected: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The final value of the metric."""
        return self.final[self.metric]

    @property
    def training_seconds(self) -> float:
        """Wall-clock seconds without evaluation."""
        return sum(value for name, value in self.seconds.items() if name != "evaluation")

    @property
    def effective_budget(self) -> float:
        """The share of full training's cost that was spent, selection passes included."""
        return self.passes.budget(self.full)

    def row(self) -> dict[str, Any]:
        """Return one flat row for tables: the run, the final metrics, the account."""
        return {
            **self.run.to_dict(),
            **{f"test_{name}": value for name, value in self.final.items()},
            "steps": self.steps,
            **{f"{name}_passes": value for name, value in asdict(self.passes).items()},
            "effective_budget": self.effective_budget,
            **{f"{name}_seconds": value for name, value in self.seconds.items()},
            "training_seconds": self.training_seconds,
            "peak_bytes": self.peak_bytes,
            **{name: self.selected[name] for name in ("entropy", "seen") if name in self.selected},
        }

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        content = json.dumps(asdict(self), indent=1, allow_nan=True)
        with replacing(path) as stream:
            stream.write(content.encode())

    @classmethod
    def load(cls, path: Path) -> "Result":
        """Read what `save` wrote.

        Raises
        ------
        InvalidFile
            If it is no such file.
        """
        try:
            return declared(cls, read_json(path), "result")
        except InvalidFile as error:
            raise InvalidFile(f"{path} is not a result of a training run: {error}") from error
