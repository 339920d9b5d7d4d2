"""Suites of one's own: a YAML file that says the cases, the solvers and how they are measured."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import (
    InvalidFile,
    InvalidOption,
    InvalidProblem,
    MissingDependency,
    UnknownSolver,
    UnsupportedProblem,
)
from subsetopt.formats._documents import parsed_yaml
from subsetopt.formats._sources import content
from subsetopt.solvers import catalogue

from . import suites
from ._contenders import by_name
from ._families import named
from ._suite_options import MeasurementOptions, SuiteOptions
from .cases import Case, _instance_files, _sequence_cases
from .results import Contender

YAML = OptionalDependency("pyyaml", "yaml", extra="bench")
_GENERATED = ("suite", "source", "sizes", "k", "instances", "seed")
_SOLVER = ("name", "label", "options")
_SETTINGS = tuple(field.name for field in fields(MeasurementOptions))
_WRONG = (
    InvalidFile,
    InvalidOption,
    InvalidProblem,
    MissingDependency,
    UnknownSolver,
    UnsupportedProblem,
)


@dataclass(frozen=True, kw_only=True)
class OwnSuite:
    """What such a file says.

    Parameters
    ----------
    name : str
    cases : tuple of Case
    entrants : tuple of Entrant
        Empty where the file names no solvers: all that can run take part.
    settings : dict
        Those fields of `MeasurementOptions` that the file sets.
    """

    name: str
    cases: tuple[Case, ...]
    entrants: tuple[Contender, ...]
    settings: Mapping[str, Any]

    @property
    def families(self) -> tuple[str, ...]:
        """Of the cases, each once."""
        return tuple(dict.fromkeys(case.family for case in self.cases))


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
        If there is no such file, it is no YAML, or a key or its type is wrong.
    InvalidOption, InvalidProblem, UnknownSolver, UnsupportedProblem, MissingDependency
        As building the cases and the solvers raises them, with the entry named.
    """
    document = _parsed(path)
    with _told(str(path)):
        _require_keys(document, ("name", "instances", "solvers", *_SETTINGS))
        name = _text(document.get("name", path.stem), "name")
        settings = _settings(document)
    cases = _cases(document, path, data, settings.get("seed", 0))
    entrants = _entrants(document, path, {case.family for case in cases})
    return OwnSuite(name=name, cases=cases, entrants=entrants, settings=settings)


