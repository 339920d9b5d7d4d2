"""A sign of life on standard error while a solver uses its time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from subsetopt._clock import CLOCK
from subsetopt.reporting.progress import Lines

DELAY = 2.0
"""Seconds before anything is shown; runs with shorter limits show nothing."""


@contextmanager
def clock(
    limit: float | None, *, bound: bool = False, hidden: bool = False
) -> Iterator[Callable[[str], None]]:
    """Show the seconds gone beside the limit, on a terminal, else a line every 30 seconds.

    The seconds are those of the limit, which stand still while kernels are compiled. What is shown
    goes when the block ends, however it ends.

    Parameters
    ----------
    limit : float or None
        Seconds for each of the parts of the work.
    bound : bool
        Whether there is a part without a limit to wait for.
    hidden : bool
        Show nothing on a terminal.

    Yields
    ------
    callable
        Takes the name of the part that begins.
    """
    from subsetopt.reporting.terminal import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        with Lines("solve", limit=limit, now=CLOCK.now) as lines:
            yield lambda part: lines.update(label=part)
        return
    short = not bound if limit is None else limit <= DELAY
    if hidden or short:
        yield lambda part: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn

    of = "" if limit is None else f" of {limit:g} s"
    kept = "Ctrl-C keeps the best so far"
    bar = Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.description}}{{task.elapsed:.0f}} s{of}, {kept}"),
        console=screen,
        transient=True,
        redirect_stdout=False,  # what a solver prints has been sent to standard error already
        redirect_stderr=False,
        get_time=CLOCK.now,
        refresh_per_second=2,  # its thread would get into the way of solvers
    )
    task = bar.add_task("")

    def begins(part: str) -> None:
        bar.reset(task, start=True, description=f"{part}: ")

    timer = Timer(DELAY, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield begins
    finally:
        timer.cancel()
        timer.join()  # it may be about to start the bar
        bar.stop()
