"""Linear algebra on one thread, where matrices are so small that threads wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's linear algebra to one thread within."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
