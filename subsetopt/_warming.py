"""Compilation of all kernels ahead of time, and whether it is done."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from subsetopt._kernels._signatures import SIGNATURES, kernel, types_of


@dataclass(frozen=True)
class Job:
    """What makes machine code, or finds it in the cache.

    Parameters
    ----------
    name : str
    run : callable
    """

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Warmed:
    """What became of a job.

    Parameters
    ----------
    name : str
        Of the job.
    seconds : float
        That it took.
    compiled : int
        Kernels that were compiled for it.
    missing : bool
        It needs kernels that are not in the cache.
    """

    name: str
    seconds: float
    compiled: int
    missing: bool


def jobs() -> Iterator[Job]:
    """Yield a job for each kernel that there is, with all types that it is compiled for."""
    for name in SIGNATURES:
        yield Job(name, partial(_compile, name))


def _compile(name: str) -> None:
    compile_for = getattr(kernel(name), "compile", None)  # none with NUMBA_DISABLE_JIT
    if compile_for is not None:
        for types in types_of(name):
            compile_for(types)


def warm(
    which: Iterable[Job], done: Callable[[Warmed], object], *, check: bool = False
) -> list[Warmed]:
    """Run jobs, one after another, so that their kernels are in the cache.

    Parameters
    ----------
    which : iterable of Job
        For instance `jobs`.
    done : callable
        Called after each job.
    check : bool
        Compile nothing: a job whose kernels are not all in the cache is `missing`.
    """
    from subsetopt._kernels import _compiling

    results = []
    with _compiling.by_hand(forbidden=check):
        for job in which:
            begin, before = perf_counter(), _compiling.count()
            missing = False
            try:
                job.run()
            except _compiling.NotCompiled:
                missing = True
            seconds = perf_counter() - begin
            results.append(Warmed(job.name, seconds, _compiling.count() - before, missing))
            done(results[-1])
    return results


def folders() -> list[str]:
    """Return the folders of the cache, of the kernels that have been imported."""
    from subsetopt._kernels import _cache as compiled

    return sorted(compiled.FOLDERS)


def kept() -> bool:
    """Return whether what is compiled is kept, for other processes too."""
    from subsetopt._kernels import _cache as compiled

    return bool(compiled.FOLDERS) and all(compiled.FOLDERS.values())
