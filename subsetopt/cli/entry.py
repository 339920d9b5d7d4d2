"""From the words of a command line to its command and the code that it ends with."""

import gc
import sys
import threading

import subsetopt

from .exits import BAD_INPUT, BY_SIGNAL, complain, end_output, flush
from .signals import leave
from .standard_streams import make_ready, say

_GARBAGE = 100_000
"""New objects between two garbage collections; loading a command makes many, and no garbage."""


def run() -> None:
    """Run the command that ``sys.argv`` names, and end the process."""
    gc.set_threshold(_GARBAGE)
    if not make_ready():
        complain("standard output is closed; send it to a file, or to /dev/null")
        sys.exit(BAD_INPUT)
    if sys.argv[1:] == ["--version"]:
        try:
            say(f"subsetopt {subsetopt.__version__}")
            flush()
        except OSError as error:
            end_output(error)
        return
    from . import commands

    try:
        commands.application(sys.argv[1:])(prog_name="subsetopt")
    except SystemExit as ended:
        code = 0 if ended.code is None else ended.code
        if isinstance(code, int) and (code > BY_SIGNAL or not _is_watched()):
            leave(code)
        raise


def _is_watched() -> bool:
    """Whether threads are to be waited for, or a profiler or a debugger reports at the end."""
    threads = sum(not thread.daemon for thread in threading.enumerate())  # with the main thread
    return threads > 1 or sys.getprofile() is not None or sys.gettrace() is not None
