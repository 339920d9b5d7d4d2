"""``subsetopt records``: inspection and maintenance of recorded forward passes."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import MISSING, asdict
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import typer

from subsetopt import records, report
from subsetopt._options import option, quantity
from subsetopt.errors import InvalidOption
from subsetopt.report._number_format import counted, percent, size
from subsetopt.report._progress import shown

from . import exits
from .derived_options import json_flag, output_file, picture_file
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.records._classes import Classes
    from subsetopt.records._cursors import Progress, RecordRow
    from subsetopt.records._maintenance import Compacted, Dropped
    from subsetopt.records.store import Info, RecordStore

_POLL = 0.5
_WRITERS = 10
"""How many are named."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
FOLDER: Any = option("Folder of the records.", argument=True)


def _age(name: str, text: str) -> float:
    """Return seconds: of ``30d``, ``12h``, ``90m``, ``45s``, ``2w`` or a plain number.

    Raises
    ------
    InvalidOption
        For another text, or nothing above 0.
    """
    return quantity(
        name, text, _UNITS, "a number > 0 of seconds, or with a unit: 90m, 12h, 30d, 2w"
    )


def _moment(name: str, text: str) -> float:
    """Return seconds since 1970: of ``2026-11-27``, ``2026-11-27T18:00``, or of such a number.

    What names no zone is UTC.

    Raises
    ------
    InvalidOption
        For another text.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            time = datetime.fromisoformat(text.strip())
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            pass
    else:
        if isfinite(seconds):
            return seconds
    raise InvalidOption(
        f"{name} must be a date such as 2026-11-27, 2026-11-27T18:00, or seconds since 1970; got "
        f"{text!r}"
    )


def _utc(seconds: float) -> str:
    """Return seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def info(folder: Path = FOLDER, as_json: bool = json_flag("Print one JSON object.")) -> None:
    """Say what a folder holds, and how far its streams have come.

    Example: subsetopt records info records
    """
    store = records.RecordStore(folder)
    found, skipped = store.info(), records._segment_files.Skipped()
    progress = records._cursors.streams(store, skipped)
    found.left_out.update({f"{why} cursor": count for why, count in skipped.items()})
    classes = store.classes()
    if as_json:
        document = {
            **asdict(found),
            "labels_no_class": None if classes is None else classes.no_class,
            "labels_from_one": None if classes is None else classes.from_one,
            "layout": json.loads(store.layout.to_json()),
            "streams": progress,
        }
        say_json(document)
        return
    _show_info(store, found, classes, progress)


def _show_info(
    store: "RecordStore", found: "Info", classes: "Classes | None", progress: "list[Progress]"
) -> None:
    out = report.console()
    out.print(report.facts(_lines(store, found, classes)))
    counts = ("windows", "records", "chosen", "unknown", "dropped", "lost", "backlog")
    columns: list[report.Column[Progress]] = [report.Column("stream", "name")]
    columns += [report.Column(name, name, ",d") for name in counts]
    if progress:
        out.print(report.Table(columns, progress))


def _labels(found: "Info", classes: "Classes | None") -> str:
    text = f"{found.labels:,}"
    if classes is None or not classes.no_class:
        return text
    text += f", {classes.no_class:,} are not a class in 0..{classes.count - 1} and give no loss"
    if classes.from_one:
        text += f": they seem to count from 1, up to {classes.count} and without 0"
    return text


def _lines(store: "RecordStore", found: "Info", classes: "Classes | None") -> dict[str, str]:
    layout = store.layout
    held_records = f"{found.records:,}"
    if found.records:
        held_records += f", {percent(found.with_loss / found.records)} with a loss"
    each = found.bytes / max(1, found.records + found.labels)
    span = "nothing yet"
    if found.first is not None and found.last is not None:
        span = f"{_utc(found.first)} to {_utc(found.last)} UTC"
    held = [f"ids {layout.ids}"]
    if layout.outputs:
        held.append(f"{layout.outputs} outputs ({layout.outputs_are})")
    if layout.features:
        held.append(f"{layout.features} features")
    writers = [f"{name} {count:,}" for name, count in sorted(found.writers.items())]
    more = f" and {len(writers) - _WRITERS:,} more" if len(writers) > _WRITERS else ""
    return {
        "records": held_records,
        "labels": _labels(found, classes),
        "writers": ", ".join(writers[:_WRITERS]) + more if writers else "none",
        "time": span,
        "size": f"{counted(found.files, 'file')}, {size(found.bytes)}, {each:.1f} bytes a record",
        "layout": ", ".join(held),
        "left out": ", ".join(f"{n} {why}" for why, n in found.left_out.items()) or "nothing",
    }


