"""Texts that are numbers and dates, however a column writes them."""

from typing import Any

import pyarrow as pa
import pytest

from subsetopt.tables._number_texts import as_moments, as_numbers


def column(*cells: str | None) -> Any:
    return pa.chunked_array([pa.array(cells, pa.string())])


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "-2.5", "1e3", ".5", None], [1, -2.5, 1000, 0.5, None]),
        (["1,5", "-2", "0,25"], [1.5, -2, 0.25]),
        (["1,234,567", "12", "1,234"], [1234567, 12, 1234]),
        (["$1,234.50", "$ 99.5"], [1234.5, 99.5]),
        (["1.234,50 €", "99,5 €", "-3 €"], [1234.5, 99.5, -3]),
        (["1'234.5", "2'000'000"], [1234.5, 2000000]),
        (["1\u202f234,5", "2\xa0000", "7 000"], [1234.5, 2000, 7000]),
        (["5 %", "7.5%"], [5, 7.5]),
        (["1.234", "2.5"], [1.234, 2.5]),
    ],
)
def test_numbers(cells: list[str | None], numbers: list[float | None]) -> None:
    read = as_numbers(column(*cells))
    assert read.doubtful is None
    assert read.fits.to_pylist() == [None if cell is None else True for cell in cells]
    assert read.cells.cast(pa.float64()).to_pylist() == numbers


@pytest.mark.parametrize(
    "cells", [["$5", "€5"], ["5 %", "0.05"], ["1,2,3"], ["1-2"], ["12 34"], ["1.2.3"], ["1,23,456"]]
)
def test_what_is_no_number(cells: list[str]) -> None:
    assert not all(as_numbers(column(*cells)).fits.to_pylist())


def test_commas_with_two_readings_are_told() -> None:
    assert as_numbers(column("1,234", "12", "5,678")).doubtful == "1,234"
    assert as_numbers(column("1,234", "5,67")).doubtful is None
    assert as_numbers(column("1,234", "5,678,901")).doubtful is None


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2024-12-31", None, "2023-01-01"], "2024-12-31 00:00"),
        (["2024-12-31T23:59:01.25Z", "2023-01-01T00:00:00Z"], "2024-12-31 23:59"),
        (["2024-12-31T23:59:01+02:00", "2024-01-01T00:00:00+02:00"], "2024-12-31 23:59"),
        (["31.12.2024 23:59", "1.2.2024 00:00"], "2024-12-31 23:59"),
        (["1/2/2024", "1/31/2024"], "2024-01-02 00:00"),
        (["1/2/2024", "31/1/2024"], "2024-02-01 00:00"),
        (["1/2/2024", "3/4/2024"], None),
        (["2024-02-28", "2024-02-31"], None),
        (["29.2.2024", "29.2.2023"], None),
        (["1/31/24", "2/31/24"], None),
        (["2024-12-31", "31.12.2024"], None),
        (["2024-12-31T23:59:01+02:00", "2024-01-01T00:00:00Z"], None),
        (["today"], None),
    ],
)
def test_dates(cells: list[str | None], first: str | None) -> None:
    moments = as_moments(column(*cells))
    assert (None if moments is None else f"{moments[0].as_py():%Y-%m-%d %H:%M}") == first
