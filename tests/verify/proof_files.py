"""Proof files that tests read, forge and write, and the two readers that must agree on them."""

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from subsetopt.verify import VerificationFailed, VerificationReport, standalone, verify_proof

SCRIPT: Any = standalone

Lines = list[dict[str, Any]]


_REASONS = (
    *(SCRIPT.Rejected, ValueError, KeyError, TypeError, EOFError, OSError, zlib.error),
    *(ArithmeticError, RecursionError),
)


def lines_of(path: Path) -> Lines:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def write(lines: Lines, path: Path) -> Path:
    write_text("".join(json.dumps(line) + "\n" for line in lines), path)
    return path


def write_text(text: str, path: Path) -> None:
    path.write_bytes(gzip.compress(text.encode(), 1))


def accepted(path: Path) -> VerificationReport:
    """Return the report of the package, which the script must agree with."""
    report = verify_proof(path)
    SCRIPT.Proof(str(path)).check()
    return report


def rejection(path: Path) -> tuple[str, str]:
    """Return why the package and the script reject a file; fails if either takes it."""
    reasons = []
    try:
        verify_proof(path)
    except VerificationFailed as error:
        reasons.append(str(error))
    try:
        SCRIPT.Proof(str(path)).check()
    except _REASONS as error:
        reasons.append(str(error))
    package, script = reasons
    return package, script


def run_script(path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script alone, isolated from the package."""
    command = [sys.executable, "-I", "-S", str(standalone.__file__), str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
