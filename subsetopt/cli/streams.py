"""Standard output kept clean: what a solver prints by itself goes to standard error."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def output_to_error() -> Iterator[None]:
    """Send what is printed within, by Python or by a native library, to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_native()
        os.dup2(kept, 1)
        os.close(kept)


def _flush_native() -> None:
    # The C library buffers on its own; without this its lines would come out after the switch.
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
