"""Suites in YAML files: cases, solvers and how they are measured."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from subsetopt._registry import require_options
from subsetopt.errors import InvalidFile, InvalidOption, SubsetOptError, UnsupportedProblem
from subsetopt.formats._constraint_documents import WORDS
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import read_yaml
from subsetopt.solvers import catalogue

from ._contenders import named_contender
from ._families import named
from ._suite_options import MeasurementOptions, SuiteOptions
from ._suites import find_suite
from .cases import Case, _instance_files, _sequence_cases
from .results import Contender

Numbers = int | tuple[int, ...]
_SETTINGS = tuple(one.name for one in fields(MeasurementOptions))


@dataclass(frozen=True, kw_only=True)
class OwnSuite:
    """What such a file says."""

    name: str
    cases: tuple[Case, ...]
    contenders: tuple[Contender, ...]
    """Empty where the file names no solvers: all that can run take part."""
    settings: Mapping[str, Any]
    """Those fields of `MeasurementOptions` that the file sets."""

    @property
    def families(self) -> tuple[str, ...]:
        """Of the cases, each once."""
        return tuple(dict.fromkeys(case.family for case in self.cases))


@dataclass(frozen=True, kw_only=True)
class _Document:
    name: str = ""
    instances: tuple[Mapping[str, Any], ...]
    solvers: tuple[str | Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class _BuiltIn:
    """Cases of a built-in suite; None leaves what the suite or the file says."""

    suite: str
    source: str | None = None
    sizes: Numbers | None = None
    k: Numbers | None = None
    instances: int | tuple[str, ...] | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class _OnFile:
    """Cases of what a file holds."""

    file: str
    family: str
    name: str = ""
    k: Numbers | None = None


@dataclass(frozen=True, kw_only=True)
class _NamedSolver:
    name: str
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def read_suite(path: Path, data: Path | None = None) -> OwnSuite:
    """Read a suite; paths in it are relative to its folder.

    Parameters
    ----------
    path : Path
    data : Path, optional
        The data folder, for cases of built-in suites; None looks at the environment.

    Raises
    ------
    InvalidFile
        If there is no such file, it is not YAML, or a key or its type is wrong.
    InvalidOption, InvalidProblem, UnknownSolver, UnsupportedProblem, MissingDependency
        As building the cases and the solvers raises them, with the entry named.
    """
    given = read_yaml(path, "bench")
    with _placed(str(path)):
        settings = _settings(given) if isinstance(given, dict) else {}
        rest = {k: v for k, v in given.items() if k not in _SETTINGS} if settings else given
        document = declared(_Document, rest, "suite")
        if not document.instances:
            raise InvalidFile("instances must be a list of mappings; got none")
    cases = _cases(document, path, data, settings.get("seed", 0))
    contenders = _contenders(document, path, {case.family for case in cases})
    return OwnSuite(
        name=document.name or path.stem, cases=cases, contenders=contenders, settings=settings
    )


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is set of `MeasurementOptions`, checked by it."""
    given = {name: document[name] for name in _SETTINGS if name in document}
    if "time_limits" in given:
        limits = given["time_limits"]
        given["time_limits"] = tuple(limits if isinstance(limits, list) else [limits])
    MeasurementOptions(**given)
    return given


def _cases(document: _Document, path: Path, data: Path | None, seed: int) -> tuple[Case, ...]:
    found: dict[str, Case] = {}
    origins: dict[str, str] = {}
    for number, entry in enumerate(document.instances, start=1):
        with _placed(where := f"{path}: instances, entry {number}"):
            if ("suite" in entry) == ("file" in entry):
                raise InvalidFile(f"it must have either suite or file; got {entry!r}")
            built_in = "suite" in entry
            for case in _built_in(entry, path, data, seed) if built_in else _on_file(entry, path):
                if case.name in found:
                    raise InvalidFile(
                        f"the case {case.name} must stand once, but is there already, from "
                        f"{origins[case.name]}; give another name, seed or k"
                    )
                found[case.name], origins[case.name] = case, where
    return tuple(found.values())


def _built_in(entry: Mapping[str, Any], path: Path, data: Path | None, seed: int) -> Sequence[Case]:
    known = [one.name for one in fields(_BuiltIn)]
    require_options("an entry with a suite", entry, (*known, *WORDS))
    words = {key: entry[key] for key in entry if key in WORDS}
    own = declared(_BuiltIn, {key: entry[key] for key in entry if key not in words}, "entry")
    choice = SuiteOptions(
        source=own.source,
        sizes=_several(own.sizes),
        ks=_several(own.k),
        instances=own.instances,
        seed=seed if own.seed is None else own.seed,
        data=data,
    )
    return _instance_files.with_rules(find_suite(own.suite).build(choice), words, path.parent)


def _on_file(entry: Mapping[str, Any], path: Path) -> Sequence[Case]:
    keys = [one.name for one in fields(_OnFile)]
    own = declared(_OnFile, {key: entry[key] for key in keys if key in entry}, "entry")
    family = named(own.family)
    if family not in _instance_files.KEYS:
        known = ", ".join(_instance_files.KEYS)
        raise InvalidFile(f"family must be one of {known}; got {family!r}")
    options = {key: entry[key] for key in entry if key not in keys}
    require_options(f"a file of {family}", options, _instance_files.KEYS[family])
    source = str(path.parent / own.file)
    name = own.name or _instance_files.stem(source)
    return _instance_files.read(source, family, name, _several(own.k), options, path.parent)


def _several(numbers: Numbers | None) -> tuple[int, ...] | None:
    return (numbers,) if isinstance(numbers, int) else numbers


def _contenders(
    document: _Document, path: Path, families: Collection[str]
) -> tuple[Contender, ...]:
    found: dict[str, Contender] = {}
    for number, entry in enumerate(document.solvers, start=1):
        with _placed(f"{path}: solvers, entry {number}"):
            contender = named_contender(entry) if isinstance(entry, str) else _contender(entry)
            _require_able(contender, families)
            if contender.label in found:
                raise InvalidFile(
                    f"label {contender.label!r} must stand once, but is there already"
                )
        found[contender.label] = contender
    return tuple(found.values())


def _contender(entry: Mapping[str, Any]) -> Contender:
    own = declared(_NamedSolver, entry, "solver")
    given = ", ".join(f"{key}={value}" for key, value in own.options.items())
    label = own.label or (f"{own.name}({given})" if given else own.name)
    return Contender(label=label, name=own.name, options=own.options)


def _require_able(contender: Contender, families: Collection[str]) -> None:
    """Raise unless it takes one of the families, with its options."""
    if "sequence" in families:
        try:
            return _sequence_cases.require(contender)
        except (InvalidOption, UnsupportedProblem):
            if len(families) == 1 or contender.name not in catalogue.names():
                raise
    catalogue.create(contender.name, **contender.options)
    handles = catalogue.solver_class(contender.name).handles
    if not set(families) & set(handles):
        raise UnsupportedProblem(
            f"solver {contender.name!r} takes {', '.join(handles)}; the instances are of "
            f"{', '.join(sorted(families))}"
        )


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """Say where in the file something is wrong."""
    try:
        yield
    except SubsetOptError as error:
        error.args = (f"{where}: {error}",)
        raise
