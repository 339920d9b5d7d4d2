"""Output options of the commands that train: folders, progress, reports."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subsetopt import report, training
from subsetopt._options import option
from subsetopt.errors import InvalidOption
from subsetopt.report._progress import shown
from subsetopt.training.run import Settings

from .derived_options import json_flag
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.training._run_grid import Watch
    from subsetopt.training.analysis import Analysis
    from subsetopt.training.run import Run
    from subsetopt.training.run_result import Result


@dataclass(frozen=True, kw_only=True)
class OutputOptions(Settings):
    """Where data come from, where results go, and how they are shown."""

    markdown: bool = option("Print tables as Markdown.", False)
    as_json: bool = json_flag()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.markdown and self.as_json:
            raise InvalidOption("--markdown and --json exclude each other")

    def execute(self, runs: "list[Run]", settings: Settings) -> "list[Result]":
        """Train, with a bar."""
        with self.watching("training", len(runs)) as watch:
            return training.execute(runs, settings, watch)

    @contextmanager
    def watching(self, label: str, total: int) -> "Iterator[Watch]":
        """Show how far it is, on standard error; of the processes of torchrun one does."""
        if int(os.environ.get("RANK", "0")):
            yield lambda result, done, total: None
            return
        with shown(label, total, unit="runs", hidden=self.as_json) as steps:

            def watch(result: "Result", done: int, total: int) -> None:
                run = result.run
                last = f"{run.rule} {run.budget:g}: {result.metric} {result.value:.4f}"
                steps.update(done, total, note=last)

            yield watch

    def say_where(self) -> None:
        """Say what is left after Ctrl-C."""
        text = "nothing is kept; --out DIR keeps finished runs"
        if self.out is not None:
            text = f"--resume goes on with {self.out}"
        say(f"interrupted; {text}", err=True)

    def show(
        self,
        results: "list[Result]",
        more: "dict[str, Any] | None" = None,
        *,
        equal_cost: bool = False,
        equal_seconds: bool = False,
    ) -> None:
        """Print the comparison, and those with runs of the baseline that spent as much."""
        from subsetopt.training.reporting import to_dict

        if int(os.environ.get("RANK", "0")):  # of the processes of torchrun one speaks
            return
        known, matched = more or {}, {}
        if equal_seconds:
            matched["equal_seconds"] = training.at_equal_seconds(results)
        if equal_cost:
            matched["equal_cost"] = training.at_equal_cost(results)
        if self.as_json:
            known |= {name: to_dict(found) for name, found in matched.items()}
        show(training.analyse(results), as_markdown=self.markdown, as_json=self.as_json, more=known)
        for found in () if self.as_json else matched.values():
            if found.groups:
                show(found, as_markdown=self.markdown)
        if self.out is not None and not self.as_json:
            say(f"kept in {self.out}; figures: subsetopt report {self.out}", err=True)


def show(
    analysis: "Analysis",
    *,
    as_markdown: bool = False,
    as_json: bool = False,
    more: "dict[str, Any] | None" = None,
) -> None:
    """Print an analysis, as tables, as Markdown, or as one JSON object with `more` in it."""
    from subsetopt.training.reporting import document, to_dict

    if as_json:
        say_json({**to_dict(analysis), **(more or {})})
    elif as_markdown:
        say(document(analysis).to_markdown())
    else:
        report.console().print(document(analysis))
