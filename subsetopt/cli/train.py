"""``subsetopt train``: train under a budget, by several rules, with uniform beside them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subsetopt.errors import InvalidOption

from . import exits
from .bundles import command
from .streams import say
from .trainings import Keeping, names, numbers

if TYPE_CHECKING:
    from subsetopt.training.comparing import Settings
    from subsetopt.training.result import Result
    from subsetopt.training.run import Run
    from subsetopt.training.tuning import Tuned, Tuning


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
    tuning_runs: Annotated[
        int | None,
        typer.Option(metavar="N", help="With each rate that --tune-lr tries; else 3."),
    ] = None
    equal_cost: Annotated[
        bool,
        typer.Option(
            "--equal-cost",
            help="Then train the baseline at those budgets at which it costs what the rules did, "
            "selection passes included, and compare with that as well.",
        ),
    ] = False

    def __post_init__(self) -> None:
        if self.quick and self.epochs is not None:
            raise InvalidOption("--quick and --epochs both say how many epochs; give one")
        if self.lr_factors is not None and not self.tune_lr:
            raise InvalidOption("--lr-factors is for --tune-lr")
        if self.tuning_runs is not None and not self.tune_lr:
            raise InvalidOption("--tuning-runs is for --tune-lr")

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

    @property
    def tuning(self) -> "Tuning | None":
        """How learning rates are tuned, where they are."""
        if not self.tune_lr:
            return None
        from subsetopt.training.tuning import Tuning

        given: dict[str, Any] = {}
        if self.lr_factors is not None:
            given["factors"] = tuple(numbers("--lr-factors", self.lr_factors, float))
        if self.tuning_runs is not None:
            given["repeats"] = self.tuning_runs
        return Tuning(**given)


def train(what: What, how: How, keeping: Keeping) -> None:
    """Train a task under a budget by several rules and seeds, and say which differ from uniform.

    `subsetopt train stream` trains on recorded forward passes instead.

    Example: subsetopt train digits --rule obftf,max_loss --budget 0.1,0.25
    """
    from subsetopt.training.comparing import runs_of

    budgets = numbers("--budget", what.budget, float)
    seeds = numbers("--seeds", what.seeds, int)
    runs = runs_of(what.task, what.rules, budgets, seeds, **how.fields(what.task))
    settings, tuning = keeping.settings(), how.tuning
    try:
        results, tuned = _trained(runs, tuning, keeping, settings)
        if how.equal_cost:
            more = _at_equal_cost(runs, results, tuning, keeping, settings)
            results, tuned = results + more[0], tuned + more[1]
    except KeyboardInterrupt:
        keeping.say_where()
        raise typer.Exit(exits.INTERRUPTED) from None
    _show(results, tuned, keeping, how.equal_cost)


def _trained(
    runs: "list[Run]", tuning: "Tuning | None", keeping: Keeping, settings: "Settings"
) -> "tuple[list[Result], list[Tuned]]":
    """Train, with learning rates that are tuned before where they are."""
    tuned: list[Tuned] = []
    if tuning is not None:
        with keeping.watching("tuning", len(tuning.runs(runs))) as watch:
            runs, tuned = tuning.tune(runs, settings, watch)
    return keeping.execute(runs, settings), tuned


def _at_equal_cost(
    runs: "list[Run]",
    results: "list[Result]",
    tuning: "Tuning | None",
    keeping: Keeping,
    settings: "Settings",
) -> "tuple[list[Result], list[Tuned]]":
    """Train the baseline at budgets that cost what its rivals did."""
    from subsetopt.training.analysis import baselines_at_equal_cost

    wanted = baselines_at_equal_cost(runs, results)
    if not wanted:
        return [], []
    return _trained(wanted, tuning, keeping, replace(settings, resume=settings.out is not None))


def _show(
    results: "list[Result]", tuned: "list[Tuned]", keeping: Keeping, equal_cost: bool
) -> None:
    more = {"tuned": [one._asdict() for one in tuned]} if tuned else {}
    keeping.show(results, more, equal_cost)
    if not keeping.as_json:
        for one in tuned:
            edge = ", at the edge of what was tried" if one.at_the_edge else ""
            say(f"lr {one.lr:g} for {one.rule} at {one.budget:g}{edge}", err=True)
