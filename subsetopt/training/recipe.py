"""How a task is trained where nothing else is said."""

from dataclasses import dataclass

from subsetopt.errors import InvalidOption

SCHEDULES = ("constant", "step", "three_steps", "linear", "cosine", "warmup_exponential")
AUGMENTATIONS = ("none", "standard", "randaugment", "mixup", "ricap")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Epochs, batches and the optimiser: SGD with momentum.

    Parameters
    ----------
    epochs, batch_size : int
    lr : float
        The initial learning rate.
    momentum, weight_decay : float
    schedule : str
        One of `SCHEDULES`.
    augmentation : str
        One of `AUGMENTATIONS`.
    quick_epochs : int
        Enough for a first look.
    """

    epochs: int
    batch_size: int
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    schedule: str = "constant"
    augmentation: str = "none"
    ema: float | None = None
    """Decay of the average of the weights that is evaluated; None evaluates the weights."""
    quick_epochs: int = 1

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InvalidOption(f"schedule is {self.schedule!r}; one of {', '.join(SCHEDULES)}")
        if self.augmentation not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise InvalidOption(f"augmentation is {self.augmentation!r}; one of {known}")
