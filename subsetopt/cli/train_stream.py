"""``subsetopt train stream``: train a task on what serving has recorded."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subsetopt import records, report, training
from subsetopt._options import option
from subsetopt.report._progress import shown
from subsetopt.training.run import Settings, StreamRun

from . import exits
from .derived_options import Given, Values, json_flag
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.training.stream_training import Row


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """Which records are read, how far, and what is kept."""

    records: Path = option("Folder of the records.")
    name: str = option("Name of the stream, whose position is kept in the folder.", "train")
    follow: bool = option("Wait for more records at the end.", False)
    timeout: float | None = option(
        "Seconds without a new record after which --follow ends.",
        None,
        ge=0,
        metavar="S",
        unset="never",
        needs="follow",
    )
    delay: float = option("Seconds that a record waits for its label.", 0.0, metavar="S")
    max_backlog: int | None = option(
        "Number of records that may wait; the oldest beyond are dropped.", None, unset="no limit"
    )
    evaluate_every: int | None = option(
        "Number of windows between evaluations.", None, ge=1, unset="only at the end"
    )
    out: Path | None = option("Folder for the model and its position in the stream.", None)
    checkpoint_every: int | None = option(
        "Number of windows between checkpoints.", None, ge=1, unset="every 20 seconds", needs="out"
    )
    as_json: bool = json_flag("Print one JSON object instead of lines.")

    def prepared(self, run: StreamRun, data: Values) -> "training.StreamTraining":
        """Return the training of a task, with its data."""
        store = records.RecordStore(self.records)
        if self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
        return training.StreamTraining(
            run,
            training.task(run.task).load(data["data"], download=data["download"], seed=run.seed),
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


_RUN = ("task", "rule", "budget", "window", "seed", "device")
_OPTIMIZER = ("batch_size", "lr", "momentum", "weight_decay")
_DATA = ("data", "download")


def train_stream(
    run: Annotated[Values, Given(StreamRun, _RUN)],
    stream: StreamOptions,
    optimizer: Annotated[Values, Given(StreamRun, _OPTIMIZER, "the task's", "Optimizer")],
    data: Annotated[Values, Given(Settings, _DATA, panel="Data")],
) -> None:
    """Train a task on recorded forward passes: on the chosen samples of each window, once.

    With --out the same command resumes where it was, whatever has ended it.

    Example: subsetopt train stream --records records --task digits --budget 0.1 --out model
    """
    going = stream.prepared(StreamRun.of(**run, **optimizer), data)
    with _stopping(going), _watching(going, stream) as watch:
        result = going.fit(watch)
    if stream.as_json:
        say_json(report.plain(result))
    else:
        _say(result, stream.out)
    if going.interrupted:
        text = "nothing is kept; --out DIR keeps the model and its position in the stream"
        if stream.out is not None:
            text = f"the same command resumes from {stream.out}"
        say(f"interrupted; {text}", err=True)
        raise typer.Exit(exits.INTERRUPTED)


@contextmanager
def _stopping(going: "training.StreamTraining") -> Iterator[None]:
    """End after the window at hand at Ctrl-C; at once at the second."""
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        going.stop()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _watching(
    going: "training.StreamTraining", stream: StreamOptions
) -> "Iterator[Callable[[int, Row | None], None]]":
    """Print evaluations; show on standard error how far it is."""
    cursor = going.stream.cursor
    total = cursor.windows + going.stream.backlog // going.run.window
    known = None if stream.follow else total
    with shown("training", known, unit="windows", hidden=stream.as_json) as steps:

        def watch(windows: int, row: "Row | None") -> None:
            steps.update(windows)
            if row is not None and not stream.as_json:
                say(_line(row))

        yield watch


def _line(row: "Row") -> str:
    tests = (f"{name[5:]} {value:.4f}" for name, value in row.items() if name.startswith("test_"))
    counts = f"{row['windows']:,.0f} windows, {row['samples']:,.0f} samples"
    loss = row["train_loss"]
    learnt = f"training loss {loss:.4f}" if loss == loss else "nothing new"
    return f"{counts}, {learnt}; test {', '.join(tests)}"


def _say(result: dict[str, Any], out: Path | None) -> None:
    say(
        f"{result['records']:,} records: {result['chosen']:,} chosen, {result['unknown']:,} of "
        f"unknown loss, {result['dropped']:,} more dropped, {result['lost']:,} lost; "
        f"{result['backlog']:,} wait"
    )
    if result["foreign"]:
        say(
            f"{result['foreign']:,} chosen ids are not training samples of {result['task']} and "
            "were left out",
            err=True,
        )
    if out is not None:
        say(f"kept in {out}", err=True)
