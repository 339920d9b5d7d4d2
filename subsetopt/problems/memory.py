"""Refusing what would not fit, before anything is allocated."""

import os

from subsetopt.errors import TooLarge

_SHARE = 0.75  # of the machine's memory that one array may take
_UNKNOWN = 8 * 2**30  # bytes assumed where the machine does not say


def memory_limit() -> int:
    """Return how many bytes one array may take: three quarters of the machine's memory."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        total = _UNKNOWN
    return int(_SHARE * total)


def require_memory(what: str, needed: int, mend: str, limit: int | None = None) -> None:
    """Raise TooLarge, with the estimate, if `needed` bytes are more than the limit.

    Parameters
    ----------
    what : str
        What would be allocated, for the message.
    needed : int
        Bytes.
    mend : str
        What to do instead, for the message.
    limit : int, optional
        Bytes; None is `memory_limit`.
    """
    most = memory_limit() if limit is None else limit
    if needed > most:
        raise TooLarge(
            f"{what} would take {in_units(needed)}, above the limit of {in_units(most)}; {mend}",
            seconds=0.0,
            bytes=float(needed),
        )


def in_units(count: int) -> str:
    """Return a number of bytes for people: 14.4 GB as ``"13.4 GiB"``."""
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{size:.0f} {units[0]}" if size >= 1000 else f"{size:.3g} {units[0]}"
