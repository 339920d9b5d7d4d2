"""Shared options of the scripts, and their output as tables or JSON."""

import argparse
import json
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from subsetopt._machine import Machine
from subsetopt.report import show

Row = dict[str, Any]


def parser(doc: str | None, *, data: bool = False) -> argparse.ArgumentParser:
    """Return a parser with ``--json`` and, where it is wanted, ``--data``."""
    made = argparse.ArgumentParser(description=(doc or "").split("\n")[0])
    made.add_argument("--json", action="store_true", help="print one object a line")
    if data:
        folder = os.environ.get("SUBSETOPT_DATA")
        made.add_argument(
            "--data", type=Path, default=Path(folder) if folder else None, help="the data folder"
        )
    return made


def peak_gib() -> float:
    """Return the most memory that this process has held so far, in GiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def report(given: argparse.Namespace, rows: Iterable[Mapping[str, Any]], title: str = "") -> None:
    """Print rows as a table, or with ``--json`` one object each, as soon as there is one."""
    if not given.json:
        show(list(rows), title)
        return
    for row in rows:
        print(json.dumps({"measured": title, **row} if title else row), flush=True)


def report_machine(given: argparse.Namespace, **more: Any) -> None:
    """Print what is measured on."""
    report(given, [asdict(Machine.here()) | more], "machine")
