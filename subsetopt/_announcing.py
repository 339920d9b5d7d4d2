"""A one-time warning about slow one-time work, such as compilation.

It is a warning of the logger ``subsetopt``, which Python writes to standard error unless logging is
set up otherwise; ``logging.getLogger("subsetopt").setLevel("ERROR")`` silences it.
"""

import logging
import threading
from time import perf_counter
from types import TracebackType

LOGGER = logging.getLogger("subsetopt")

DELAY = 0.5
"""Seconds of such work in a process before it is said."""


class Announcement:
    """Says a message once in a process, when the work within its blocks has taken `DELAY` seconds.

    Parameters
    ----------
    message : str
        What is being done; can be replaced before a block begins.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        self._spent = self._begun = 0.0
        self._said = False
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        if self._said:
            return
        self._begun = perf_counter()
        self._timer = threading.Timer(max(0.0, DELAY - self._spent), self._say, [self.message])
        self._timer.daemon = True
        self._timer.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._spent += perf_counter() - self._begun

    def known(self) -> None:
        """Say nothing: it is known, or has been said otherwise."""
        self._said = True

    def _say(self, message: str) -> None:
        if not self._said:
            self._said = True
            LOGGER.warning("subsetopt: %s", message)
