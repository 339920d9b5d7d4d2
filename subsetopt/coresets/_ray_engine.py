"""Passes over the rows by the workers of a Ray cluster."""

import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

from ._reading_engines import DividedEngine, Pass, Result, worked
from ._row_parts import Located

RAY = OptionalDependency("ray", "ray", ">=2.40", extra="ray")

_PATIENCE = 10.0  # seconds
_AHEAD = 4  # tasks that wait for each processor


@contextmanager
def opened_engine(scheduler: Any) -> Iterator["RayEngine"]:
    """Give the engine on the cluster that this process is in, or joins for as long."""
    ray = RAY.load()
    if scheduler is not None and not isinstance(scheduler, str):
        raise InvalidOption(f"scheduler must be an address of Ray; got {scheduler!r}")
    if ray.is_initialized():
        here = ray.get_runtime_context().gcs_address
        if scheduler not in (None, "auto", here):
            raise InvalidOption(
                f"this process is in the Ray cluster at {here}; got scheduler {scheduler!r}: leave "
                "it out, or call ray.shutdown() before"
            )
        yield RayEngine(ray)
        return
    try:
        _require_reachable(scheduler)
        ray.init(address=scheduler, log_to_driver=False, logging_level="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidOption(f"scheduler {scheduler!r} is not reached: {error}") from None
    try:
        yield RayEngine(ray)
    finally:
        ray.shutdown()


def _require_reachable(address: str | None) -> None:
    """Raise OSError where nobody listens at an address, at which Ray would go on for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE).close()


class RayEngine(DividedEngine):
    """Parts of a source are tasks of Ray, which repeats those whose workers are lost.

    Parameters
    ----------
    ray : module
    """

    name = "ray"

    def __init__(self, ray: Any) -> None:
        super().__init__()
        self._ray = ray

    def results(self, parts: list[Located], work: Pass[Result]) -> Iterator[Result]:
        """Yield the result of each part; what `work` holds goes to each machine once."""
        ray, waiting = self._ray, deque[Any]()
        held, task = ray.put(work), ray.remote(worked)
        ahead = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        try:
            for at in parts:
                waiting.append(task.remote(held, at.part.open, at.part.payload, at.first))
                if len(waiting) > ahead:
                    yield ray.get(waiting.popleft())
            while waiting:
                yield ray.get(waiting.popleft())
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        finally:
            for task in waiting:
                ray.cancel(task)
