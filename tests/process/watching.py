"""What tests of processes share: who is alive, and waiting for something to be so."""

import time
from collections.abc import Callable

import psutil

PATIENCE = 60.0
"""Seconds that a loaded machine is given."""


def wait_for(what: Callable[[], object], patience: float = PATIENCE) -> None:
    """Return as soon as it is so."""
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.02)


def alive(process_id: int) -> bool:
    """Return whether a process runs; one that has ended and was not asked for does not."""
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants(process_id: int) -> list[int]:
    """Return the numbers of all that a process has started, and that those have."""
    return [child.pid for child in psutil.Process(process_id).children(recursive=True)]
