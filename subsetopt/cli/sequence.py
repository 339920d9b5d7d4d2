"""``subsetopt sequence``: all points of a data set in mini-batches."""

from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import typer

from subsetopt import report, sequencing
from subsetopt.errors import SubsetOptError
from subsetopt.formats import TableOptions

from . import exits
from .kernel_options import KernelOptions
from .sequence_options import ReportOptions, SequenceData, SequenceOptions, SourceOptions
from .standard_streams import output_to_error, say

if TYPE_CHECKING:
    from subsetopt.sequencing import Engine, MiniBatchSequence

    from .sequence_report import SequenceReport


def sequence(
    source: SourceOptions,
    kernel: KernelOptions,
    table: TableOptions,
    method: SequenceOptions,
    results: ReportOptions,
) -> None:
    """Put all points into mini-batches such that what was seen so far resembles what is left.

    Example: subsetopt sequence features.npy --batch-size 50 --out order.npz
    """
    from . import sequence_report

    sequence_report.require_known(results.compare, kernel.precomputed)
    data = source.read(table, kernel)
    with output_to_error():
        start = perf_counter()
        screen = report.console(stderr=True)
        quiet = results.as_json or not screen.is_terminal
        with nullcontext() if quiet else screen.status("evaluating the kernel"):
            engine = method.made_engine(data.points, kernel)
        build_seconds = perf_counter() - start
        if not results.as_json:
            say(f"engine {engine.describe()}", err=True)
        found = _found(data, engine, method, results)
        made = sequence_report.SequenceReport.of(
            found, engine, build_seconds, method.spec().name, data.labels
        )
        interrupted = not _compare(made, data, engine, method, results)
    if results.plot is not None:
        made.plot(results.plot)
    made.show(results.as_json, data.tables)
    raise typer.Exit(exits.INTERRUPTED if interrupted else exits.ANSWER)


def _found(
    data: SequenceData, engine: "Engine", method: SequenceOptions, results: ReportOptions
) -> "MiniBatchSequence":
    """Return the sequence, written where it should be; at Ctrl-C say what is left of it."""
    try:
        if getattr(engine, "tells", False):
            with sequencing.bar("row sums", unit="pairs", hidden=results.as_json) as told:
                engine.row_sums(told)  # type: ignore[call-arg]
        with sequencing.bar(hidden=results.as_json) as progress:
            found = method.run(data.points, engine, progress)
    except KeyboardInterrupt:
        _say_where(method.checkpoint)
        raise typer.Exit(exits.INTERRUPTED) from None
    if results.out is not None:
        found.save(results.out)
    return found


def _compare(
    made: "SequenceReport",
    data: SequenceData,
    engine: "Engine",
    method: SequenceOptions,
    results: ReportOptions,
) -> bool:
    """Add the others to what was made; False if Ctrl-C came between."""
    from . import sequence_report

    for name in results.compare:
        try:
            with sequencing.bar(name, hidden=results.as_json) as progress:
                made.add(sequence_report.run(name, data, engine, method, progress), data.labels)
        except SubsetOptError as error:  # the sequence itself is there, and is to be shown
            made.left_out[name] = str(error)
            say(f"{name} is left out: {error}", err=True)
        except KeyboardInterrupt:
            say(f"interrupted; {name} and what follows is left out", err=True)
            return False
    return True


def _say_where(checkpoint: Path | None) -> None:
    if checkpoint is None:
        text = "nothing is kept; --checkpoint FILE keeps what is done"
    elif checkpoint.exists():
        text = f"the checkpoint is {checkpoint}: the same command goes on from there"
    else:
        text = f"{checkpoint} was not written yet, since no batch was complete"
    say(f"interrupted; {text}", err=True)
