"""Cases from files: values, points, kernel matrices, instances of published formats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from subsetopt._checks import require, require_integer
from subsetopt._registry import require_options
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import CSVTable, TableOptions, read_table
from subsetopt.formats._constraint_documents import WORDS, stated_options
from subsetopt.formats._constraint_options import ConstraintAndStartOptions
from subsetopt.formats._constraint_words import NamedRows, Wording
from subsetopt.formats._first_line import RowCount
from subsetopt.formats._problems import read_with_format
from subsetopt.formats._value_files import read_alike
from subsetopt.problems import Constraints, Kernel, _validation
from subsetopt.problems._kernel_choice import kernel_of
from subsetopt.problems._kernel_matrices import symmetric_kernel
from subsetopt.problems._points import alike, points
from subsetopt.problems.scaling import Scaling, require_columns, warn_unscaled

from ._clouds import Cloud, MMDCase
from ._constrained_cases import ConstrainedCase
from ._quadratic_cases import QuadraticCase
from ._sequence_cases import SequenceCase
from .base import Case, MeanMatchingCase, SelectionCase, Values, VectorCase

_KERNEL = ("kernel", "scale", "degree")
_SCALED = "scale_columns"
_TABLE = ("header", "columns", "id")
KEYS: Mapping[str, tuple[str, ...]] = {
    "mean-matching": ("target", "cardinality", *_TABLE, *WORDS),
    "vector-mean-matching": ("target", "cardinality", *_TABLE, *WORDS),
    "mmd": ("target", *_KERNEL, _SCALED, *_TABLE, *WORDS),
    "quadratic": ("format", "instance", *_TABLE, *WORDS),
    "sequence": (*_KERNEL, _SCALED, *_TABLE),
}
"""The families, and what may be said of a file besides k."""
PACKED = (".xz", ".gz", ".bz2")


def stem(source: str) -> str:
    """Return the name of a file, or of a member of an archive, without its suffixes."""
    path = Path(source.rpartition(":")[2])
    return Path(path.stem).stem if path.suffix in PACKED else path.stem


def read(
    source: str,
    family: str,
    name: str,
    ks: Sequence[int] | None,
    options: Mapping[str, Any],
    folder: Path | None = None,
) -> list[Case]:
    """Return the cases of choosing each k of what a file holds.

    `source` is as `subsetopt.formats.read_values` takes it, for quadratics as `read_problem` does;
    `name` is the beginning of the names of the cases, `options` are by the keys that the family
    has. Without `ks`, quadratic instances state one of their own. Other files that the options
    name lie in `folder`.

    Raises InvalidFile if the file is missing or damaged, or holds another shape; InvalidOption for
    a missing k, an unknown kernel or format, or constraints that name what is not there;
    InvalidProblem for a k out of range, or numbers or constraints that state no problem.
    """
    if ks is None and family != "quadratic":
        raise InvalidOption(f"k must be given, as files of {family} state none")
    rules = stated_options({word: options[word] for word in options if word in WORDS})
    wording = Wording(folder=folder or Path())
    given = _Given(source, family, name, options, rules, wording)
    if family == "quadratic":
        return list(given.quadratic(ks))
    assert ks is not None
    return list(given.clouds(ks) if family in ("mmd", "sequence") else given.matching(ks))


def with_rules(cases: Sequence[Case], words: Mapping[str, Any], folder: Path) -> Sequence[Case]:
    """Return cases with constraints and a start; rows go by their indices, labels lie in files."""
    if not words:
        return cases
    rules, wording = stated_options(words), Wording(folder=folder)
    return [_with_rules(case, rules, "", None, wording) for case in cases]


def _with_rules(
    case: Case,
    rules: ConstraintAndStartOptions,
    file: str,
    names: Sequence[object] | None,
    wording: Wording,
) -> Case:
    if not isinstance(case, SelectionCase):
        raise InvalidOption("constraints must be of selections, of which sequences have none")
    rows = NamedRows(case.n, file, names)
    made, start = rules.made(rows, case.k, wording), rules.begin(rows, wording)
    if made is None and start is None:
        return case
    return ConstrainedCase(case, made or Constraints(), start)


@dataclass(frozen=True)
class _Given:
    """A file, and what is said of it."""

    source: str
    family: str
    name: str
    options: Mapping[str, Any]
    rules: ConstraintAndStartOptions
    wording: Wording

    @property
    def table(self) -> TableOptions:
        """How text is read: columns by name or number from 1, as on the command line."""
        header, columns, key = (self.options.get(name) for name in _TABLE)
        require("header", header, header is None or isinstance(header, bool), "true or false")
        columns = columns if columns is None or isinstance(columns, list) else [columns]
        columns = None if columns is None else [str(column) for column in columns]
        return TableOptions(header=header, columns=columns, id=None if key is None else str(key))

    def _read(self, rows: RowCount | None = None) -> tuple[CSVTable, TableOptions]:
        options = self.rules.features(self.source, self.table, self.wording)
        return read_table(self.source, options, rows), options

    def _ruled(self, case: Case, ids: Sequence[object] | None) -> Case:
        return _with_rules(case, self.rules, self.source, ids, self.wording)

    def matching(self, ks: Sequence[int]) -> Iterator[Case]:
        """Yield cases of mean matching."""
        table, _ = self._read()
        values, family = table.values, self.family
        kind = {1: MeanMatchingCase, 2: VectorCase}.get(values.ndim)
        if kind is None or kind.family != family:
            wanted = "(n,)" if family == MeanMatchingCase.family else "(n, d)"
            raise InvalidFile(f"{self.source}: holds shape {values.shape}; {family} needs {wanted}")
        batch = Values(self.name, Path(self.source).name, values)
        target, cardinality = self.options.get("target"), self.options.get("cardinality", "exactly")
        target = None if target == "mean" else target
        numbers = target is None or not isinstance(target, str)
        require("target", target, numbers, "'mean', a number, or a list of numbers")
        for k in ks:
            case = kind.of(batch, k, target, cardinality)
            case.problem()  # raises now for what states none
            yield self._ruled(case, table.ids)

    def clouds(self, ks: Sequence[int]) -> Iterator[Case]:
        """Yield cases of MMD selection, or of sequences."""
        kernel = _kernel({key: self.options[key] for key in self.options if key in _KERNEL})
        square = kernel == "precomputed"
        table, options = self._read("square" if square else None)
        values = table.values
        target = self._target(table, options, square)
        if kernel == "precomputed":
            require_columns(self.options.get(_SCALED))
            values = symmetric_kernel("K", _validation.square_matrix("K", values, copy=False))
        else:
            values, target = self._scaled(points("X", values), target)
        cloud = Cloud(self.name, Path(self.source).name, values, kernel, target)
        for k in ks:
            require_integer("k", k, f"[1, {len(values) - 1}]")
            if self.family == "sequence":
                yield SequenceCase(cloud, k)
            else:
                yield self._ruled(MMDCase(cloud, k), table.ids)

    def _scaled(self, values: Any, target: Any) -> tuple[Any, Any]:
        """Return points and those of a target, with columns of equal spread if that is said."""
        if target is not None:
            values, target = alike(("X", "target"), values, target)
        together = values if target is None else np.concatenate([values, target])
        if _SCALED not in self.options:
            warn_unscaled(together, f"Give {_SCALED}: std, or none if so it is meant.", 3)
        scaling = Scaling.of(together, self.options.get(_SCALED, "none"))
        return scaling.applied(values), None if target is None else scaling.applied(target)

    def _target(self, table: CSVTable, options: TableOptions, square: bool) -> Any:
        file = self.options.get("target")
        if file is None:
            return None
        require("target", file, isinstance(file, str), "a file")
        place = self.wording.file(file)
        if square:
            return read_table(place).values
        return points("target", read_alike(place, options, table, "target").values)

    def quadratic(self, ks: Sequence[int] | None) -> Iterator[Case]:
        """Yield cases of quadratic selection."""
        instance = self.options.get("instance")
        require_integer("instance", instance, none=True)
        table = self.table
        wanted: Sequence[int | None] = ks or [None]
        for k in wanted:
            reading = read_with_format(
                self.source,
                format=self.options.get("format"),
                k=k,
                instance=instance,
                header=table.header,
                columns=table.columns,
                id=table.id,
            )
            selection, file = reading.problem, Path(self.source).name
            ids = next((one.ids for one in reading.tables.values()), None)
            case = QuadraticCase(f"{self.name}-k{selection.k}", file, selection)
            yield self._ruled(case, selection.names if ids is None else ids)


def _kernel(options: Mapping[str, Any]) -> Kernel | Literal["precomputed"]:
    spec = Spec.parse(str(options.get("kernel", "gaussian")))
    given = spec.options | {key: options[key] for key in options if key != "kernel"}
    if spec.name != "precomputed":
        return kernel_of(Spec(spec.name, given))
    require_options("kernel 'precomputed'", given, ())
    return "precomputed"
