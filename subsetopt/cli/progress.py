"""A sign of life on standard error while a solver uses its time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

DELAY = 2.0
"""Seconds before anything is shown; runs with shorter limits show nothing."""


@contextmanager
def clock(limit: float | None, *, hidden: bool) -> Iterator[None]:
    """Show the seconds gone beside the limit, where standard error is a terminal.

    It goes when the block ends, however it ends.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if hidden or limit is None or limit <= DELAY or not console.is_terminal:
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.elapsed:.0f}} s of {limit:g} s, Ctrl-C keeps the best so far"),
        console=console,
        transient=True,
        redirect_stdout=False,  # what a solver prints has been sent to standard error already
        redirect_stderr=False,
        refresh_per_second=2,  # its thread would get into the way of solvers
    )
    bar.add_task("")
    timer = Timer(DELAY, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it may be about to start the bar
        bar.stop()
