"""Parsing of numbers and dates in text columns."""

import re
from typing import Any, NamedTuple

from subsetopt._csv_cells import NUMBER

_IS_NUMBER = f"(?i)^(?:{NUMBER})$"
_DOUBTFUL = r"^[+-]?[1-9]\d{0,2},\d{3}$"
_POINTS = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
_FEW_POINTS = 3  # cells up to which decimals may have three digits by chance
_UNGROUPED = r"^[+-]?\d{1,3}$"
_DECIMAL_COMMAS = r"^[+-]?(?:\d*,(?:\d{1,2}|\d{4,})|0,\d+)$"
_MAY_HAVE_COMMAS = r"^[+-]?\d*(?:,\d+)?$"
_SYMBOLS = "$€£¥%"
_GROUPED = r"^[+-]?\d{1,3}(?:[ \x{a0}\x{202f}']\d{3})+(?:[.,]\d+)?$|^[+-]?\d+(?:[.,]\d+)?$"
_SEVERAL = (
    (",", ".", r"^[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$", r",\d{3}[.,]"),
    (".", ",", r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$", r"\.\d{3}[.,]"),
)
"""Signs of thousands and of decimals, what numbers look like, and what no other reading has."""
_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"),
    *("%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y", "%d.%m.%Y %H:%M"),
    "%d.%m.%Y %H:%M:%S",
)
_TWO_WAYS = tuple(
    tuple(order.replace("/", sign) + time for order in ("%m/%d/%Y", "%d/%m/%Y"))
    for time in ("", " %H:%M", " %H:%M:%S")
    for sign in "/-"
)
"""Dates that two countries read in two ways, such as 1/2/2024; 1/31/2024 decides for all."""
_YEAR = r"(?:^|\D)\d{4}(?:\D|$)"  # of a date; 24 is no year, which strptime takes for one
_MINUS = "\u2212"  # as typesetting writes it
_ZONE = r"(?P<zone>Z|[+-]\d\d:?\d\d)$"


class NumberTexts(NamedTuple):
    """Cells as texts with decimal points, which of them are numbers, and a text with two readings.

    The last is None but where every comma of the column may stand for thousands or decimals.
    """

    cells: Any
    fits: Any
    doubtful: str | None = None


def as_numbers(cells: Any) -> NumberTexts:
    """Read texts as numbers: with points or commas, groups of thousands, and one sign of a unit.

    A unit (currency, %) is left out if all cells have it. O(n) for each of some readings.
    """
    import pyarrow.compute as pc

    bare = _ungrouped(_without_unit(pc.replace_substring(cells, _MINUS, "-")))
    best = NumberTexts(bare, pc.match_substring_regex(bare, _IS_NUMBER))
    if _all(best.fits):
        return best
    with_commas = pc.drop_null(bare.filter(pc.match_substring(bare, ",")))
    if len(with_commas):
        # Points within are thousands then, which no sign marks in such a number.
        text = pc.replace_substring(pc.replace_substring(bare, ".", "_"), ",", ".")
        doubtful = None
        if _all(pc.match_substring_regex(with_commas, _DOUBTFUL)):
            doubtful = with_commas[0].as_py()
        found = NumberTexts(text, pc.match_substring_regex(text, _IS_NUMBER), doubtful)
        best = max(best, found, key=_count)
    for thousands, decimal, looks, certain in _SEVERAL:
        if pc.any(pc.match_substring_regex(bare, certain)).as_py():
            text = pc.replace_substring(pc.replace_substring(bare, thousands, ""), decimal, ".")
            found = NumberTexts(text, pc.match_substring_regex(bare, looks))
            best = max(best, found, key=_count)
    return best


def has_decimal_commas(cells: Any) -> bool:
    """Whether texts are numbers with commas that mark decimals, and cannot mark thousands."""
    import pyarrow.compute as pc

    sure = pc.any(pc.match_substring_regex(cells, _DECIMAL_COMMAS)).as_py()
    return bool(sure) and _all(pc.match_substring_regex(cells, _MAY_HAVE_COMMAS))


def like_thousands(cells: Any, elsewhere: bool) -> str | None:
    """Return a number whose point may mark thousands; None if points surely mark decimals.

    It may where all that have one have three digits behind it, and the others at most three in
    all. `elsewhere` is whether another column has decimal commas, which is as good a sign.
    """
    import pyarrow.compute as pc

    pointed = pc.drop_null(cells.filter(pc.match_substring_regex(cells, _POINTS)))
    whole = pc.sum(pc.match_substring_regex(cells, _UNGROUPED)).as_py() or 0
    alike = len(pointed) + whole == len(cells) - cells.null_count
    if not alike or not len(pointed):
        return None
    return pointed[0].as_py() if elsewhere or (whole and len(pointed) > _FEW_POINTS) else None


def _count(one: NumberTexts) -> int:
    import pyarrow.compute as pc

    return pc.sum(one.fits).as_py() or 0


def _all(fits: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(fits).as_py())


def _without_unit(cells: Any) -> Any:
    import pyarrow.compute as pc

    for symbol in _SYMBOLS:
        if _all(pc.match_substring(cells, symbol)):
            bare = pc.replace_substring(cells, symbol, "", max_replacements=1)
            return pc.utf8_trim_whitespace(bare)
    return cells


def _ungrouped(cells: Any) -> Any:
    """Return texts without blanks or apostrophes between thousands, if all are such numbers."""
    import pyarrow.compute as pc

    if not _all(pc.match_substring_regex(cells, _GROUPED)):
        return cells
    return pc.replace_substring_regex(cells, r"[ \x{a0}\x{202f}']", "")


def as_moments(cells: Any) -> Any:
    """Return texts that are dates, all of one form, as timestamps of pyarrow; None for others.

    A zone that all have is left out.
    """
    import pyarrow.compute as pc

    if not _all(pc.match_substring_regex(cells, _YEAR)):
        return None
    zones = pc.drop_null(pc.struct_field(pc.extract_regex(cells, _ZONE), "zone"))
    if len(zones) and len(pc.unique(zones)) == 1 and len(zones) == len(cells) - cells.null_count:
        cells = pc.replace_substring_regex(cells, r"(?:Z|[+-]\d\d:?\d\d)$", "")
    cells = pc.replace_substring_regex(cells, r"(:\d\d)\.\d+$", r"\1")
    for form in _FORMATS:
        if (read := _moments(cells, form)) is not None:
            return read
    for forms in _TWO_WAYS:
        both = [read for form in forms if (read := _moments(cells, form)) is not None]
        if len(both) == 1:
            return both[0]
    return None


def _moments(cells: Any, form: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    read = pc.strptime(cells, format=form, unit="us", error_is_null=True)
    if read.null_count > cells.null_count:
        return None
    # The parser takes February 31 for March 2.
    pattern = re.sub(r"%(.)", r"(?P<\1>\\d+)", re.sub(r"[./]", r"[\g<0>]", form))
    stated = pc.struct_field(pc.extract_regex(cells, f"^{pattern}"), "d").cast(pa.int64())
    return read if _all(pc.equal(stated, pc.day(read))) else None
