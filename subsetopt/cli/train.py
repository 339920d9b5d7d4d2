"""``subsetopt train``: train under a budget, by several rules, with a uniform baseline."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt import training
from subsetopt._options import option
from subsetopt.errors import InvalidOption
from subsetopt.training.run import Run, TuningOptions

from . import exits
from .derived_options import Given, Values
from .standard_streams import say
from .training_output import OutputOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subsetopt.training._tuning import Tuned, Tuning
    from subsetopt.training.run import Settings
    from subsetopt.training.run_result import Result

    Wanted = Callable[[list[Run], list[Result]], list[Run]]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is compared."""

    task: str = option(
        "Task to train: digits, mnist, fashion-mnist, cifar10, cifar100, svhn, linreg, tabular, "
        "segmentation, camvid or imagenet; with options: linreg:outliers=20.",
        argument=True,
    )
    rule: tuple[str, ...] = option(
        "Rules that choose samples, each with options of its own: vector:features=labels. "
        "Repeatable. Without a baseline among them, uniform is added. An unknown name lists all.",
        ("obftf",),
        repeatable=True,
    )
    budget: tuple[float, ...] = option(
        "Budgets: shares of full training's backward passes.", (0.25,), gt=0, le=1, metavar="B,..."
    )
    seeds: tuple[int, ...] = option("Seeds: each rule is trained once with each.", (0, 1, 2), ge=0)
    epochs: int | None = option(
        "Number of epochs of full training.", None, ge=1, unset="the task's"
    )
    quick: bool = option("Train for only as many epochs as give a first look at the task.", False)
    equal_cost: bool = option(
        "Also train the baseline so that it costs as much as the rules did, selection passes "
        "included, with larger steps and with more of them, and compare with the better one.",
        False,
    )
    equal_seconds: bool = option(
        "Also train the baseline so that it takes as long as the rules did, with larger steps and "
        "with more of them, and compare with the better one.",
        False,
    )

    def __post_init__(self) -> None:
        if self.quick and self.epochs is not None:
            raise InvalidOption("--quick and --epochs both set the number of epochs; give one")

    def matching(self, output: OutputOptions) -> "Iterator[Wanted]":
        """Yield what says which runs of the baseline are missing, for each way of matching."""
        if self.equal_cost:
            yield training.baselines_at_equal_cost
        if self.equal_seconds:
            yield _BySeconds(output)

    def runs(self, given: Values) -> list[Run]:
        """Return the runs of the comparison."""
        epochs = training.task(self.task).recipe.quick_epochs if self.quick else self.epochs
        return training.runs_of(
            self.task, self.rule, self.budget, self.seeds, epochs=epochs, **given
        )


@dataclass(frozen=True, kw_only=True)
class TunedOptions(TuningOptions):
    """Whether learning rates are tuned, and how."""

    tune_lr: bool = option(
        "First tune the learning rate of each rule at each budget on samples held out of the "
        "training set, with the same number of runs for each.",
        False,
    )


_OPTIMIZER = ("batch_size", "lr", "momentum", "weight_decay", "schedule", "augmentation")
_HOW = ("select_from", "evaluate_every", "device", "precision", "compile")
_TUNING = ("tune_lr", "factors", "repeats")


class _BySeconds:
    """Asks for runs that take as long; the first time it tries what more samples take."""

    def __init__(self, output: OutputOptions) -> None:
        self._output = replace(output, out=None, resume=False, tensorboard=False)
        self._probes: list[Result] | None = None

    def __call__(self, runs: list[Run], results: "list[Result]") -> list[Run]:
        if self._probes is None:
            self._probes = self._output.execute(training.clock_probes(runs), self._output)
        return training.baselines_at_equal_seconds(runs, results, self._probes)


def train(
    what: RunOptions,
    optimizer: Annotated[Values, Given(Run, _OPTIMIZER, unset="the task's", panel="Optimizer")],
    how: Annotated[Values, Given(Run, _HOW, panel="Training")],
    tuned: Annotated[Values, Given(TunedOptions, _TUNING, panel="Tuning")],
    output: OutputOptions,
) -> None:
    """Train a task under a budget by several rules and seeds, and compare them with uniform.

    `subsetopt train stream` trains on recorded forward passes instead.

    Example: subsetopt train digits --rule obftf,max_loss --budget 0.1,0.25
    """
    runs = what.runs(optimizer | how)
    tuning = training.Tuning(**tuned) if tuned.pop("tune_lr") else None
    try:
        results, found = _trained(runs, tuning, output, output)
        for wanted in what.matching(output):
            more = _matched(runs, results, wanted, tuning, output)
            results, found = results + more[0], found + more[1]
    except KeyboardInterrupt:
        output.say_where()
        raise typer.Exit(exits.INTERRUPTED) from None
    known = {"tuned": [one._asdict() for one in found]} if found else {}
    output.show(results, known, equal_cost=what.equal_cost, equal_seconds=what.equal_seconds)
    for one in () if output.as_json else found:
        edge = ", at the edge of the grid" if one.at_the_edge else ""
        say(f"lr {one.lr:g} for {one.rule} at {one.budget:g}{edge}", err=True)


def _trained(
    runs: list[Run], tuning: "Tuning | None", output: OutputOptions, settings: "Settings"
) -> "tuple[list[Result], list[Tuned]]":
    """Train, after tuning learning rates where that is asked for."""
    tuned: list[Tuned] = []
    if tuning is not None:
        with output.watching("tuning", len(tuning.runs(runs))) as watch:
            runs, tuned = tuning.tune(runs, settings, watch)
    return output.execute(runs, settings), tuned


def _matched(
    runs: list[Run],
    results: "list[Result]",
    wanted: "Wanted",
    tuning: "Tuning | None",
    output: OutputOptions,
) -> "tuple[list[Result], list[Tuned]]":
    """Train the baseline until there are runs that spent what its rivals did, three times at most.

    More than once only for seconds, of which it is not known before how many a run will take.
    """
    found: tuple[list[Result], list[Tuned]] = [], []
    for _ in range(3):
        missing = wanted(runs, results + found[0])
        if not missing:
            break
        resumed = replace(output, resume=output.out is not None)
        done = _trained(missing, tuning, output, resumed)
        found = found[0] + done[0], found[1] + done[1]
    return found
