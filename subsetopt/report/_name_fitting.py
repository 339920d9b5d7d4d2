"""Names that are shortened to fit, and can still be told apart."""

from collections import defaultdict
from collections.abc import Sequence

from ._figure import fitting, text_width

_KEPT = (12, 8, 5, 3, 0)  # characters at both ends, tried in turn
_CONTEXT = 2  # characters around what differs


def fitting_apart(names: Sequence[str], points: float, width: float) -> list[str]:
    """Return names shortened to so many pixels: to both ends, or to what they differ in.

    O(names) but for those that look alike when their middle is left out.
    """
    shown = [fitting(name, points, width, ends=True) for name in names]
    alike: dict[str, set[str]] = defaultdict(set)
    for name, short in zip(names, shown, strict=True):
        alike[short].add(name)
    return [
        short if len(alike[short]) == 1 else _differing(name, sorted(alike[short]), points, width)
        for name, short in zip(names, shown, strict=True)
    ]


def _differing(name: str, group: Sequence[str], points: float, width: float) -> str:
    """Return the part of a name that others do not share, with as much of its ends as fits."""
    start = _shared(group)
    end = _shared([other[start:][::-1] for other in group])
    first, last = max(0, start - _CONTEXT), min(len(name), len(name) - end + _CONTEXT)
    for kept in _KEPT:
        head = name[:first] if first <= kept + 1 else f"{name[:kept]}…"
        tail = name[last:] if len(name) - last <= kept + 1 else f"…{name[len(name) - kept :]}"
        if text_width(text := head + name[first:last] + tail, points) <= width:
            return text
    return fitting(f"…{name[start:last]}", points, width)


def _shared(texts: Sequence[str]) -> int:
    """Return how many characters all begin with."""
    different = (i for i, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1)
    return next(different, min(map(len, texts)))
