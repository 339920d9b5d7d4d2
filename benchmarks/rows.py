"""What the runner measures: one row for each solver on each case."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile
from subsetopt.solution import CertificateKind, Termination

from .machine import Machine


@dataclass(frozen=True, kw_only=True)
class Row:
    """One solver on one case.

    Parameters
    ----------
    case, source : str
        Of the case.
    n, k : int
    solver, version : str
    seed : int
    time_limit : float or None
        Seconds per solve.
    threads : int or None
        None is the solver's own default.
    objective : float or None
        Recomputed by the problem; None if there is no answer.
    bound : float or None
    termination : Termination or None
        None if the solver refused or failed.
    certificate : CertificateKind or None
    eps : float or None
        Of the certificate.
    seconds : tuple of float
        Each timed call of `solve`, from outside.
    build_seconds, solve_seconds : float or None
        As the solver gives them for its first timed solve.
    repeats : int
        The length of `seconds`: fewer than asked for where the solver is slow.
    sense : str
        "maximise" where the objective is the negative of the value that is wanted.
    best_known : float or None
        The least objective that anybody has found, where the instance is a public one.
    proven : bool
        Whether that is said to be optimal.
    gap_to_best : float or None
        (objective - best) / |best|, the best being the best known, else that of this run; None
        where objectives are errors.
    random_rank : float or None
        The share of random subsets that are at least as good.
    message : str
        What the solver adds.
    failure : str
        Why there is no answer: the error's name and words.
    """

    case: str
    source: str
    n: int
    k: int
    solver: str
    version: str
    seed: int
    time_limit: float | None
    threads: int | None
    objective: float | None = None
    bound: float | None = None
    termination: Termination | None = None
    certificate: CertificateKind | None = None
    eps: float | None = None
    seconds: tuple[float, ...] = ()
    build_seconds: float | None = None
    solve_seconds: float | None = None
    repeats: int = 0
    sense: str = "minimise"
    best_known: float | None = None
    proven: bool = False
    gap_to_best: float | None = None
    random_rank: float | None = None
    message: str = ""
    failure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def write_rows(path: Path, rows: Iterable[Row], machine: Machine) -> None:
    """Write rows as JSON lines, each with its machine; the file appears whole or not at all.

    Raises
    ------
    InvalidFile
        If it cannot be written.
    """
    about = {"machine": asdict(machine)}
    lines = [json.dumps(row.to_dict() | about, allow_nan=False) + "\n" for row in rows]
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        os.replace(beside, path)
    except OSError as error:
        raise InvalidFile(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
