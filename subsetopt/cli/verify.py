"""``subsetopt verify``: independent check of an answer or a proof file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import subsetopt
from subsetopt._files import replacing
from subsetopt._options import option
from subsetopt.errors import InvalidFile
from subsetopt.formats import TableOptions
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.verify import (
    VerificationFailed,
    VerificationReport,
    standalone,
    verify,
    verify_proof,
)

from . import exits
from .derived_options import json_flag, output_file
from .kernel_options import KernelOptions
from .mean_matching_options import MeanMatchingOptions
from .mmd_options import MMDOptions
from .problem_options import ids_of
from .quadratic_options import QuadraticOptions
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.solution import Solution


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """An answer, and what is said of it."""

    answer: str = option(
        "Answer that 'subsetopt solve --json' has printed.", argument=True, metavar="JSON"
    )
    proof: str | None = option(
        "Proof file that 'subsetopt solve --proof' has written.", None, metavar="FILE"
    )
    as_json: bool = json_flag("Print one JSON object.")

    def check(self, problem: Any) -> None:
        """Check the answer against the problem, and say what has been shown."""
        solution = _solution(self.answer)
        _said(lambda: verify(problem, solution, self.proof), self.as_json)


def mean_matching(
    answer: AnswerOptions,
    problem: MeanMatchingOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    seed: int = option("Seed of the target 'noisy', as it was given to solve.", 0, ge=0),
) -> None:
    """Check an answer of mean matching: its selection, its objective, and its proof.

    Example: subsetopt verify mean-matching answer.json losses.npy --k 13
    """
    read, tables = problem.read(seed, rules.features(problem.file, table))
    kept, _ = rules.kept(read, problem.file, ids_of(tables))
    answer.check(kept)


def quadratic(
    answer: AnswerOptions,
    problem: QuadraticOptions,
    table: TableOptions,
    rules: ConstraintOptions,
) -> None:
    """Check an answer of quadratic selection: its selection, its objective, and its proof.

    Example: subsetopt verify quadratic answer.json instance.txt --proof proof.jsonl.gz
    """
    read = problem.read(table)
    kept, _ = rules.kept(read.problem, problem.file, ids_of(read.tables))
    answer.check(kept)


def mmd(
    answer: AnswerOptions,
    problem: MMDOptions,
    kernel: KernelOptions,
    table: TableOptions,
    rules: ConstraintOptions,
) -> None:
    """Check an answer of MMD selection: its selection, its objective, and its proof.

    Example: subsetopt verify mmd answer.json features.npy --k 32
    """
    read, tables = problem.read(kernel, rules.features(problem.file, table))
    kept, _ = rules.kept(read, problem.file, ids_of(tables))
    answer.check(kept)


def proof(
    file: str = option("Proof file.", argument=True, metavar="FILE"),
    as_json: bool = json_flag("Print one JSON object."),
) -> None:
    """Check a proof file on its own: its claims, for the problem that it states.

    Example: subsetopt verify proof proof.jsonl.gz
    """
    _said(lambda: verify_proof(file), as_json)


def script(
    out: Path = output_file("File for the script", ".py", default="verify.py", argument=True),
) -> None:
    """Write a script that checks proof files with Python alone, to be handed on with them.

    Example: subsetopt verify script verify.py
    """
    with replacing(out) as file:
        file.write(Path(standalone.__file__).read_bytes())
    say(f"{out}: run it as 'python {out} PROOF.jsonl.gz'")


def _solution(path: str) -> "Solution":
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} must be JSON text; {error}") from error
    return subsetopt.Solution.from_json(text)


def _said(check: "Any", as_json: bool) -> None:
    """Print what a check has shown; ends the command with 1 where it failed."""
    try:
        report: VerificationReport | None = check()
        failure = None
    except VerificationFailed as error:
        report, failure = None, str(error)
    if as_json:
        say_json(_plain(report, failure))
    else:
        say(f"rejected: {failure}" if report is None else str(report))
    raise typer.Exit(exits.ANSWER if report is not None else exits.NO_ANSWER)


def _plain(report: "VerificationReport | None", failure: str | None) -> dict[str, Any]:
    if report is None:
        return {"verified": False, "failure": failure}
    exact = {"objective": report.objective, "bound": report.bound}
    return {
        "verified": True,
        "checked": report.checked,
        "unchecked": report.unchecked,
        "optimal": report.optimal,
        **{name: None if value is None else str(value) for name, value in exact.items()},
    }


SUBCOMMANDS = {
    "proof": proof,
    "mean-matching": mean_matching,
    "quadratic": quadratic,
    "mmd": mmd,
    "script": script,
}
