"""From the words of a command line to its command and the code that it ends with."""

import sys

import subsetopt

from .exits import BAD_INPUT, BY_SIGNAL, complain, end_output, flush
from .signals import leave
from .streams import make_ready, say


def run() -> None:
    """Run the command that ``sys.argv`` names, and end the process."""
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
        if isinstance(ended.code, int) and ended.code > BY_SIGNAL:
            leave(ended.code)
        raise
