"""Memory limits: refusal before allocation, sizes parsed and formatted."""

import os
from collections.abc import Iterator
from pathlib import Path

from subsetopt._options import quantity
from subsetopt.errors import InvalidOption, TooLarge

_SHARE = 0.75  # of the available memory that one array may take
_UNKNOWN = 8 * 2**30  # bytes assumed where the machine does not say
_ROOT = Path("/")
_SIZES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _SIZES |= {f"{_letter}b": 1000**_power, f"{_letter}ib": 1024**_power}


def memory_limit() -> int:
    """Return how many bytes one array may take: three quarters of the memory available now."""
    return int(_SHARE * available_memory())


def available_memory(root: Path = _ROOT) -> int:
    """Return how many bytes this process could still take without swapping.

    It is the lowest of what the kernel says, what the control groups of the process (a container,
    a batch job) leave, and what ``ulimit -v`` does; where none says anything, the machine's memory.

    Parameters
    ----------
    root : path
        Of the file system that holds ``proc`` and ``sys``.
    """
    stated = [*_meminfo(root), *_left_in_groups(root), *_left_of_addresses(root)]
    return max(min(stated), 0) if stated else _total()


def _meminfo(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield 1024 * int(line.split()[1])


def _left_of_addresses(root: Path) -> Iterator[int]:
    """Yield the limit of the address space less its use, where there is a limit."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = [line.split()[0] for line in _lines(root / "proc/self/statm")]
    if limit != resource.RLIM_INFINITY and used:
        yield limit - int(used[0]) * resource.getpagesize()


def _left_in_groups(root: Path) -> Iterator[int]:
    """Yield limit less use of each control group that this process is in, of either version."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, name = line.split(":", 2)
        if not controllers:
            top, files = root / "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        # In a container the name is often that of the host, and only the top can be read.
        group = Path(name.lstrip("/"))
        for folder in (group, *group.parents):
            limit, used = (_number(top / folder / file) for file in files)
            if limit is not None and used is not None:
                yield limit - used + _reclaimable(top / folder)


def _reclaimable(folder: Path) -> int:
    """Return the bytes of cached files, which count as used but are given up when needed."""
    found = [line.split() for line in _lines(folder / "memory.stat")]
    values = {key: int(value) for key, value in (pair for pair in found if len(pair) == 2)}
    return values.get("total_inactive_file", values.get("inactive_file", 0))


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None  # "max" is no limit


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _total() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def require_memory(what: str, needed: int, fix: str, limit: int | None = None) -> None:
    """Raise TooLarge, with the estimate, if `needed` bytes are more than the limit.

    Parameters
    ----------
    what : str
        What would be allocated, for the message.
    needed : int
        Bytes.
    fix : str
        What to do instead, for the message.
    limit : int, optional
        Bytes; None is `memory_limit`.
    """
    most = memory_limit() if limit is None else limit
    if needed > most:
        source = "" if limit is not None else ", three quarters of the memory available now"
        raise TooLarge(
            f"{what} would take {in_units(needed)}, above the limit of {in_units(most)}{source}; "
            f"{fix}",
            seconds=0.0,
            bytes=float(needed),
        )


def require_square(what: str, n: int) -> None:
    """Raise TooLarge if a float64 matrix (n, n) is more than `memory_limit`."""
    fewer = int((memory_limit() / 8) ** 0.5)
    require_memory(
        f"the {n} x {n} matrix of {what}",
        8 * n * n,
        f"give at most {fewer} candidates, or take a machine with more memory",
    )


def memory_size(name: str, text: str) -> int:
    """Return the bytes that a size such as ``4GiB``, ``500 MB`` or ``1e9`` stands for.

    Raises
    ------
    InvalidOption
        For another text, or less than a byte; `name` is what it is called in the message.
    """
    what = "a number of bytes, or one with a unit: kB, MB, GB, TB, KiB, MiB, GiB or TiB"
    size = int(quantity(name, text, _SIZES, what))
    if size < 1:
        raise InvalidOption(f"{name} must be {what}; got {text!r}")
    return size


def in_units(count: int) -> str:
    """Return a number of bytes for people: 14.4 GB as ``"13.4 GiB"``."""
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{size:.0f} {units[0]}" if size >= 1000 else f"{size:.3g} {units[0]}"
