"""Models for Lightning's own Trainer, which remember what they trained on."""

import warnings
from typing import Any

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lightning.pytorch as pl

from subsetopt.torch.step import SubsetStep, supervised

CROSS_ENTROPY = torch.nn.CrossEntropyLoss(reduction="none")


class Model(pl.LightningModule):
    """Trains on all of a batch, and remembers which samples these were."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Linear(3, 2)
        with torch.no_grad():
            for parameter in self.net.parameters():
                parameter.fill_(0.1)
        self.seen: list[list[int]] = []

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        ids, x, y = batch
        self.seen.append(ids.tolist())
        losses = CROSS_ENTROPY(self.net(x), y)
        return {"loss": losses.mean(), "losses": losses.detach()}

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.5)


class Choosing(Model):
    """Trains on a part of each batch: the line that it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.step = SubsetStep(self.net, supervised(CROSS_ENTROPY), "prob")

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        ids, x, y = batch
        result = self.step((x, y))
        self.seen.append(ids[result.indices].tolist())
        return {"loss": result.loss, "selection": result}


class Silent(Model):
    """Does not tell the losses."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx)["loss"]


class Answering(Model):
    """Predicts the batch."""

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        return batch
