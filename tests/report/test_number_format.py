"""Numbers as people read them, on both sides of each place where the unit or the digits change."""

import pytest

from subsetopt.report import _number_format


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        ("percent", None, "-"),
        ("percent", 0.0994, "9.9 %"),
        ("percent", 0.1, "10 %"),
        ("share", 0.1234, "12.3 %"),
        ("factor", 9.94, "9.9"),
        ("factor", 1234.0, "1,234"),
        ("error", 0.0, "0"),
        ("error", 0.000123, "1.2e-04"),
        ("size", 1023 * 2**20, "1.0 GiB"),
        ("size", 999 * 2**20, "999 MiB"),
        ("size", 2**20, "1.0 MiB"),
    ],
)
def test_as_people_read_it(function: str, value: float | None, text: str) -> None:
    assert getattr(_number_format, function)(value) == text
