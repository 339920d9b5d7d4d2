"""Main loop of a worker process, which ends with its parent.

Started by `_worker_process` as a fresh interpreter. It reads requests on its standard input and
answers on what was its standard output, which it keeps for itself: what native code prints goes
to standard error.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from . import _interrupts


def main() -> None:
    """Work until there is nobody to work for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says "stop"
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _interrupts.FROM_PARENT = threading.Event()
    jobs: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, _interrupts.FROM_PARENT), daemon=True).start()

    def tell(*message: object) -> None:
        pickle.dump(message, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()

    while True:
        what, asked = jobs.get()
        try:
            if what == "load":
                for module in asked:
                    import_module(module)
            else:
                _call(asked, tell)
        except BaseException as failure:
            tell("raised", _sendable(failure))
        asked = None
        tell("ready", None)


def _call(payload: bytes, tell: Callable[..., None]) -> None:
    """Do a call and tell what comes of it.

    What is final is told before the call returns: it frees native models only then, which may
    take seconds.
    """
    try:
        call, arguments = pickle.loads(payload)
    except Exception as failure:
        tell("unreadable", f"{type(failure).__name__}: {failure}")
        return
    told = False

    def report(value: object, final: bool = False) -> None:
        nonlocal told
        told = told or final
        tell("returned" if final else "reported", value)

    value = call(report, *arguments)
    if not told:
        tell("returned", value)


def _listen(jobs: "queue.SimpleQueue[tuple[str, Any]]", stop: threading.Event) -> None:
    """Take requests also while native code runs; without a parent, end at once.

    The end of the pipe tells of the parent's end however it came, on every system and from
    whichever of its threads this process was started.
    """
    while True:
        try:
            what, asked = pickle.load(sys.stdin.buffer)
        except BaseException:
            os._exit(0)
        if what == "stop":
            stop.set()
            continue
        stop.clear()
        jobs.put((what, asked))


def _sendable(failure: BaseException) -> BaseException:
    """Return the exception, or one that says the same where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(failure))
    except Exception:
        return RuntimeError(f"{type(failure).__name__}: {failure}")
    return failure
