"""Benchmarks of the compiled kernels, fixed in their work: ``pytest benchmarks/regression``."""

from collections.abc import Callable
from typing import Any

from subsetopt.limits import Limits

ONE = Limits(threads=1)
"""What is measured takes one thread."""
Timed = Callable[[Callable[[], Any]], Any]
"""Warms up and times a call, and returns its answer: the fixture `timed`."""
