"""Checks of arguments: what passes, what does not, and what the message says."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from subsetopt import _checks
from subsetopt._registry import Registry
from subsetopt.errors import InvalidOption, InvalidProblem


@pytest.mark.parametrize("value", [0, 5, np.int8(3), np.uint64(5)])
def test_integers_pass(value: Any) -> None:
    _checks.require_integer("k", value, "[0, 5]")


@pytest.mark.parametrize(
    ("value", "interval", "message"),
    [
        (7.0, "[1, 5]", "k must be an integer in [1, 5]; got 7.0 (float)"),
        (6, "[1, 5]", "k must be an integer in [1, 5]; got 6"),
        (True, "[0, 5]", "k must be an integer in [0, 5]; got True (bool)"),
        (0, "[1, inf)", "k must be an integer >= 1; got 0"),
        (0, "(0, inf)", "k must be an integer > 0; got 0"),
        ("3", "(-inf, inf)", "k must be an integer; got '3' (str)"),
        (None, "[1, 5]", "k must be an integer in [1, 5]; got None"),
        (2**53 + 1, f"[0, {2**53}]", f"k must be an integer in [0, {2**53}]; got {2**53 + 1}"),
    ],
)
def test_what_is_no_such_integer(value: Any, interval: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        _checks.require_integer("k", value, interval)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25), Fraction(1, 3)])
def test_numbers_pass(value: Any) -> None:
    _checks.require_number("rate", value, "[0, 1)")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, "rate must be a number in [0, 1); got 1.0"),
        (-0.1, "rate must be a number in [0, 1); got -0.1"),
        (math.nan, "rate must be a number in [0, 1); got nan"),
        (False, "rate must be a number in [0, 1); got False (bool)"),
        ("x", "rate must be a number in [0, 1); got 'x' (str)"),
    ],
)
def test_what_is_no_such_number(value: Any, message: str) -> None:
    with pytest.raises(InvalidProblem) as caught:
        _checks.require_number("rate", value, "[0, 1)", error=InvalidProblem)
    assert str(caught.value) == message


def test_none_and_infinity_pass_where_they_may() -> None:
    _checks.require_number("time_limit", math.inf, "(0, inf]", none=True)
    _checks.require_number("time_limit", None, "(0, inf]", none=True)
    with pytest.raises(InvalidOption, match=r"a number of seconds > 0 or None; got 0"):
        _checks.require_number("time_limit", 0, "(0, inf]", none=True, unit="seconds")
    with pytest.raises(InvalidOption, match="a finite number >= 0; got inf"):
        _checks.require_number("gap", math.inf, "[0, inf)")


def test_flags_and_choices() -> None:
    _checks.require_flag("log", False)
    with pytest.raises(InvalidOption, match="log must be True or False; got 1"):
        _checks.require_flag("log", 1)
    _checks.require_one_of("sense", "maximise", ("minimise", "maximise"))
    with pytest.raises(InvalidOption, match="sense must be 'minimise' or 'maximise'; got None"):
        _checks.require_one_of("sense", None, ("minimise", "maximise"))
    with pytest.raises(InvalidOption, match="a must be 'x', 'y' or 'z'; got 3"):
        _checks.require_one_of("a", 3, ("x", "y", "z"))
    with pytest.raises(InvalidOption, match=r"got 'maximize' \(did you mean 'maximise'\?\)"):
        _checks.require_one_of("sense", "maximize", ("minimise", "maximise"))


def test_a_registry_loads_what_is_asked_for_and_names_what_there_is() -> None:
    made = Registry("shape", "subsetopt", {"fraction": "_rounding:Fraction"}, also="FILE")
    assert made.load("fraction") is Fraction
    assert made.create("fraction", numerator=1, denominator=2) == Fraction(1, 2)
    assert list(made) == ["fraction"]
    with pytest.raises(InvalidOption, match="shape must be one of fraction, FILE; got 'disc'"):
        made.load("disc")
    with pytest.raises(InvalidOption, match=r"got 'fractoin' \(did you mean 'fraction'\?\)"):
        made.load("fractoin")
    with pytest.raises(InvalidOption, match="shape 'fraction' has no option 'size'; it has"):
        made.create("fraction", size=1)
