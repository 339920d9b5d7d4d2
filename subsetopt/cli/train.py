"""``subsetopt train``: train under a budget, by several rules, with uniform beside them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidOption

from . import exits
from .bundles import command
from .trainings import Keeping, names, numbers

if TYPE_CHECKING:
    from subsetopt.training.comparing import Settings
    from subsetopt.training.result import Result
    from subsetopt.training.run import Run
    from subsetopt.training.tuning import Tuned


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("train")(command(train))


@dataclass(frozen=True, kw_only=True)
class What:
    """What is compared."""

    task: Annotated[
        str,
        typer.Argument(
            help="digits, mnist, fashion-mnist, cifar10, cifar100, svhn, linreg, tabular, "
            "segmentation, camvid or imagenet; with options: linreg:outliers=20.",
            show_default=False,
        ),
    ]
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,...",
            help="How samples are chosen, each with options of its own: vector:features=labels; "
            "repeatable. uniform is added where there is no baseline. A wrong name lists all.",
        ),
    ] = None
    budget: Annotated[
        str, typer.Option(metavar="B,...", help="Shares of full training's backward passes.")
    ] = "0.25"
    seeds: Annotated[str, typer.Option(metavar="I,...", help="One run of each rule for each.")] = (
        "0,1,2"
    )

    def __post_init__(self) -> None:
        numbers("--budget", self.budget, float)
        numbers("--seeds", self.seeds, int)

    @property
    def rules(self) -> list[str]:
        """The names, each with its options."""
        return [name for text in self.rule or ["obftf"] for name in names(text)]


@dataclass(frozen=True, kw_only=True)
class How:
    """How it is trained; None leaves what the recipe of the task says."""

    epochs: Annotated[int | None, typer.Option(metavar="T", help="Of full training.")] = None
    quick: Annotated[
        bool, typer.Option("--quick", help="As few epochs as the task calls a first look.")
    ] = False
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Samples in a batch.")] = None
    lr: Annotated[float | None, typer.Option(help="The initial learning rate.")] = None
    momentum: Annotated[float | None, typer.Option(help="Of SGD.")] = None
    weight_decay: Annotated[float | None, typer.Option(help="Of SGD.")] = None
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the learning rate, over the budgeted training: constant, step, three_steps, "
            "linear, cosine or warmup_exponential.",
        ),
    ] = None
    augmentation: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="none, standard, randaugment, mixup or ricap."),
    ] = None
    select_from: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Rules within batches choose B * N of a batch of N (batch), or N of a pool of "
            "N / B (pool); else batch.",
        ),
    ] = None
    evaluate_every: Annotated[
        int | None, typer.Option(metavar="E", help="Epochs between evaluations; else 1.")
    ] = None
    device: Annotated[str | None, typer.Option(metavar="NAME", help="cpu or cuda; else cpu.")] = (
        None
    )
    precision: Annotated[
        str | None, typer.Option(metavar="NAME", help="float32, bfloat16 or float16.")
    ] = None
    compile_model: Annotated[
        bool, typer.Option("--compile", help="Compile the model by torch.compile.")
    ] = False
    tune_lr: Annotated[
        bool,
        typer.Option(
            "--tune-lr",
            help="First tune the learning rate of each rule at each budget, by samples held out of "
            "the training set and with as many runs for each.",
        ),
    ] = False
    lr_factors: Annotated[
        str | None,
        typer.Option(
            metavar="F,...", help="What --tune-lr multiplies the rate by; else 0.25,0.5,1,2,4."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.quick and self.epochs is not None:
            raise InvalidOption("--quick and --epochs both say how many epochs; give one")
        if self.lr_factors is not None and not self.tune_lr:
            raise InvalidOption("--lr-factors is for --tune-lr")

    def fields(self, task: str) -> dict[str, object]:
        """Return the fields of the runs."""
        from subsetopt.training.tasks import task as made

        epochs = made(task).recipe.quick_epochs if self.quick else self.epochs
        same = (
            "batch_size",
            "lr",
            "momentum",
            "weight_decay",
            "schedule",
            "augmentation",
            "select_from",
            "evaluate_every",
            "device",
            "precision",
        )
        given = {name: getattr(self, name) for name in same}
        return {**given, "epochs": epochs, "compile": self.compile_model or None}


def train(what: What, how: How, keeping: Keeping) -> None:
    """Train a task under a budget by several rules and seeds, and say which differ from uniform.

    `subsetopt train stream` trains on recorded forward passes instead.

    Example: subsetopt train digits --rule obftf,max_loss --budget 0.1,0.25
    """
    from subsetopt.training.comparing import runs_of

    budgets = numbers("--budget", what.budget, float)
    seeds = numbers("--seeds", what.seeds, int)
    runs = runs_of(what.task, what.rules, budgets, seeds, **how.fields(what.task))
    settings = keeping.settings()
    tuned: list[Tuned] = []
    try:
        if how.tune_lr:
            runs, tuned = _tuned(runs, how, keeping, settings)
        results = keeping.execute(runs, settings)
    except KeyboardInterrupt:
        keeping.say_where()
        raise typer.Exit(exits.INTERRUPTED) from None
    _show(results, tuned, keeping)


def _tuned(
    runs: "list[Run]", how: How, keeping: Keeping, settings: "Settings"
) -> "tuple[list[Run], list[Tuned]]":
    from subsetopt.training.tuning import FACTORS, Tuning

    text = how.lr_factors
    factors = FACTORS if text is None else tuple(numbers("--lr-factors", text, float))
    tuning = Tuning(factors=factors)
    with keeping.watching("tuning", len(tuning.runs(runs))) as watch:
        return tuning.tune(runs, settings, watch)


def _show(results: "list[Result]", tuned: "list[Tuned]", keeping: Keeping) -> None:
    keeping.show(results, {"tuned": [one._asdict() for one in tuned]} if tuned else {})
    if not keeping.as_json:
        for one in tuned:
            edge = ", at the edge of what was tried" if one.at_the_edge else ""
            typer.echo(f"lr {one.lr:g} for {one.rule} at {one.budget:g}{edge}", err=True)
