"""What the commands that train have in common: where things go, progress, and what is shown."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from subsetopt.errors import InvalidOption

from .streams import say

if TYPE_CHECKING:
    from subsetopt.training.analysis import Analysis
    from subsetopt.training.comparing import Settings, Watch
    from subsetopt.training.result import Result
    from subsetopt.training.run import Run

Number = TypeVar("Number", int, float)


def names(text: str) -> list[str]:
    """Return the parts between commas, those in brackets left alone."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def numbers(option: str, text: str, kind: type[Number]) -> list[Number]:
    """Return the numbers between commas, or raise InvalidOption."""
    try:
        found = [kind(part) for part in names(text)]
    except ValueError:
        found = []
    if not found:
        what = "whole numbers" if kind is int else "numbers"
        raise InvalidOption(f"{option} is {text!r}; {what} separated by commas are needed")
    return found


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Where data come from, where results go, and how they are shown."""

    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the data sets; else SUBSETOPT_DATA names it."),
    ] = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch files that are missing there.")
    ] = False
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep results here, and checkpoints meanwhile."),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what the folder holds.")] = (
        False
    )
    jobs: Annotated[
        int | None,
        typer.Option(help="Runs at a time; else one for each processor, on a GPU one."),
    ] = None
    threads: Annotated[
        int | None, typer.Option(help="Of each run; else the processors divided by the jobs.")
    ] = None
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write scalars to DIR/tensorboard as well.")
    ] = False
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables as Markdown.")] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False

    def __post_init__(self) -> None:
        if self.markdown and self.as_json:
            raise InvalidOption("--markdown and --json exclude each other")

    def settings(self) -> "Settings":
        """Return what training is told."""
        from subsetopt.training.comparing import Settings

        return Settings(
            data_folder=self.data,
            download=self.download,
            out=self.out,
            resume=self.resume,
            jobs=self.jobs,
            threads=self.threads,
            tensorboard=self.tensorboard,
        )

    def execute(self, runs: "list[Run]", settings: "Settings") -> "list[Result]":
        """Train, with a bar."""
        from subsetopt.training.comparing import execute

        with self.watching("training", len(runs)) as watch:
            return execute(runs, settings, watch)

    @contextmanager
    def watching(self, label: str, total: int) -> "Iterator[Watch]":
        """Show how far it is, on standard error; of the processes of torchrun one does."""
        from subsetopt.report.progress import shown

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
        equal_cost: bool = False,
    ) -> None:
        """Print the comparison, and that with runs of the baseline which cost as much."""
        from subsetopt.training.analysis import analyse, at_equal_cost
        from subsetopt.training.reporting import to_dict

        if int(os.environ.get("RANK", "0")):  # of the processes of torchrun one speaks
            return
        known, matched = more or {}, at_equal_cost(results) if equal_cost else None
        if matched is not None and self.as_json:
            known["equal_cost"] = to_dict(matched)
        show(analyse(results), as_markdown=self.markdown, as_json=self.as_json, more=known)
        if matched is not None and matched.groups and not self.as_json:
            show(matched, as_markdown=self.markdown)
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
    from subsetopt.report import console
    from subsetopt.training.reporting import document, to_dict

    if as_json:
        say(json.dumps({**to_dict(analysis), **(more or {})}, allow_nan=False))
    elif as_markdown:
        say(document(analysis).to_markdown())
    else:
        console().print(document(analysis))
