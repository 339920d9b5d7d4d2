"""ImageNet, or any pictures in a folder for each class."""

from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from subsetopt._options import documented, option
from subsetopt.errors import InvalidFile
from subsetopt.training.data._folders import folder_split
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from ._images import ColourImages
from .base import require_files

_TRAIN = 1_281_167
EPOCHS = {"resnet50": 150, "mobilenet_v2": 350}


@documented
@dataclass(kw_only=True, eq=False)
class ImageNet(ColourImages):
    """``train/CLASS/*.JPEG`` and ``val/CLASS/*.JPEG``, read batch by batch.

    Training pictures are cut out and mirrored by chance when they are read, so that the recipe
    augments no further. The learning rate rises from a sixteenth, 0.016, as the schedule has it.
    The optimiser is SGD with momentum: the paper does not name its own.

    References
    ----------
    One Backward from Ten Forward, section 4.3.
    """

    name = "imagenet"
    recipe = Recipe(
        epochs=150,
        batch_size=4096,
        lr=0.256,
        momentum=0.9,
        weight_decay=1e-5,
        schedule="warmup_exponential",
        ema=0.9999,
    )
    flips = True
    mean = (0.485, 0.456, 0.406)
    deviation = (0.229, 0.224, 0.225)

    network: str = option(
        "Model; those of the paper, resnet50 and mobilenet_v2, train for 150 and 350 epochs, any "
        "other for 150.",
        "resnet50",
    )
    size: int = option("Height and width of the images.", 224, ge=8)
    workers: int | None = option(
        "Number of processes that decode; None is the number of processors, at most 8.", None, ge=0
    )
    dropout: float = option("Dropout before the last layer.", 0.2, ge=0, lt=1)
    sub: str = option("Folder of the pictures below that of the data.", "imagenet")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.recipe = replace(self.recipe, epochs=EPOCHS.get(self.network, 150))

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Look for the pictures in ``folder/sub`` and in `folder`; none is read yet."""
        where = require_files(folder, "mini-ImageNet" if "mini" in self.sub else "ImageNet")
        base = where / self.sub if (where / self.sub).is_dir() else where
        train, classes = folder_split(
            base / "train", size=self.size, random=True, workers=self.workers
        )
        test, others = folder_split(base / "val", size=self.size, workers=self.workers)
        if others != classes:
            differing = sorted(set(classes) ^ set(others))
            raise InvalidFile(
                f"{base} has {len(classes)} classes in train and {len(others)} in val; only one of "
                f"the two has {differing[0]}"
            )
        facts = {"n_train": len(train), "n_test": len(test), "source": "folders"}
        return Data(
            train,
            test,
            len(classes),
            facts={**facts, "subset": len(train) < _TRAIN, "size": self.size},
        )

    def model(self, data: Data) -> nn.Module:
        """Return the network, with dropout before its last layer, and slow batch averages."""
        options = {"channels": 3} if self.network == "resnet18" else {}
        model = build_model(self.network, classes=data.classes, **options)
        _set_dropout(model, self.dropout)
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = 0.01  # the share of the new batch; the paper's 0.99 is of the old
        return model


def _set_dropout(model: nn.Module, share: float) -> None:
    """Set the dropout that is there; else put one before the last linear layer."""
    found = [part for part in model.modules() if isinstance(part, nn.Dropout)]
    for part in found:
        part.p = share
    if found or not share:
        return
    names = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    parent, _, last = names[-1].rpartition(".")
    linear = model.get_submodule(names[-1])
    setattr(model.get_submodule(parent), last, nn.Sequential(nn.Dropout(share), linear))
