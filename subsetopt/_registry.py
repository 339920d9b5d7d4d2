"""Registries of objects by name, and lazy imports."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .errors import InvalidOption

Exports = tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]


def exports(
    package: str, contents: Mapping[str, str], before: Callable[[], object] | None = None
) -> Exports:
    """Return the `__all__`, `__getattr__` and `__dir__` of a package that loads names when used.

    Type checkers and editors do not run this: import the same names ``as`` themselves under
    ``if TYPE_CHECKING``; a test compares the two.

    Parameters
    ----------
    package : str
        Its name.
    contents : mapping of str to str
        Modules of it, each with the names exported from it, separated by blanks. All its modules
        are attributes too, so that ``from . import package`` and ``package.module.name`` load the
        module where it is used.
    before : callable, optional
        Called before anything is loaded; it raises if a dependency is missing.
    """
    homes = {name: module for module, names in contents.items() for name in names.split()}
    public = sorted(homes)

    def get(name: str) -> Any:
        if before is not None and (name in homes or name in contents):
            before()
        if name in homes:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
            setattr(sys.modules[package], name, value)
            return value
        if not name.startswith("__") and find_spec(f"{package}.{name}") is not None:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return public, get, lambda: sorted({*vars(sys.modules[package]), *public})


class Registry(Mapping[str, str]):
    """The objects of one kind by name, each imported when it is asked for.

    Parameters
    ----------
    kind : str
        What messages call them: ``"solver"``.
    package : str
        The package whose modules they live in.
    homes : mapping of str to str
        Name to ``module:attribute``, in the order in which lists show them; a module of another
        package is given in full.
    also : str
        What else may be given, for the message: ``"torchvision:NAME"``.
    """

    def __init__(self, kind: str, package: str, homes: Mapping[str, str], also: str = "") -> None:
        self.kind = kind
        self._package = package
        self._also = also
        self._homes = dict(homes)

    def __getitem__(self, name: str) -> str:
        return self._homes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def load(self, name: str) -> Any:
        """Return the object of that name.

        Raises
        ------
        InvalidOption
            If there is none; the message lists those that there are.
        """
        if name not in self._homes:
            known = ", ".join([*self, *([self._also] if self._also else [])])
            raise InvalidOption(
                f"{self.kind} must be one of {known}; got {name!r}{nearest(name, self)}"
            )
        module, _, attribute = self._homes[name].partition(":")
        if not module.startswith("subsetopt."):
            module = f"{self._package}.{module}"
        return getattr(import_module(module), attribute)

    def create(self, name: str, *args: Any, **options: Any) -> Any:
        """Call the object of that name with options that are checked first.

        Raises
        ------
        InvalidOption
            If there is none of that name, or it has no such option.
        """
        made = self.load(name)
        require_options(f"{self.kind} {name!r}", options, inspect.signature(made).parameters)
        return made(*args, **options)


def require_options(owner: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise InvalidOption where an option is none of those that `owner` has."""
    known = list(known)
    for option in options:
        if option not in known:
            has = ", ".join(sorted(known)) or "none"
            hint = nearest(option, known)
            raise InvalidOption(f"{owner} has no option {option!r}{hint}; it has {has}")


def nearest(word: object, known: Iterable[object]) -> str:
    """Return `` (did you mean ...?)`` with the known word most like another, if any is like it."""
    from difflib import get_close_matches

    found = get_close_matches(word, [*map(str, known)], 1) if isinstance(word, str) else None
    return f" (did you mean {found[0]!r}?)" if found else ""
