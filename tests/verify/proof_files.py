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
    *(ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, zlib.error),
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


def rejections(path: Path) -> tuple[str | None, str | None]:
    """Return why the package and the script reject a file; None from one that takes it."""
    package = script = None
    try:
        verify_proof(path)
    except VerificationFailed as error:
        package = str(error)
    try:
        SCRIPT.Proof(str(path)).check()
    except _REASONS as error:
        script = str(error)
    return package, script


def rejection(path: Path) -> str:
    """Return why the package rejects a file; fails if it, or the script, takes it."""
    package, script = rejections(path)
    assert package is not None
    assert script is not None
    return package


def run_script(path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script alone, isolated from the package."""
    command = [sys.executable, "-I", "-S", str(standalone.__file__), str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
