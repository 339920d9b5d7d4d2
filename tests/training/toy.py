"""Data and runs of milliseconds, for tests of the loop."""

from typing import Any

import torch
from torch import nn

from subsetopt.training.data._splits import Data, TensorSplit
from subsetopt.training.loop import Training
from subsetopt.training.run import Run
from subsetopt.training.run_result import Result

SIZE, BATCH = 96, 16


def data(size: int = SIZE, seed: int = 0) -> Data:
    """Return two classes that a line tells apart, as the task digits has them: (n, 64)."""
    drawn = torch.Generator().manual_seed(seed)
    x = torch.rand(size + 40, 64, generator=drawn)
    y = (x[:, :4].sum(1) > 2.0).long() + (x[:, 4] > 0.8).long()
    return Data(TensorSplit(x[:size], y[:size]), TensorSplit(x[size:], y[size:]), classes=10)


def run(rule: str = "uniform", **changes: Any) -> Run:
    """Return a run of three epochs of six batches."""
    given: dict[str, Any] = {"epochs": 3, "batch_size": BATCH, "lr": 0.1, "momentum": 0.9}
    return Run(task="digits", rule=rule, **{**given, "budget": 0.25, **changes})


def trained(rule: str = "uniform", **changes: Any) -> tuple[Result, Training]:
    """Return the result of a run, and the training that led to it."""
    made = Training(run(rule, **changes), data())
    return made.fit(), made


def weights(model: nn.Module) -> torch.Tensor:
    """Return all parameters in a row."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
