"""Image data sets: CIFAR as pickles, binary files, archives or arrays; digits of scikit-learn."""

import io
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile

from ._array_files import read_members
from ._sources import content, limited

Pair = tuple[NDArray[Any], NDArray[Any]]
"""Images and labels."""
Parts = tuple[Pair, Pair, str, Pair | None, bool]
"""Training and test set, source, validation set, and whether it is a subset."""
SUBSET, BATCHES = "cifar10_subset.npz", "data_batch_*.bin"
"""One file of arrays, ``x_train`` (n, 32, 32, 3) and ``y_train`` (n,); the published files."""
_PIXELS = 3 * 32 * 32
_TRAIN = 50_000


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


def read_cifar(folder: Path, classes: int = 10) -> Parts:
    """Return images, uint8 (n, 3, 32, 32), and labels; of CIFAR-100 the fine ones.

    The files are looked for in ``folder/cifar10`` (``cifar100``) and in `folder`, unpacked or in
    their archive. Without them, ``cifar10_subset.npz`` is read: ``x_train``, ``x_val`` and
    ``x_test``, uint8 (n, 32, 32, 3), with ``y_...``.

    Raises
    ------
    InvalidFile
        If nothing of this is there, or it is damaged.
    """
    for base in (folder / f"cifar{classes}", folder):
        for form in _FORMS[classes]:
            for place in (base / form.folder, base):
                if (place / form.train[0]).is_file():
                    return _read(form, classes, place, lambda name: content(place / name)[0])  # noqa: B023 - read before the next turn
            if (base / form.archive).is_file():
                members = _unpacked(base / form.archive, form.train + form.test)
                return _read(form, classes, base / form.archive, members.__getitem__)
        if classes == 10 and (base / SUBSET).is_file():
            train, test, validation = subset_parts(base / SUBSET, "train", "test", "val")
            return train, test, SUBSET, validation, True
    archives = " or ".join(form.archive for form in _FORMS[classes])
    places = f"{folder / f'cifar{classes}'} or {folder}"
    raise InvalidFile(f"no CIFAR-{classes} in {places}: {archives}, or what is in it")


def subset_parts(path: Path, *parts: str) -> list[Pair]:
    """Return parts of a file of arrays: "train", "val" or "test".

    Raises
    ------
    InvalidFile
        If it lacks one of them, or has other shapes or dtypes.
    """
    try:
        arrays = read_members(path, [f"{name}_{part}" for part in parts for name in "xy"])
    except InvalidFile as error:
        raise InvalidFile(f"{path} is no such subset of CIFAR-10: {error}") from error
    found = []
    for part in parts:
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3):
            raise InvalidFile(f"{path} holds x_{part} of {images.dtype} {images.shape}")
        if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            raise InvalidFile(f"{path} holds y_{part} of {labels.dtype} {labels.shape}")
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        found.append((images, require_labels(labels, 10, path)))
    return found


def require_labels(labels: NDArray[Any], classes: int, where: Path | str) -> NDArray[np.int64]:
    """Return the labels as int64.

    Raises
    ------
    InvalidFile
        If there are none, or one is not in 0..classes-1.
    """
    if not labels.size:
        raise InvalidFile(f"{where} holds no samples")
    low, high = labels.min(), labels.max()
    if low < 0 or high >= classes:
        raise InvalidFile(f"{where} holds labels {low}..{high}; labels must be 0..{classes - 1}")
    return labels.astype(np.int64)


def _read(form: _Form, classes: int, place: Path, get: Callable[[str], bytes]) -> Parts:
    def joined(names: tuple[str, ...]) -> Pair:
        parts = [_part(form, classes, get(name), place / name) for name in names]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))  # type: ignore[return-value]

    train, test = joined(form.train), joined(form.test)
    return train, test, form.folder, None, len(train[1]) < _TRAIN


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
    if form.label_bytes:
        return read_records(raw, where, form.label_bytes, classes)
    pixels, labels = _pickled(raw, where)
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape != (len(labels), _PIXELS):
        raise InvalidFile(
            f"{where} must hold uint8 (n, {_PIXELS}) and n labels; got {pixels.dtype} "
            f"{pixels.shape} and {len(labels)} labels"
        )
    return pixels.reshape(-1, 3, 32, 32), require_labels(labels, classes, where)


def read_records(raw: bytes, where: Path, label_bytes: int = 1, classes: int = 10) -> Pair:
    """Return the images and labels of a binary file, whose records end in 3,072 pixels.

    Raises
    ------
    InvalidFile
        If it holds no whole records, or labels that are not in 0..classes-1.
    """
    size = label_bytes + _PIXELS
    if not raw or len(raw) % size:
        raise InvalidFile(f"{where} is truncated or damaged: {len(raw)} bytes; records of {size}")
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    labels = require_labels(records[:, label_bytes - 1], classes, where)
    return records[:, label_bytes:].reshape(-1, 3, 32, 32), labels


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
        raise InvalidFile(f"{where} is not a batch of CIFAR, which is a dict of data and labels")
    try:
        return batch["data"], np.array(labels, np.int64)
    except (TypeError, ValueError) as error:
        raise InvalidFile(f"{where} holds labels that are not integers: {error}") from error


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


def read_digits(extra: str = "bench") -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the 1,797 images of scikit-learn, (1797, 64), brightness 0..16, and their labels.

    Parameters
    ----------
    extra : str
        The extra of subsetopt that installs scikit-learn, for the error.

    Raises
    ------
    MissingDependency
        Without scikit-learn.
    """
    sklearn = OptionalDependency("scikit-learn", "sklearn", extra=extra)
    digits = sklearn.load("datasets").load_digits()
    return digits.data, digits.target.astype(np.int64)
