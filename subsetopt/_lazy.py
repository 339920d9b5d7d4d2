"""Packages whose contents are loaded when they are first asked for."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Contents = Mapping[str, tuple[str, ...]]


def loader(package: str, contents: Contents) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package.

    Parameters
    ----------
    package : str
        Its name.
    contents : mapping of str to tuple of str
        Its modules, which can be had as attributes too, and the names that are taken from them.
    """
    homes = {name: module for module, names in contents.items() for name in names}

    def get(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f"{package}.{homes[name]}"), name)
            setattr(sys.modules[package], name, value)
            return value
        if name in contents:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
