"""The list of kernels is whole: ``subsetopt warmup`` compiles whatever a solve may need."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from numba import types

import subsetopt
from subsetopt import _warming
from subsetopt._kernels import _cache, _signatures
from subsetopt._kernels._signatures import SIGNATURES

SOURCE = Path(subsetopt.__file__).parent


def modules() -> Iterator[str]:
    """Yield the modules that compile anything."""
    for folder, _, files in os.walk(SOURCE, followlinks=True):
        for name in files:
            path = Path(folder, name)
            if path.suffix == ".py" and re.search(r"^@(kernel|njit)", path.read_text(), re.M):
                yield ".".join(["subsetopt", *path.relative_to(SOURCE).with_suffix("").parts])


def kernels() -> Iterator[Any]:
    """Yield what is compiled and kept, those left out that are only put into others."""
    for module in modules():
        for value in vars(import_module(module)).values():
            kept = isinstance(getattr(value, "_cache", None), _cache._Cache)
            if kept and value.targetoptions.get("inline") != "always":
                yield value


def test_every_kernel_is_declared() -> None:
    declared = [_signatures.kernel(name) for name in SIGNATURES]
    assert {str(kernel) for kernel in kernels()} == {str(kernel) for kernel in declared}
    assert len(set(declared)) == len(declared)


def test_every_argument_has_a_type() -> None:
    for name in SIGNATURES:
        arguments = signature(_signatures.kernel(name).py_func).parameters
        assert len(next(_signatures.types_of(name))) == len(arguments), name


def test_types_are_written_as_numpy_does() -> None:
    def array(dtype: Any, dimensions: int, *, readonly: bool = False) -> Any:
        return types.Array(dtype, dimensions, "C", readonly=readonly)

    several: Any = types.Tuple
    pair = several([array(types.int64, 1), types.float64])
    assert _signatures._types("f8[,]! (i8[] f8) b1 u8[]") == (
        array(types.float64, 2, readonly=True),
        pair,
        types.boolean,
        array(types.uint64, 1),
    )
    rows = {sig[:2] for sig in _signatures.types_of("batch_herding.exchange")}
    assert rows == {
        (row, row)
        for dtype in (types.float32, types.float64)
        for row in (array(dtype, 1), array(dtype, 1, readonly=True))
    }


def test_nothing_else_is_compiled() -> None:
    _warming.warm(_warming.jobs(), lambda result: None)
    command = [sys.executable, str(Path(__file__).with_name("every_kernel.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
