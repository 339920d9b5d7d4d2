"""CIFAR-10 and CIFAR-100: the python pickles, the binary files, or an archive of either."""

import io
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.formats._array_files import read_members
from subsetopt.formats._sources import limited

from ._array_dataset import ArrayDataset, Pair, content, require_labels

_PIXELS = 3 * 32 * 32
_TRAIN = 50_000
_SUBSET = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")


@dataclass(frozen=True)
class _Form:
    """Where one form of the files lies, and how its labels are kept."""

    archive: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    label_bytes: int = 0
    """Before the pixels of each record; the last one is the label. 0: these are pickles."""


_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
_FORMS = {
    10: (
        _Form("cifar-10-python.tar.gz", "cifar-10-batches-py", _BATCHES, ("test_batch",)),
        _Form(
            "cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
            tuple(f"{name}.bin" for name in _BATCHES),
            ("test_batch.bin",),
            1,
        ),
    ),
    100: (
        _Form("cifar-100-python.tar.gz", "cifar-100-python", ("train",), ("test",)),
        _Form("cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), ("test.bin",), 2),
    ),
}


def read_cifar(folder: Path, classes: int = 10) -> ArrayDataset:
    """Return the images, uint8 (n, 3, 32, 32), and the labels; of CIFAR-100 the fine ones.

    The files are looked for in ``folder/cifar10`` (``cifar100``) and in `folder`, as they were
    unpacked, or in their archive. Where none of them is there, ``cifar10_subset.npz`` is read:
    ``x_train``, ``x_val`` and ``x_test``, uint8 (n, 32, 32, 3), with ``y_...``.

    Raises
    ------
    InvalidFile
        If nothing of this is there, or it is damaged.
    """
    for base in (folder / f"cifar{classes}", folder):
        for form in _FORMS[classes]:
            for place in (base / form.folder, base):
                if (place / form.train[0]).is_file():
                    return _arrays(form, classes, place, lambda name: content(place / name))  # noqa: B023 - read before the next turn
            if (base / form.archive).is_file():
                members = _unpacked(base / form.archive, form.train + form.test)
                return _arrays(form, classes, base / form.archive, members.__getitem__)
        if classes == 10 and (base / "cifar10_subset.npz").is_file():
            return _subset(base / "cifar10_subset.npz")
    archives = " or ".join(form.archive for form in _FORMS[classes])
    places = f"{folder / f'cifar{classes}'} or {folder}"
    raise InvalidFile(f"no CIFAR-{classes} in {places}: {archives}, or what is in it")


def _arrays(form: _Form, classes: int, place: Path, get: Callable[[str], bytes]) -> ArrayDataset:
    def joined(names: tuple[str, ...]) -> Pair:
        parts = [_part(form, classes, get(name), place / name) for name in names]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))  # type: ignore[return-value]

    train, test = joined(form.train), joined(form.test)
    return ArrayDataset(train, test, form.folder, subset=len(train[1]) < _TRAIN)


def _unpacked(archive: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                stream = tar.extractfile(member) if name in names else None
                if stream is not None:
                    found[name] = limited(stream, f"{archive}:{member.name}")
    except InvalidFile:
        raise
    except Exception as error:  # a damaged header raises anything
        raise InvalidFile(f"{archive} is truncated or damaged: {error}") from error
    for name in names:
        if name not in found:
            raise InvalidFile(f"{archive} has no {name}")
    return found


def _part(form: _Form, classes: int, raw: bytes, where: Path) -> Pair:
    pixels, labels = _records(form, raw, where) if form.label_bytes else _pickled(raw, where)
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape != (len(labels), _PIXELS):
        raise InvalidFile(
            f"{where} holds {pixels.dtype} {pixels.shape} and {len(labels)} labels; uint8 "
            f"(n, {_PIXELS}) and n labels are needed"
        )
    return pixels.reshape(-1, 3, 32, 32), require_labels(labels, classes, where)


def _records(form: _Form, raw: bytes, where: Path) -> Pair:
    size = form.label_bytes + _PIXELS
    if not raw or len(raw) % size:
        raise InvalidFile(f"{where} has {len(raw)} bytes; records of {size} bytes are needed")
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    return records[:, form.label_bytes :], records[:, form.label_bytes - 1]


def _pickled(raw: bytes, where: Path) -> Pair:
    try:
        loaded = _Unpickler(io.BytesIO(raw), encoding="bytes").load()
    except InvalidFile as error:
        raise InvalidFile(f"{where} {error}") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise InvalidFile(f"{where} is truncated or no pickle: {error}") from error
    batch = {_text(key): value for key, value in loaded.items()} if type(loaded) is dict else {}
    labels = batch.get("fine_labels", batch.get("labels"))
    if not isinstance(batch.get("data"), np.ndarray) or not isinstance(labels, list | np.ndarray):
        raise InvalidFile(f"{where} is no batch of CIFAR: a dict of data and labels is needed")
    try:
        return batch["data"], np.array(labels, np.int64)
    except (TypeError, ValueError) as error:
        raise InvalidFile(f"{where} holds labels that are no whole numbers: {error}") from error


def _text(key: Any) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)


# Both names of NumPy's modules occur: files are older than the underscore.
_ARRAY, _FROM_BUFFER = np.empty(0).__reduce__()[0], np.empty(0).__reduce_ex__(5)[0]
_CORES = ("numpy.core", "numpy._core")
_HARMLESS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): lambda text, encoding="latin-1": text.encode(encoding),
    **{(f"{core}.multiarray", "_reconstruct"): _ARRAY for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _FROM_BUFFER for core in _CORES},
}


class _Unpickler(pickle.Unpickler):
    """Makes containers, numbers, bytes and NumPy arrays, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few harmless constructors."""
        if (module, name) not in _HARMLESS:
            raise InvalidFile(f"asks for {module}.{name}; only arrays of numbers are read")
        return _HARMLESS[module, name]


def _subset(path: Path) -> ArrayDataset:
    try:
        arrays = read_members(path, _SUBSET)
    except InvalidFile as error:
        raise InvalidFile(f"{path} is no such subset of CIFAR-10: {error}") from error

    def pair(part: str) -> Pair:
        images: NDArray[Any] = arrays[f"x_{part}"]
        labels = require_labels(arrays[f"y_{part}"], 10, path)
        if images.dtype != np.uint8 or images.shape != (len(labels), 32, 32, 3):
            raise InvalidFile(f"{path} holds x_{part} of {images.dtype} {images.shape}")
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels

    return ArrayDataset(pair("train"), pair("test"), path.name, pair("val"), subset=True)
