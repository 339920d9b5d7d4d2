"""A bar for the terminal, as a callback for `sequence`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(label: str = "sequence", *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error, where that is a terminal; it goes when the block ends.

    Yields
    ------
    callable
        Takes the points done and all points.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda done, total: None
        return
    with Progress(console=console, transient=True, refresh_per_second=4) as shown:
        task = shown.add_task(label, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
