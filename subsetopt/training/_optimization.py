"""Learning-rate schedules, and the moving average of a model's weights.

Progress runs from 0 to 1 over the training that the budget allows, however short, so that each
schedule comes to its end (Li et al. 2020, https://arxiv.org/abs/1905.04753).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from subsetopt.errors import InvalidOption

from .run import SCHEDULES

LAST = 1e-6
"""The learning rate in which "linear" ends."""
WARM_UP = 5.0
"""Epochs in which "warmup_exponential" rises, from `START` of the learning rate."""
START = 1 / 16
DECAY = 0.97
"""Factor after each `DECAY_EVERY` epochs from then on."""
DECAY_EVERY = 2.4


@dataclass(frozen=True)
class Schedule:
    """A learning rate for each step.

    Parameters
    ----------
    name : {"constant", "step", "three_steps", "linear", "cosine", "warmup_exponential"}
        "step": a tenth at 1/3 and again at 2/3 of the training, counted in whole epochs.
        "three_steps": a tenth at 2/7, 4/7 and 6/7 of it: every 10 epochs of 35.
        "linear": to 1e-6. "cosine": to 0. "warmup_exponential": from lr / 16 to lr in 5 epochs,
        then times 0.97 every 2.4 epochs (Tan et al. 2019, https://arxiv.org/abs/1807.11626).
    lr : float
        The initial learning rate; of "warmup_exponential" the highest.
    epochs : float
        How many the budgeted training has.
    """

    name: str
    lr: float
    epochs: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise InvalidOption(
                f"schedule must be one of {', '.join(SCHEDULES)}; got {self.name!r}"
            )
        if not (self.lr > 0.0 and math.isfinite(self.lr)):
            raise InvalidOption(f"lr must be a finite number > 0; got {self.lr!r}")
        if not (self.epochs > 0.0 and math.isfinite(self.epochs)):
            raise InvalidOption(f"epochs must be a finite number > 0; got {self.epochs!r}")

    def __call__(self, progress: float) -> float:
        """Return the learning rate of a step."""
        return learning_rate(self.name, self.lr, progress, self.epochs)


def learning_rate(schedule: str, lr: float, progress: float, epochs: float = 1.0) -> float:
    """Return the learning rate after `progress` (0..1) of a training of so many epochs."""
    progress = min(max(progress, 0.0), 1.0)
    if schedule == "constant":
        return lr
    if schedule == "step":
        return lr * 0.1 ** sum(progress >= at for at in _whole(epochs, 3, (1, 2)))
    if schedule == "three_steps":
        return lr * 0.1 ** sum(progress >= at for at in _whole(epochs, 7, (2, 4, 6)))
    if schedule == "linear":
        return lr + (LAST - lr) * progress
    if schedule == "cosine":
        return lr * 0.5 * (1.0 + math.cos(math.pi * progress))
    if schedule == "warmup_exponential":
        return lr * _warmed_up(progress * epochs)
    raise InvalidOption(f"schedule must be one of {', '.join(SCHEDULES)}; got {schedule!r}")


def _whole(epochs: float, parts: int, which: tuple[int, ...]) -> list[float]:
    """Return shares of the training, rounded down to whole epochs where there are as many."""
    if epochs < parts:
        return [part / parts for part in which]
    return [math.floor(part * epochs / parts + 1e-9) / epochs for part in which]


def _warmed_up(epoch: float) -> float:
    if epoch < WARM_UP:
        return START + (1.0 - START) * epoch / WARM_UP
    return DECAY ** math.floor((epoch - WARM_UP) / DECAY_EVERY + 1e-9)


class WeightAverage:
    """An exponential moving average ``a <- decay * a + (1 - decay) * w``, first ``a = w``.

    Floating-point buffers, the running statistics of batch normalisation, are averaged as the
    weights are, which keeps them those of the averaged weights; others are copied.

    Parameters
    ----------
    model : nn.Module
        Copied; the copy needs no gradients.
    decay : float
        0 <= decay < 1.

    Attributes
    ----------
    model : nn.Module
        The average: evaluate this one.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0.0 <= decay < 1.0:
            raise InvalidOption(f"decay must be a number in [0, 1); got {decay!r}")
        self.decay = decay
        self._mix: Any = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        # Its use_buffers would average the counters of batch normalisation as well
        self._averaged = AveragedModel(model, multi_avg_fn=self._mix)
        self._averaged.requires_grad_(False)

    @property
    def model(self) -> nn.Module:
        """The average."""
        module: nn.Module = self._averaged.module
        return module

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after a step of the optimiser."""
        first = not self._averaged.n_averaged  # on the CPU: nothing waits
        before = [statistic.clone() for statistic in _statistics(self.model)]
        self._averaged.update_parameters(model)  # copies all buffers
        if first or not before:
            return
        self._mix(before, _statistics(model), self._averaged.n_averaged)
        for averaged, value in zip(_statistics(self.model), before, strict=True):
            averaged.copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Return the average, and what it takes to go on with it."""
        return {"decay": self.decay, "averaged": self._averaged.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` returned."""
        if state.get("decay") != self.decay:
            raise InvalidOption(
                f"the state has decay {state.get('decay')!r}, but this average has {self.decay!r}"
            )
        self._averaged.load_state_dict(state["averaged"])


def _statistics(model: nn.Module) -> list[Tensor]:
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]
