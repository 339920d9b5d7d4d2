"""Words of a text as numbers: as `float` reads them, however they are read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subsetopt.errors import InvalidFile
from subsetopt.formats import _recognising
from subsetopt.formats._tokens import Words

DECIMALS = st.from_regex(
    r"[+-]?([0-9]{1,16}\.?[0-9]{0,3}|\.[0-9]{1,16})(e-?[0-9])?", fullmatch=True
)
BLANKS = st.sampled_from([" ", "\n", " \r\n", "\t \n\n", "\n# a comment\n"])


@given(st.lists(st.tuples(DECIMALS, BLANKS), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_numbers_are_what_python_reads(pairs: list[tuple[str, str]]) -> None:
    words = Words.of("".join(word + blank for word, blank in pairs).encode(), "a file")
    assert words[0 : len(words)] == [word.encode() for word, _ in pairs]
    wanted = np.array([float(word) for word, _ in pairs])
    assert words.numbers(0, len(words)).tobytes() == wanted.tobytes()  # -0.0 too


@pytest.mark.parametrize(
    "word", ["-", ".", "1.2.3", "--1", "1-", "nan", "1_0", "0x1", "inf", "1e999"]
)
def test_what_is_no_number_is_shown_with_its_line(word: str) -> None:
    words = Words.of(f"1 2\n3 {word}".encode(), "a file")
    with pytest.raises(InvalidFile, match="line 2") as error:
        words.numbers(0, 4)
    assert repr(word) in str(error.value)


@given(st.lists(st.sampled_from([" ", "\t", "\r", "\v", "\f", "\n", "#", "%", "/", "1", "a"])))
@settings(max_examples=100, deadline=None)
def test_lines_are_counted_as_they_are_read(signs: list[str]) -> None:
    content = "".join(signs).encode()
    assert _recognising._filled(content) == sum(1 for _ in _recognising._lines(content))