def _parsed(path: Path) -> Any:
    yaml: Any = YAML.load()
    text, name = content(path)
    return parsed_yaml(yaml, text, name)


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is set of `MeasurementOptions`, checked by it."""
    given = {name: document[name] for name in _SETTINGS if name in document}
    if "time_limits" in given:
        limits = given["time_limits"]
        given["time_limits"] = tuple(limits if isinstance(limits, list) else [limits])
    MeasurementOptions(**given)
    return given


# -- instances ------------------------------------------------------------------------------------


def _cases(
    document: Mapping[str, Any], path: Path, data: Path | None, seed: int
) -> tuple[Case, ...]:
    found: dict[str, Case] = {}
    origins: dict[str, str] = {}
    for where, entry in _entries(document, "instances", path):
        with _told(where):
            for case in _built(entry, path.parent, data, seed):
                if case.name in found:
                    raise InvalidFile(
                        f"the case {case.name} is there already, from {origins[case.name]}; "
                        "give another name, seed or k"
                    )
                found[case.name], origins[case.name] = case, where
    if not found:
        raise InvalidFile(f"{path}: instances is missing or empty; a list of mappings is needed")
    return tuple(found.values())


def _built(entry: Any, folder: Path, data: Path | None, seed: int) -> Sequence[Case]:
    if not isinstance(entry, dict) or ("suite" in entry) == ("file" in entry):
        raise InvalidFile(f"{entry!r} is given; a mapping with either suite or file is needed")
    return _generated(entry, data, seed) if "suite" in entry else _read(entry, folder)


def _generated(entry: Mapping[str, Any], data: Path | None, seed: int) -> Sequence[Case]:
    _require_keys(entry, _GENERATED)
    suite = suites.find(_text(entry["suite"], "suite"))
    names = entry.get("instances")
    if isinstance(names, list):
        names = [_text(name, "instances") for name in names]
    choice = SuiteOptions(
        source=entry.get("source"),
        sizes=_numbers(entry, "sizes"),
        ks=_numbers(entry, "k"),
        instances=names,
        seed=entry.get("seed", seed),
        data=data,
    )
    return suite.build(choice)


def _read(entry: Mapping[str, Any], folder: Path) -> Sequence[Case]:
    family = named(_text(entry.get("family"), "family"))
    if family not in _instance_files.KEYS:
        raise InvalidFile(f"family is {family!r}; it is one of {', '.join(_instance_files.KEYS)}")
    _require_keys(entry, ("file", "family", "name", "k", *_instance_files.KEYS[family]))
    source = str(folder / _text(entry["file"], "file"))
    name = _text(entry.get("name", _instance_files.stem(source)), "name")
    options = {key: entry[key] for key in _instance_files.KEYS[family] if key in entry}
    return _instance_files.read(source, family, name, _numbers(entry, "k"), options)


# -- solvers --------------------------------------------------------------------------------------


def _entrants(
    document: Mapping[str, Any], path: Path, families: Collection[str]
) -> tuple[Contender, ...]:
    found: dict[str, Contender] = {}
    for where, entry in _entries(document, "solvers", path):
        with _told(where):
            entrant = _entrant(entry)
            _require_able(entrant, families)
            if entrant.label in found:
                raise InvalidFile(f"label {entrant.label!r} is there already; give it another one")
        found[entrant.label] = entrant
    return tuple(found.values())


def _entrant(entry: Any) -> Contender:
    if isinstance(entry, str):
        return by_name([entry])[0]
    _require_keys(entry, _SOLVER)
    name = _text(entry.get("name"), "name")
    options = {} if entry.get("options") is None else entry["options"]
    if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
        raise InvalidFile(f"options must be a mapping of names to values; got {options!r}")
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    label = _text(entry.get("label", f"{name}({given})" if given else name), "label")
    return Contender(label=label, name=name, options=options)


def _require_able(entrant: Contender, families: Collection[str]) -> None:
    """Raise unless it takes one of the families, with its options."""
    if "sequence" in families:
        try:
            return _sequence_cases.require(entrant)
        except (InvalidOption, UnsupportedProblem):
            if len(families) == 1 or entrant.name not in catalogue.names():
                raise
    catalogue.create(entrant.name, **entrant.options)
    handles = catalogue.solver_class(entrant.name).handles
    if not set(families) & set(handles):
        raise UnsupportedProblem(
            f"solver {entrant.name!r} takes {', '.join(handles)}; the instances are of "
            f"{', '.join(sorted(families))}"
        )


# -- what a value has to be -----------------------------------------------------------------------


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say where in the file something is wrong."""
    try:
        yield
    except _WRONG as error:
        raise type(error)(f"{where}: {error}") from error


def _entries(document: Mapping[str, Any], key: str, path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a list, and where each stands."""
    listed = document.get(key) or []
    if not isinstance(listed, list):
        raise InvalidFile(f"{path}: {key} is {listed!r}; a list is needed")
    for number, entry in enumerate(listed, start=1):
        yield f"{path}: {key}, entry {number}", entry


def _require_keys(value: Any, known: Collection[str]) -> None:
    if not isinstance(value, dict):
        raise InvalidFile(f"{value!r} is given; a mapping is needed, of {', '.join(known)}")
    for key in value:
        if key not in known:
            raise InvalidFile(f"the key {key!r} is unknown; known are {', '.join(known)}")


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidFile(f"{key} is {value!r}; a text is needed")
    return value


def _whole(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidFile(f"{key} is {value!r}; a whole number is needed")
    return value


def _numbers(entry: Mapping[str, Any], key: str) -> tuple[int, ...] | None:
    """Return whole numbers where one or a list of them is given."""
    if key not in entry:
        return None
    listed = entry[key] if isinstance(entry[key], list) else [entry[key]]
    if not listed:
        raise InvalidFile(f"{key} is empty; whole numbers are needed")
    return tuple(_whole(number, key) for number in listed)
