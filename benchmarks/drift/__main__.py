"""Serve, then train, under drift.

``python -m benchmarks.drift --task mnist --data DIR`` follows streams of real data: each
window is served, its losses are recorded, and then the model is trained on a share of it. Methods
are told apart by their names, see `subsetopt.benchmarks.drift.methods.Method`. What is reported is
the metric of each window before it was trained on.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from subsetopt._files import replacing, require_writable
from subsetopt.errors import InvalidFile, SubsetOptError
from subsetopt.machine import Machine

from .methods import DEFAULT, Method
from .report import Line, Outcome, lines_of, show, to_markdown
from .streams import TASKS
from .sweep import TUNING_SEEDS, Sweep, Told


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow the streams, print a table, keep results and figures."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(1)  # processor seconds are those of one thread
    try:
        for path in (given.out, given.plot):
            if path is not None:
                require_writable(path)
        found = _kept(given.read) if given.read else _measured(given)
        if given.out is not None:
            with replacing(given.out) as stream:
                stream.write(json.dumps(found, indent=1).encode())
        _report(found, given)
    except KeyboardInterrupt:
        print("interrupted; nothing is kept", file=sys.stderr)
        return 130
    except (SubsetOptError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="drift", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--task", choices=tuple(TASKS), default="mnist")
    parser.add_argument("--budget", default=[0.1, 0.25], type=_many(float))
    parser.add_argument("--seeds", default=[0, 1, 2, 3, 4], type=_many(int))
    parser.add_argument("--methods", default=DEFAULT, help=f"default: {DEFAULT}")
    parser.add_argument("--windows", type=int, help="of the stream")
    parser.add_argument("--size", type=int, help="instances of a window")
    parser.add_argument("--tune-lr", action="store_true", help="for each method, on other seeds")
    parser.add_argument("--records", choices=("memory", "folder"), default="memory")
    parser.add_argument("--data", type=Path, metavar="DIR", help="else SUBSETOPT_DATA names it")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.add_argument("--read", type=Path, metavar="FILE.json", help="show what was kept")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="what figures are named by")
    parser.add_argument("--markdown", action="store_true")
    return parser


def _many(kind: type) -> Any:
    return lambda text: [kind(part) for part in text.split(",")]


def _measured(given: argparse.Namespace) -> dict[str, Any]:
    task = TASKS[given.task](given.windows, given.size)
    methods = [Method.of(text) for text in given.methods.split(",")]
    sweep = Sweep(
        task=task,
        folder=given.data,
        methods=methods,
        budgets=given.budget,
        in_folder=given.records == "folder",
    )
    sweep.warm_up()
    tuning: list[Any] = []
    with _told(sweep.size(len(given.seeds), len(TUNING_SEEDS) * given.tune_lr)) as told:
        rates = sweep.fixed()
        if given.tune_lr:
            rates, tuning = sweep.tuned(told)
        outcomes = sweep.run(given.seeds, rates, told)
    return {
        "task": task.name,
        "windows": task.windows,
        "size": task.size,
        "batch_size": task.batch_size,
        "machine": asdict(Machine.here()) | {"torch": torch.__version__},
        "tuning": tuning,
        "outcomes": [outcome.to_dict() for outcome in outcomes],
    }


def _kept(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        TASKS[found["task"]]
        [Outcome.from_dict(values) for values in found["outcomes"]]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidFile(f"{path} holds no results of this benchmark: {error!r}") from error
    return found


def _report(found: dict[str, Any], given: argparse.Namespace) -> None:
    task = found["task"]
    lines = lines_of(Outcome.from_dict(values) for values in found["outcomes"])
    if given.markdown:
        print(to_markdown(task, lines))
    else:
        show(task, lines)
    edges = [
        f"{one['method']} {one['budget'] or ''}".strip()
        for one in found["tuning"]
        if one["at_the_edge"]
    ]
    if edges:
        print(f"\nbest learning rate at the edge of those tried: {', '.join(edges)}")
    if given.plot is not None:
        _draw(task, lines, given.plot)


def _draw(task: str, lines: Sequence[Line], path: Path) -> None:
    """Save ``NAME-time-BUDGET``, ``NAME-gain-BUDGET`` and ``NAME-seconds``."""
    from subsetopt.report.figure_files import save

    from .figures import against_seconds, gains, over_time

    def named(what: str) -> Path:
        return path.with_name(f"{path.stem}-{what}{path.suffix}")

    for budget in sorted({line.budget for line in lines if line.budget is not None}):
        save(over_time(task, lines, budget), named(f"time-{budget:g}"))
        save(gains(task, lines, budget), named(f"gain-{budget:g}"))
    save(against_seconds(task, lines), named("seconds"))


@contextmanager
def _told(total: int) -> Iterator[Told]:
    """Show a bar with the time that is left, where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.completed} of {task.total} streams"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        shown = bar.add_task("", total=total, last="")
        yield lambda last: bar.update(shown, advance=1, last=last)


if __name__ == "__main__":
    sys.exit(main())