def tail(
    folder: Path = FOLDER,
    count: int = option("Number of records.", 10, ge=0, flags=("--lines", "-n")),
    follow: bool = option("Then print new records as they come, until Ctrl-C.", False),
    as_json: bool = json_flag("Print one JSON object for each record."),
) -> None:
    """Print the latest records, in the order of their times.

    Example: subsetopt records tail records -n 20 --follow
    """
    tailing = records._cursors.Tailing(records.RecordStore(folder))
    try:
        _say_rows(tailing.last(count), as_json)
        while follow:
            sleep(_POLL)
            _say_rows(tailing.more(), as_json)
    except KeyboardInterrupt:
        if not follow:
            raise
        raise typer.Exit(exits.INTERRUPTED) from None


def _say_rows(rows: "list[RecordRow]", as_json: bool) -> None:
    for row in rows:
        if as_json:
            say_json(report.plain(row._asdict()))
            continue
        loss = "-" if row.loss is None else f"{row.loss:.6g}"
        say(f"{_utc(row.time)}  {row.id:>12}  {loss:>12}  {row.model or '-'}  {row.writer}")
    sys.stdout.flush()


def compact(
    folder: Path = FOLDER,
    rows: int = option("Maximum number of records in a merged file.", 4_194_304, ge=1),
    across_writers: bool = option(
        "Merge files of different writers too. Versions up to 0.2.0 then refuse the folder.", False
    ),
    max_age: float | None = option(
        "Drop files whose last record is older: 30d, 12h, 90m, or seconds.",
        None,
        metavar="AGE",
        parse=_age,
    ),
    max_records: int | None = option("Drop the oldest files beyond this many records.", None, ge=0),
    as_json: bool = json_flag("Print one JSON object."),
) -> None:
    """Merge small files, and drop old ones where a limit is given, while others write and read.

    Example: subsetopt records compact records --max-age 30d
    """
    store = records.RecordStore(folder)
    dropped: Dropped | None = None
    screen = report.console(stderr=True)
    quiet = as_json or not screen.is_terminal
    with nullcontext() if quiet else screen.status("merging"):
        if max_age is not None or max_records is not None:
            dropped = store.retain(max_age=max_age, max_records=max_records)
        merged = store.compact(rows, across_writers=across_writers)
    if as_json:
        say_json({"dropped": dropped, "merged": merged})
        return
    _show_compact(dropped, merged)


def _show_compact(dropped: "Dropped | None", merged: "Compacted") -> None:
    if dropped is not None:
        files = counted(dropped.files, "file")
        text = f"dropped {files} with {dropped.records:,} records or labels, {size(dropped.bytes)}"
        say(text if dropped.files else "nothing to drop")
    if merged.files == merged.files_before:
        say(f"nothing to merge in {counted(merged.files, 'file')}, {size(merged.bytes)}")
        return
    say(
        f"merged {counted(merged.files_before, 'file')} into {merged.files}, "
        f"{size(merged.bytes_before)} into {size(merged.bytes)}"
    )


def export(
    folder: Path = FOLDER,
    out: Path = output_file("File to write", ".parquet", ".csv", ".jsonl", default=MISSING),
    since: float | None = option(
        "Earliest time: 2026-11-27T18:00 (UTC), or seconds since 1970.",
        None,
        metavar="TIME",
        parse=_moment,
    ),
    until: float | None = option(
        "Time from which on records are left out.", None, metavar="TIME", parse=_moment
    ),
    writer: str | None = option("Writer whose records are written.", None, unset="all"),
    latest: bool = option("Write one row for each id, with its latest loss.", False),
) -> None:
    """Write records to one file; losses whose labels came later are filled in.

    Example: subsetopt records export records --out records.csv --since 2026-11-27
    """
    limits = {"since": since, "until": until, "writer": writer}
    if latest and any(one is not None for one in limits.values()):
        raise InvalidOption("--latest is of all records; leave out --since, --until and --writer")
    store = records.RecordStore(folder)
    if latest:
        written = records._exporting.export_latest(store, out)
    else:
        with _bar("exporting", store) as progress:
            written = records._exporting.export(store, out, progress=progress, **limits)  # type: ignore[arg-type]
    say(f"{written:,} {'ids' if latest else 'records'} written to {out}", err=True)


def plot(
    folder: Path = FOLDER,
    out: Path = picture_file("File for the picture", MISSING),
    stream: str | None = option(
        "Stream whose choices are shown.", None, unset="the only one that kept them"
    ),
    bins: int = option("Number of intervals of time.", 60, ge=1),
) -> None:
    """Draw how losses are distributed over time, and what a stream has chosen of them.

    Example: subsetopt records plot records --out losses.svg
    """
    store = records.RecordStore(folder)
    with _bar("reading", store) as progress:
        found = records._distribution.distribution(store, bins, stream, progress)
    records._distribution.over_time(found).save(out)
    about = f", with what {found.stream} chose" if found.stream else ""
    say(f"{found.records:,} records drawn to {out}{about}", err=True)


@contextmanager
def _bar(label: str, store: "RecordStore") -> Iterator[Callable[[int], None]]:
    """Show on standard error how many records have been read."""
    with shown(label, store.info().records, unit="records") as steps:
        yield steps.update


SUBCOMMANDS = {"info": info, "tail": tail, "compact": compact, "export": export, "plot": plot}
