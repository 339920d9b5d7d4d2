"""Numba's `njit` with a disk cache that recompiles what is damaged."""

import hashlib
import os
import pickle
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

from . import _compiling, _lean

_DIGEST = hashlib.sha256().digest_size

FOLDERS: dict[str, bool] = {}
"""Where the kernels that have been imported are kept, and whether more can be."""


def njit(*, cache: bool = True, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles as `numba.njit` does.

    Numba reads back whatever is in its cache folder: a file cut short by a full disk or a killed
    process ends every later call with a pickle error, a flipped bit in machine code with a crash,
    and where no folder can be written it refuses to import. Here files carry a digest. One
    whose digest does not fit is compiled and written again, and a folder that cannot be written is
    only read.

    Parameters
    ----------
    cache : bool
        Keep the machine code on disk.
    **options
        Of `numba.njit`.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        if cache and hasattr(dispatcher, "_cache"):  # a plain function with NUMBA_DISABLE_JIT
            # No folder at all, as for code without a file: compiled once in each process.
            with suppress(RuntimeError, OSError):
                dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


class _Files(caching.IndexDataCacheFile):
    """Numba's index and data files, each behind the digest of its name and content."""

    def load(self, key: object) -> Any:
        try:
            return super().load(key)
        except Exception:  # unpickling raises anything
            return None

    def _load_index(self) -> dict[Any, Any]:
        try:
            stamp, overloads = pickle.loads(self._unsealed(self._index_path))
        except Exception:
            return {}
        fresh = stamp == (self._version, self._source_stamp)
        return overloads if fresh else {}

    def _save_index(self, overloads: dict[Any, Any]) -> None:
        content = self._dump(((self._version, self._source_stamp), overloads))
        self._seal(self._index_path, content)

    def _load_data(self, name: str) -> Any:
        return pickle.loads(self._unsealed(self._data_path(name)))

    def _save_data(self, name: str, data: object) -> None:
        self._seal(self._data_path(name), self._dump(data))

    def _seal(self, path: str, content: bytes) -> None:
        with self._open_for_write(path) as stream:
            stream.write(_digest(path, content))
            stream.write(content)

    def _unsealed(self, path: str) -> bytes:
        with open(path, "rb") as stream:
            digest, content = stream.read(_DIGEST), stream.read()
        if digest != _digest(path, content):
            raise OSError(f"{path} is damaged")
        return content


def _digest(path: str, content: bytes) -> bytes:
    return hashlib.sha256(os.path.basename(path).encode() + b"\0" + content).digest()


_IMPORTED = re.compile(rb"^from \.(\w*) import (.*)$", re.MULTILINE)


@cache
def _imports(path: Path) -> frozenset[Path]:
    """Return the modules beside a module whose functions are compiled into its own."""
    try:
        lines = _IMPORTED.findall(path.read_bytes())
    except OSError:
        return frozenset()
    names = {name.decode() for module, names in lines for name in (module or names).split(b", ")}
    found = {path.with_name(f"{name}.py") for name in names}
    return frozenset(file for file in found if file != path and file.exists())


@cache
def _of_others(path: Path) -> tuple[bytes, ...]:
    """Return digests of the modules from which functions are compiled into those of this one."""
    called: set[Path] = set()
    waiting = {path}
    while waiting:
        waiting = set().union(*map(_imports, waiting)) - called - {path}
        called |= waiting
    return tuple(hashlib.sha256(file.read_bytes()).digest() for file in sorted(called))


def _stamp_of(path: Path, own: object) -> object:
    """Return what tells whether machine code is of this source, and of what it calls elsewhere."""
    others = _of_others(path)
    return (own, others) if others else own


@cache
def _register_runtime() -> None:
    """Tell the linker where Numba's runtime is.

    Before machine code is loaded Numba sets up all that compiling takes, in 0.2 s; this is the part
    of it that machine code calls.
    """
    binding, runtime = map(import_module, ("llvmlite.binding", "numba.core.runtime._nrt_python"))
    for name, address in runtime.c_helpers.items():
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


class _OnlyRead(caching.InTreeCacheLocator):
    """The folder beside the source, where none can be written: of use if it was filled before."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
        return cls(py_func, py_file) if os.path.exists(py_file) else None


class _Implementation(caching.CompileResultCacheImpl):
    _locator_classes = [*caching.CompileResultCacheImpl._locator_classes, _OnlyRead]  # noqa: RUF012


class _Cache(caching.FunctionCache):
    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        FOLDERS[self._cache_path] = self.writable
        stamp = _stamp_of(
            Path(function.__code__.co_filename), self._impl.locator.get_source_stamp()
        )
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    @property
    def writable(self) -> bool:
        """Whether what is compiled is kept."""
        return not isinstance(self._impl.locator, _OnlyRead)

    def load_overload(self, sig: object, target_context: object) -> Any:
        """Return the machine code, or None after taking the lock of whoever compiles it."""
        kept = self._loaded(sig, target_context)
        if kept is not None:
            return kept
        _compiling.require(self._name)
        if self.writable:
            with suppress(OSError):
                self._impl.locator.ensure_cache_path()
            if _compiling.acquire(f"{self._cache_file._index_path}.lock"):
                kept = self._loaded(sig, target_context)
                if kept is not None:
                    _compiling.release()
                    return kept
        _lean.load()
        return None

    def _loaded(self, sig: object, target_context: object) -> Any:
        try:
            _register_runtime()
            return self._load_overload(sig, target_context)
        except Exception:  # whole, but of another LLVM: the digest cannot tell
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keep machine code, and let those who wait for it go on."""
        try:
            with suppress(OSError):  # a full disk, a folder that cannot be written
                super().save_overload(sig, data)
        finally:
            if self.writable:
                _compiling.release()
