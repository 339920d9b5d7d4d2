"""A bar for the terminal, or lines, as a callback for `sequence`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from subsetopt.report._progress import shown

__all__ = ["bar"]


@contextmanager
def bar(label: str = "sequence", *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far it is: a bar on a terminal, else a line every 30 seconds.

    Yields
    ------
    callable
        Takes the batches done and all batches.
    """
    with shown(label, unit="batches", hidden=hidden) as steps:
        yield steps.update
