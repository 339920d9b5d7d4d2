"""Rows, groups and costs of a table, read by the words that name them in constraints."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from subsetopt import problems
from subsetopt._registry import nearest
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem

if TYPE_CHECKING:
    from subsetopt.problems import Quota

Rows = str | tuple[str, ...]
"""Names of rows: separated by commas, in a file, or one by one."""
Pairs = str | tuple[tuple[str, str], ...]

PROPORTIONAL = "proportional"
_SUFFIXES = (".csv", ".tsv", ".txt", ".npy", ".npz", ".gz")


@dataclass(frozen=True)
class NamedRows:
    """The rows that a selection is made of, as people name them.

    Parameters
    ----------
    count : int
    file : str
        The table that they are from; empty if there is none.
    names : sequence or None
        Their ids, or names of nodes; None if they have none but their indices from 0.
    columns : mapping of str to sequence of str
        The texts of the columns of a table that is held; without them the file is read again.
    """

    count: int
    file: str
    names: Sequence[object] | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    positions: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = range(self.count) if self.names is None else self.names
        object.__setattr__(self, "positions", {str(name): i for i, name in enumerate(names)})

    def index(self, word: str, name: str) -> int:
        """Return the index of a row, given its name."""
        if name not in self.positions:
            what = "an index in [0, {}]" if self.names is None else "one of the rows of {1}"
            hint = "" if self.names is None else nearest(name, self.positions)
            if self.names is not None and not hint:
                hint = f", but they are named like {next(iter(self.positions))!r}"
            raise InvalidOption(
                f"{word} must name {what.format(self.count - 1, self.file)}; got {name!r}{hint}"
            )
        return self.positions[name]

    def called(self, index: int) -> str:
        """Return what a row is called in a message."""
        return f"row {index}" if self.names is None else repr(str(self.names[index]))


class GroupCount(NamedTuple):
    """A quota as it is written: ``LABELS=N``.

    Parameters
    ----------
    labels : str
        A column of the table, or a file.
    number : str, int or mapping of str to int
        A number for all groups, or by group; a file of such; "proportional".
    """

    labels: str
    number: str | int | Mapping[str, int]

    @classmethod
    def parsed(cls, word: str, text: str) -> "GroupCount":
        """Read ``LABELS=N``."""
        labels, sign, number = text.rpartition("=")
        if not sign or not labels:
            raise InvalidOption(f"{word} must be LABELS=N, such as region=5; got {text!r}")
        return cls(labels, number)


@dataclass(frozen=True)
class Wording:
    """Where the words stand: how they are spelled there, and the folder of files that they name."""

    spelled: Callable[[str], str] = str
    folder: Path = Path()

    def file(self, name: str) -> str:
        """Return where a file lies."""
        return str(self.folder / name)

    def names(self, given: Rows) -> tuple[str | None, list[str]]:
        """Return line 1 of a file, which may be a header, and the names of rows but for it."""
        if isinstance(given, str) and is_file(given):
            header, lines = cells_of(self.file(given))
            return header[0].strip(), [cells[0].strip() for cells in lines]
        listed = given.split(",") if isinstance(given, str) else given
        return None, [name.strip() for name in listed]


PLAIN = Wording()
COMMAND_LINE = Wording(lambda word: f"--{word.replace('_', '-')}")


@dataclass(frozen=True)
class ConstraintReading:
    """What is read of the rows, given by words."""

    rows: NamedRows
    wording: Wording

    def indices(self, word: str, given: Rows | None) -> list[int] | None:
        """Return rows that are listed, or named in a file."""
        if given is None:
            return None
        header, names = self.wording.names(given)
        if header is not None and header in self.rows.positions:
            names = [header, *names]
        return [self.rows.index(self.wording.spelled(word), name) for name in names]

    def pairs(self, given: Pairs) -> list[list[int]]:
        """Return pairs of rows."""
        word = self.wording.spelled("conflicts")
        return [[self.rows.index(word, name) for name in pair] for pair in self.named_pairs(given)]

    def named_pairs(self, given: Pairs) -> Sequence[tuple[str, str]]:
        """Return pairs of names of rows."""
        if not isinstance(given, str):
            return given
        known = self.rows.positions.keys()
        return _pairs(self.wording.file(given), lambda line: known.isdisjoint(line))

    def costs(self, name: str) -> list[float]:
        """Return the numbers of a column, or of a file."""
        return cost_numbers(name, self.column("cost", name), self.rows.called)

    def quota(self, word: str, given: GroupCount, k: int) -> "Quota":
        """Return a quota on the groups of a column, or of a file."""
        labels = self.column(word, given.labels)
        if word == "exactly" and given.number == PROPORTIONAL:
            require_shared_groups(given.labels, set(labels), len(labels), k)
            return problems.Quota.proportional(labels, k)
        number = self.number(word, given.number)
        try:
            return problems.Quota(labels, **{word: number})
        except InvalidProblem as error:
            spelled = self.wording.spelled(word)
            more = "" if isinstance(number, dict) else f", as in {given.labels}=NUMBERS.csv"
            raise InvalidOption(f"{spelled} on {given.labels!r}: {error}{more}") from error

    def number(self, word: str, number: str | int | Mapping[str, int]) -> int | dict[str, int]:
        """Return how many rows of each group a quota asks for."""
        if isinstance(number, Mapping):
            return {group: self._integer(word, count) for group, count in number.items()}
        if isinstance(number, str) and is_file(number):
            pairs = _pairs(self.wording.file(number), lambda line: not _is_integer(line[1]))
            return {group: self._integer(word, count) for group, count in pairs}
        return self._integer(word, number)

    def _integer(self, word: str, number: str | int) -> int:
        try:
            return int(number)
        except ValueError:
            also = f", {PROPORTIONAL!r}" if word == "exactly" else ""
            raise InvalidOption(
                f"{self.wording.spelled(word)} must end with an integer{also} or a .csv file of "
                f"groups and integers; got {number!r}"
            ) from None

    def column(self, word: str, name: str) -> list[str]:
        """Return the texts of a column of the table, or of a file with one on each line."""
        count, file, held = self.rows.count, self.rows.file, self.rows.columns
        if name in held:
            return list(held[name])
        if is_file(name):
            header, lines = cells_of(self.wording.file(name))
            texts = [cells[0] for cells in lines]
            texts = texts if len(texts) == count else [header[0], *texts]
        else:
            spelled = self.wording.spelled(word)
            if not held:
                require_rereadable(file, spelled, name)
            header, lines = (list(held), []) if held else cells_of(file)
            if name not in header:
                raise InvalidOption(
                    f"{spelled} must name a column of {file}, which has {', '.join(header)}, or a "
                    f"file; got {name!r}{nearest(name, header)}"
                )
            at = header.index(name)
            texts = [cells[at] for cells in lines]
        if len(texts) != count:
            raise InvalidFile(
                f"{name}: must have a line for each of the {count} rows; got {len(texts)}"
            )
        return texts


def cost_numbers(
    name: str, texts: Iterable[object], called: Callable[[int], str] = "row {}".format
) -> list[float]:
    """Return costs as numbers; InvalidFile names the row without one."""
    costs = []
    for i, text in enumerate(texts):
        try:
            cost = float(text)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            cost = math.nan
        if not math.isfinite(cost):
            got = "none" if text is None or str(text) in ("", "nan") else repr(text)
            raise InvalidFile(
                f"{name}: costs must be numbers; {called(i)} has {got}: fill it in, or drop the row"
            )
        costs.append(cost)
    return costs


def require_shared_groups(name: str, groups: Collection[str], n: int, k: int) -> None:
    """Raise InvalidOption where shares of k rows in proportion are those of single rows.

    Of so many groups most get no row at all, and the others one by the order of their names.
    """
    count = len(groups)
    if count > k and (2 * count > n or _are_measured(groups)):
        raise InvalidOption(
            f"quotas of {name!r} cannot be proportional: it has {count:,} different values in "
            f"{n:,} rows, more than the {k:,} rows to choose, so that most of them get none; leave "
            "it out, as numbers are compared without quotas, or put its values into bins first"
        )


def _are_measured(groups: Iterable[str]) -> bool:
    """Return whether labels are numbers, some of them with decimals."""
    try:
        numbers = [float(group.replace(",", ".")) for group in map(str, groups) if group]
    except ValueError:
        return False
    return any(number % 1 for number in numbers)


def require_compatible(asked: Sequence[tuple[str, GroupCount, "Quota"]]) -> None:
    """Raise InvalidOption, naming column and group, where two quotas of a column contradict."""
    for at, (word, given, quota) in enumerate(asked):
        for other_word, other, others in asked[:at]:
            if other.labels != given.labels:
                continue
            for (w1, least), (w2, most) in (
                ((word, quota), (other_word, others)),
                ((other_word, others), (word, quota)),
            ):
                broken = (least.lower > most.upper).nonzero()[0]
                if len(broken):
                    group = broken[0]
                    raise InvalidOption(
                        f"quotas of {given.labels!r} contradict in {len(broken)} of its "
                        f"{len(least.groups)} groups: of {least.groups[group]!r} {w1} asks for "
                        f"{least.lower[group]} rows, and {w2} allows {most.upper[group]}; loosen "
                        "one of them"
                    )


def require_rereadable(file: str, spelled: str, name: str) -> None:
    if file in ("", "-"):
        why = "the table is standard input, which is read once" if file else "there is no table"
        raise InvalidOption(f"{spelled} must name a file where {why}; got {name!r}")


def is_file(text: str) -> bool:
    return Path(text).suffix.lower() in _SUFFIXES


def _pairs(file: str, is_header: Callable[[list[str]], bool]) -> list[tuple[str, str]]:
    """Return the two cells of each line of a file, which may begin with a header."""
    header, lines = cells_of(file)
    every = [header, *lines]
    odd = next((cells for cells in every if len(cells) != 2), None)
    if odd is not None:
        raise InvalidFile(f"{file}: every line must have two cells; got {len(odd)} in {odd}")
    return [(a, b) for a, b in (lines if is_header(header) else every)]


def _is_integer(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def cells_of(file: str) -> tuple[list[str], list[list[str]]]:
    """Return the cells of line 1 of a text file, and of the others."""
    from ._value_files import read_texts  # imports numpy

    first, *rest = read_texts(file)
    return first, rest
