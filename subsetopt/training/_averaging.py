"""The moving average of a model's weights."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from subsetopt.errors import InvalidOption


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
        """Go on from a state that `state_dict` returned.

        Raises
        ------
        InvalidOption
            If it was made with another decay.
        """
        if state.get("decay") != self.decay:
            raise InvalidOption(
                f"the state has decay {state.get('decay')!r}, but this average has {self.decay!r}"
            )
        self._averaged.load_state_dict(state["averaged"])


def _statistics(model: nn.Module) -> list[Tensor]:
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]
