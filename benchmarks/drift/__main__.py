"""Serve, then train, under drift.

``python -m benchmarks.drift --task mnist --data DIR --out FOLDER`` follows streams of real data:
each window is served, its losses are recorded, and then the model is trained on a share of it.
Methods are told apart by their names, see `WindowMethod`. What is reported is the metric of each
window before it was trained on; ``subsetopt report FOLDER`` draws it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from subsetopt.errors import SubsetOptError
from subsetopt.report import console
from subsetopt.report._progress import shown
from subsetopt.torch.rules import rule
from subsetopt.training._run_grid import execute
from subsetopt.training._tuning import Tuned, Tuning
from subsetopt.training.analysis import analyse
from subsetopt.training.reporting import document
from subsetopt.training.run import Run, Settings
from subsetopt.training.run_result import Result

from .following import follow_run
from .methods import BASELINE, DEFAULT, FULL, NONE, REFERENCES, WindowMethod
from .streams import DRIFTS

REPEATS = 2
"""Streams on which each learning rate is tuned; their seeds are not those that are reported."""
EVERY = 5
"""Windows that a point of a curve is the mean of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow the streams, print a table, keep results."""
    given = _parser().parse_args(arguments)
    try:
        results, edges = _measured(given)
    except KeyboardInterrupt:
        print("interrupted; --resume goes on with --out", file=sys.stderr)
        return 130
    except (SubsetOptError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = document(analyse(results))
    if given.markdown:
        print(page.to_markdown())
    else:
        console().print(page)
    if edges:
        print(f"\nbest learning rate at the edge of those tried: {', '.join(edges)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="drift", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--task", choices=tuple(DRIFTS), default="mnist")
    parser.add_argument("--budget", default=[0.1, 0.25], type=_many(float))
    parser.add_argument("--seeds", default=[0, 1, 2, 3, 4], type=_many(int))
    parser.add_argument("--methods", default=DEFAULT, help=f"default: {DEFAULT}")
    parser.add_argument("--windows", type=int, help="of the stream")
    parser.add_argument("--size", type=int, help="instances of a window")
    parser.add_argument("--tune-lr", action="store_true", help="for each method, on other seeds")
    parser.add_argument("--data", type=Path, metavar="DIR", help="else SUBSETOPT_DATA names it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep results here")
    parser.add_argument("--resume", action="store_true", help="go on with what the folder holds")
    parser.add_argument("--jobs", type=int, default=1, help="at a time; seconds are fair with 1")
    parser.add_argument("--markdown", action="store_true")
    return parser


def _many(kind: type) -> Any:
    return lambda text: [kind(part) for part in text.split(",")]


def _measured(given: argparse.Namespace) -> tuple[list[Result], list[str]]:
    """Return the results, and the rules and budgets whose best learning rate is at the edge."""
    settings = Settings(
        data=given.data, out=given.out, resume=given.resume, jobs=given.jobs, threads=1
    )
    runs, tuned = _runs(given), list[Tuned]()
    _warm_up(runs)
    if given.tune_lr:
        tuning = Tuning(factors=DRIFTS[given.task].factors, repeats=REPEATS)
        trained = [run for run in runs if run.rule != NONE]
        better, tuned = tuning.tune(trained, settings, train=follow_run)
        runs = [run for run in runs if run.rule == NONE] + better
    with shown("following", len(runs), unit="streams") as steps:
        results = execute(
            runs, settings, lambda result, done, total: steps.update(done, total), follow_run
        )
    return results, [f"{one.rule} {one.budget:g}" for one in tuned if one.at_the_edge]


def _runs(given: argparse.Namespace) -> list[Run]:
    """Return each method at each budget, uniform sampling among them, and the references."""
    drift = DRIFTS[given.task]
    windows = drift.windows if given.windows is None else given.windows
    size = drift.size if given.size is None else given.size
    methods = [WindowMethod.of(text) for text in given.methods.split(",")]
    rules = dict.fromkeys([BASELINE, *(str(one) for one in methods if one.rule not in REFERENCES)])
    lines = [(NONE, 1.0), (FULL, 1.0), *((one, b) for b in given.budget for one in rules)]
    return [
        Run(
            task=f"{given.task}:size={size}",
            rule=rule,
            budget=budget,
            seed=seed,
            epochs=windows,
            batch_size=drift.batch_size,
            lr=drift.lr,
            evaluate_every=max(1, min(EVERY, windows)),
        )
        for seed in given.seeds
        for rule, budget in lines
    ]


def _warm_up(runs: Sequence[Run]) -> None:
    """Let what is compiled on first use be compiled before seconds are counted."""
    for name in {WindowMethod.of(run.rule).rule for run in runs} - set(REFERENCES):
        rule(name)(torch.rand(64), 8)


if __name__ == "__main__":
    sys.exit(main())
