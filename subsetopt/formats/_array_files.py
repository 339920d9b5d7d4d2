"""Arrays in .npy, .npz and IDX files: what a header promises is checked before it is believed."""

import os
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.problems._memory import in_units, memory_limit

from ._sources import content, content_limit, opened, some, unpack

NPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_SHOWN = 200  # characters of a reason: NumPy quotes the header
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
_UNSIGNED_BYTES = 0x08


def read_members(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` file that have these names, or all.

    Raises
    ------
    InvalidFile
        If it cannot be read, or lacks one of them.
    """
    with opened(path) as stream, _archive(stream, str(path)) as archive:
        members = _members(archive)
        missing = ", ".join(name for name in names or () if name not in members)
        if missing:
            raise InvalidFile(f"{path}: holds no {missing}")
        wanted = members if names is None else names
        return {name: _member(archive, name, str(path)) for name in wanted}


def read_npy(stream: IO[bytes], name: str, size: int) -> NDArray[Any]:
    """Read an array from a stream of `size` bytes.

    Raises
    ------
    InvalidFile
        If it is damaged, or takes more than the `memory_limit`.
    """
    start = stream.read(len(NPY_MAGIC))
    if not start:
        raise InvalidFile(f"{name}: the file is empty")
    if start != NPY_MAGIC:
        raise InvalidFile(f"{name}: this is no .npy file; write it with numpy.save")
    stream.seek(0)
    try:
        _require_room(stream, name, size)
        stream.seek(0)
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except InvalidFile:
        raise
    except Exception as error:  # its header is an expression of Python, and can be wrong in any way
        said = str(error.args[0] if isinstance(error, TokenError) else error)  # without its place
        why = " ".join(said.split())[:_SHOWN] or type(error).__name__
        raise InvalidFile(f"{name}: damaged or cut short ({why}); write it again") from error


def _require_room(stream: IO[bytes], name: str, size: int) -> None:
    """Raise InvalidFile if the header promises what is not there, or has no room in memory."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, which has named columns")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise InvalidFile(
            f"{name}: holds pickled Python objects, which are not read since they can run "
            "code; save numbers: numpy.save(file, values.astype(float))"
        )
    if any(side < 0 for side in shape):
        raise ValueError(f"its shape is {shape}")
    needed, limit = prod(shape) * max(dtype.itemsize, 1), memory_limit()
    if needed > max(size - stream.tell(), 0):
        raise ValueError(f"{dtype} of shape {shape} has {in_units(needed)}, the file less")
    if needed > limit:
        raise InvalidFile(
            f"{name}: holds {in_units(needed)}, above the limit of {in_units(limit)} with the "
            "memory that is free now; save it in float32, or a part of it"
        )


def read_npz(stream: BinaryIO, name: str, member: str | None) -> NDArray[Any]:
    """Read the one array of an archive, or the one named; raises as `read_npy` does."""
    with _archive(stream, name) as archive:
        return _member(archive, _chosen(_members(archive), name, member), name)


@contextmanager
def _archive(stream: BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    if not stream.read(1):
        raise InvalidFile(f"{name}: the file is empty")
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except (InvalidFile, OSError):
        raise
    except Exception as error:  # a damaged directory raises anything
        raise InvalidFile(f"{name}: damaged or no .npz file ({error}); write it again") from error


def _members(archive: zipfile.ZipFile) -> list[str]:
    return [entry[: -len(".npy")] for entry in archive.namelist() if entry.endswith(".npy")]


def _member(archive: zipfile.ZipFile, member: str, name: str) -> NDArray[Any]:
    entry = archive.getinfo(f"{member}.npy")
    # The others unpack as much at once as a few bytes may stand for.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidFile(f"{name}:{member}: packed in a way that NumPy does not; write it again")
    if entry.file_size != entry.compress_size and entry.file_size > content_limit():
        raise InvalidFile(
            f"{name}:{member}: unpacks to {in_units(entry.file_size)}, above the limit of "
            f"{in_units(content_limit())} with the memory that is free now; save it unpacked "
            "(numpy.save)"
        )
    with archive.open(entry) as stream:
        return read_npy(stream, f"{name}:{member}", entry.file_size)


def _chosen(members: list[str], name: str, member: str | None) -> str:
    listed = some(members)
    if not members:
        raise InvalidFile(f"{name}: holds no array")
    if member is None and len(members) > 1:
        raise InvalidFile(
            f"{name}: holds {len(members)} arrays ({listed}); name one: {name}:{members[0]}"
        )
    if member is not None and member not in members:
        raise InvalidFile(f"{name}: holds no array {member!r}; it holds: {listed}")
    return members[0] if member is None else member


# -- IDX, the format of MNIST: a magic number, the shape, then bytes ------------------------------


def read_mnist(
    folder: Path, *, test: bool = False, sub: str = "mnist"
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images, one in each row, and their labels.

    They are looked for in ``folder/sub`` and in `folder`, gzipped or not.

    Parameters
    ----------
    folder : Path
    test : bool
        Read the 10,000 test images instead of the training images.
    sub : str
        The data set: "mnist", or "fashion" for Fashion-MNIST, whose files are called the same.

    Raises
    ------
    InvalidFile
        If one of the two files is missing or damaged, or they do not fit together.
    """
    names = (TEST_IMAGES, TEST_LABELS) if test else (IMAGES, LABELS)
    images = read_idx(_find(folder, sub, names[0]), dimensions=3)
    labels = read_idx(_find(folder, sub, names[1]), dimensions=1)
    if len(images) != len(labels) or not len(labels):
        raise InvalidFile(f"{folder} holds {len(images)} images and {len(labels)} labels")
    if labels.max() > 9:
        raise InvalidFile(f"{folder} holds the label {labels.max()}; MNIST has 0..9")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, sub: str, name: str) -> Path:
    tried = [folder / at / f"{name}{end}" for at in (sub, ".") for end in (".gz", "")]
    for path in tried:
        if path.is_file():
            return path
    raise InvalidFile(f"no {name}.gz in {folder / sub} or {folder}")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not.

    Parameters
    ----------
    path : Path
    dimensions : int
        How many the array has to have: 1 for labels, 3 for images.

    Raises
    ------
    InvalidFile
        If it cannot be read, is no such file, or is shorter or longer than its header says.
    """
    data = unpack(*content(path))
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, _UNSIGNED_BYTES, dimensions])
    if data[:4] != magic:
        raise InvalidFile(
            f"{path} begins with {data[:4].hex(' ') or 'nothing'}; an IDX file of unsigned "
            f"bytes with {dimensions} dimension(s) begins with {magic.hex(' ')}"
        )
    if len(data) < header:
        raise InvalidFile(f"{path} is truncated: its header has {len(data)} of {header} bytes")
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", dimensions, offset=4))
    found, wanted = len(data) - header, prod(shape)
    if found != wanted:
        state = "truncated" if found < wanted else "too long"
        raise InvalidFile(f"{path} is {state}: {found} bytes for shape {shape}, which has {wanted}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
