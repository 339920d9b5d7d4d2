"""How a task is trained where nothing else is said."""

from dataclasses import dataclass, fields
from typing import Any, Self

from subsetopt._options import check, documented, option
from subsetopt.errors import InvalidOption

__all__ = ["Recipe"]

SCHEDULES = ("constant", "step", "three_steps", "linear", "cosine", "warmup_exponential")
AUGMENTATIONS = ("none", "standard", "randaugment", "mixup", "ricap")


@documented
@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """Batches and the optimizer: SGD with momentum."""

    batch_size: int = option("Number of samples in a batch.", ge=1)
    lr: float = option("Initial learning rate of SGD.", gt=0, lt=float("inf"))
    momentum: float = option("Momentum of SGD.", 0.0, ge=0, lt=1)
    weight_decay: float = option("Weight decay of SGD.", 0.0, ge=0, lt=float("inf"))

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of(cls, task: str, **given: Any) -> Self:
        """Return what the recipe of a task says, except for what is given and not None.

        Raises
        ------
        InvalidOption
            For an option that there is not, or a value outside its domain.
        """
        from subsetopt.training import task as made

        recipe, known = made(task).recipe, {one.name for one in fields(cls)}
        chosen = {key: value for key, value in given.items() if value is not None}
        if unknown := set(chosen) - known:
            raise InvalidOption(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
        same = {one.name: getattr(recipe, one.name) for one in fields(recipe) if one.name in known}
        return cls(**(same | {"task": task} | chosen))


@documented
@dataclass(frozen=True, kw_only=True)
class TrainingOptions(OptimizerOptions):
    """How a model is trained from its initial weights: epochs, batches and the optimizer."""

    epochs: int = option("Number of epochs of full training.", ge=1)
    nesterov: bool = option("Use Nesterov's momentum.", False)
    schedule: str = option(
        "Schedule of the learning rate over the budgeted training.", "constant", choices=SCHEDULES
    )
    augmentation: str = option(
        "Augmentation of the training samples.", "none", choices=AUGMENTATIONS
    )
    ema: float | None = option(
        "Decay of the average of the weights that is evaluated; None evaluates the weights.",
        None,
        gt=0,
        lt=1,
    )


@documented
@dataclass(frozen=True, kw_only=True)
class Recipe(TrainingOptions):
    """How a task is trained where nothing else is said."""

    quick_epochs: int = option("Number of epochs that are enough for a first look.", 1, ge=1)
