"""Pool of idle worker processes."""

import atexit
import os
import threading

from ._worker_process import Worker

_IDLE = 2  # processes that are kept for the next call
_PATIENCE = 0.05  # seconds to wait for one of them: less than the start of another takes


class _WorkerPool:
    """The processes of this process that wait for work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    def take(self, log: bool) -> Worker:
        """Return one that is ready, or a new one; one that writes a log is always new."""
        while not log:
            with self._lock:
                if not self._idle:
                    break
                kept = self._idle.pop()
            if kept.starting or kept.is_ready(_PATIENCE):
                return kept
            kept.close()  # it is still busy with what it has to clear away
        return Worker(log)

    def give(self, worker: Worker) -> None:
        """Keep it for the next call if it lives and there is room."""
        with self._lock:
            if not worker.log and worker.is_alive() and len(self._idle) < _IDLE:
                self._idle.append(worker)
                return
        worker.close()

    def close(self) -> None:
        """End all."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def forget(self) -> None:
        """Leave them to the parent that this process was forked from."""
        self._lock, self._idle = threading.Lock(), []


POOL = _WorkerPool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)
