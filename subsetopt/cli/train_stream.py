"""``subsetopt train stream``: train a task on what serving has recorded."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subsetopt.errors import InvalidOption

from . import exits
from .bundles import command
from .streams import say

if TYPE_CHECKING:
    from subsetopt.training.streaming import Row, Streamed, StreamTraining


def register(app: typer.Typer) -> None:
    """Add the command to an app, by its two words."""
    app.command("train stream")(command(train_stream))


@dataclass(frozen=True, kw_only=True)
class What:
    """What is trained, on which records."""

    records: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of records.", show_default=False)
    ]
    task: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The task, as for `train`; ids of records are numbers of its training samples.",
            show_default=False,
        ),
    ]
    rule: Annotated[
        str, typer.Option(metavar="NAME", help="How samples are chosen. A wrong name lists all.")
    ] = "obftf"
    budget: Annotated[
        float, typer.Option(metavar="B", help="Share of a window's known losses that is chosen.")
    ] = 0.1
    window: Annotated[int, typer.Option(metavar="N", help="Records in a window.")] = 1024
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", help="Samples in a step; else the task's.")
    ] = None
    lr: Annotated[float | None, typer.Option(help="The learning rate; else the task's.")] = None
    seed: Annotated[int, typer.Option(metavar="I", help="Of the initial weights.")] = 0
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu"
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the data sets; else SUBSETOPT_DATA names it."),
    ] = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch files that are missing there.")
    ] = False

    def streamed(self) -> "Streamed":
        """Return it as training takes it."""
        from subsetopt.training.streaming import Streamed

        return Streamed.of(
            self.task,
            rule=self.rule,
            budget=self.budget,
            window=self.window,
            batch_size=self.batch_size,
            lr=self.lr,
            seed=self.seed,
            device=self.device,
        )


@dataclass(frozen=True, kw_only=True)
class Going:
    """How far it goes, and what is kept."""

    name: Annotated[
        str, typer.Option(metavar="NAME", help="Of the stream, whose place is kept in DIR.")
    ] = "train"
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more at the end.")] = False
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="With --follow: end after so many seconds without any."),
    ] = None
    delay: Annotated[
        float, typer.Option(metavar="S", help="Seconds that a record waits for its label.")
    ] = 0.0
    max_backlog: Annotated[
        int | None,
        typer.Option(metavar="N", help="Records that may wait; the oldest beyond are dropped."),
    ] = None
    evaluate_every: Annotated[
        int | None, typer.Option(metavar="N", help="Windows between evaluations; else the end.")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the model and the place in the stream here."),
    ] = None
    checkpoint_every: Annotated[
        int | None,
        typer.Option(metavar="N", help="Windows between checkpoints; else every 20 seconds."),
    ] = None
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of lines.")
    ] = False

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.follow:
            raise InvalidOption("--timeout is for --follow")
        if self.timeout is not None and not self.timeout >= 0:
            raise InvalidOption(f"--timeout is {self.timeout:g}; seconds >= 0 are needed")
        if self.checkpoint_every is not None and self.out is None:
            raise InvalidOption("--checkpoint-every is for --out DIR")

    def training(self, what: What) -> "StreamTraining":
        """Return the training, with its data."""
        from subsetopt.records import RecordStore
        from subsetopt.training.streaming import StreamTraining
        from subsetopt.training.tasks import task

        run, store = what.streamed(), RecordStore(what.records)
        if self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
        data = task(run.task).load(what.data, download=what.download, seed=run.seed)
        return StreamTraining(
            run,
            data,
            store,
            self.name,
            self.out,
            evaluate_every=self.evaluate_every,
            checkpoint_every=self.checkpoint_every,
            follow=self.follow,
            timeout=float("inf") if self.timeout is None else self.timeout,
            delay=self.delay,
            max_backlog=self.max_backlog,
        )


def train_stream(what: What, going: Going) -> None:
    """Train a task on recorded forward passes: of each window the chosen samples, once.

    With --out the same command goes on where it was, whatever has ended it.

    Example: subsetopt train stream --records records --task digits --budget 0.1 --out model
    """
    training = going.training(what)
    with _stopping(training), _watching(training, going) as watch:
        result = training.fit(watch)
    if going.as_json:
        say(json.dumps(_plain(result)))
    else:
        _say(result, going)
    if training.interrupted:
        _say_where(going.out)
        raise typer.Exit(exits.INTERRUPTED)


@contextmanager
def _stopping(training: "StreamTraining") -> Iterator[None]:
    """End after the window at hand at Ctrl-C; at once at the second."""
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        training.stop()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _watching(
    training: "StreamTraining", going: Going
) -> "Iterator[Callable[[int, Row | None], None]]":
    """Print evaluations; show on standard error how far it is."""
    from subsetopt.report.progress import shown

    cursor = training.stream.cursor
    total = cursor.windows + training.stream.backlog // training.run.window
    known = None if going.follow else total
    with shown("training", known, unit="windows", hidden=going.as_json) as steps:

        def watch(windows: int, row: "Row | None") -> None:
            steps.update(windows)
            if row is not None and not going.as_json:
                say(_line(row))

        yield watch


def _line(row: "Row") -> str:
    tests = (f"{name[5:]} {value:.4f}" for name, value in row.items() if name.startswith("test_"))
    counts = f"{row['windows']:,.0f} windows, {row['samples']:,.0f} samples"
    loss = row["train_loss"]
    learnt = f"training loss {loss:.4f}" if loss == loss else "nothing new"
    return f"{counts}, {learnt}; test {', '.join(tests)}"


def _say(result: dict[str, Any], going: Going) -> None:
    say(
        f"{result['records']:,} records: {result['chosen']:,} chosen, {result['unknown']:,} of "
        f"unknown loss, {result['dropped']:,} more dropped, {result['lost']:,} lost; "
        f"{result['backlog']:,} wait"
    )
    if result["foreign"]:
        say(
            f"{result['foreign']:,} chosen ids are no numbers of training samples of "
            f"{result['task']}, and were left out",
            err=True,
        )
    if going.out is not None:
        say(f"kept in {going.out}", err=True)


def _say_where(out: Path | None) -> None:
    text = "nothing is kept; --out DIR keeps the model and the place in the stream"
    if out is not None:
        text = f"the same command goes on with {out}"
    say(f"interrupted; {text}", err=True)


def _plain(result: Any) -> Any:
    """Return it without NaN, which JSON has not."""
    if isinstance(result, dict):
        return {key: _plain(value) for key, value in result.items()}
    if isinstance(result, list):
        return [_plain(value) for value in result]
    return None if isinstance(result, float) and result != result else result
