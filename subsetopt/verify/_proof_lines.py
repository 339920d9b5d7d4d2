"""The lines of a proof file: JSON objects of integers, texts and lists, packed by gzip."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from ._failure import VerificationFailed, failed
from ._statements import Line

FORMAT, VERSIONS = "subsetopt-proof", (1, 2)
_LONGEST = 2**28  # characters of a line


def proof_lines(source: str | os.PathLike[str]) -> Iterator[Line]:
    """Yield the lines of a file one by one; whatever is none raises VerificationFailed."""
    number = 0
    try:
        with gzip.open(source, "rt", encoding="ascii", newline="\n") as file:
            for number, text in enumerate(_texts(file), 1):  # noqa: B007 - named in the error
                yield _parsed(text)
    except VerificationFailed as error:
        failed(f"line {number + 1 if number == 0 else number}: {error}")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        failed(f"the gzip file is incomplete after line {number}: {error}")
    except (ValueError, RecursionError) as error:
        failed(f"line {number} or the next: {error}")


def _texts(file: IO[str]) -> Iterator[str]:
    while text := file.readline(_LONGEST):
        if not text.endswith("\n"):
            failed("a line has no end: the file was cut off")
        yield text


def _parsed(text: str) -> Line:
    line = json.loads(text, parse_float=_refused, parse_constant=_refused, object_pairs_hook=_once)
    if type(line) is not dict:
        failed(f"a line must be an object; got a {type(line).__name__}")
    return line


def _refused(text: str) -> NoReturn:
    failed(f"numbers must be integers; got {text}")


def _once(pairs: list[tuple[str, Any]]) -> Line:
    found = dict(pairs)
    if len(found) < len(pairs):
        failed("an object has a key twice")
    return found
