"""Fetching the public originals, each checked by the checksum that was published with it."""

from pathlib import Path
from typing import NamedTuple

from subsetopt.errors import InvalidFile, InvalidOption

from ._array_dataset import POOCH

_IDX = ("images-idx3", "labels-idx1")
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_SVHN = "http://ufldl.stanford.edu/housenumbers/"


class Original(NamedTuple):
    """A public file, and under which names it or its contents may be there already."""

    sub: str
    """Its folder below that of the data."""
    name: str
    url: str
    """The folder that it is fetched from."""
    md5: str
    others: tuple[str, ...] = ()

    def is_in(self, folder: Path) -> bool:
        """Return whether it is there, or makes no difference."""
        names = (self.name, *self.others)
        return any(
            (place / name).exists() for place in (folder / self.sub, folder) for name in names
        )


def _idx(sub: str, url: str, *checksums: str) -> tuple[Original, ...]:
    names = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in _IDX]
    pairs = zip(names, checksums, strict=True)
    return tuple(Original(sub, f"{name}.gz", url, md5, (name,)) for name, md5 in pairs)


ORIGINALS = {
    "mnist": _idx(
        "mnist",
        _MNIST,
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion": _idx(
        "fashion",
        _FASHION,
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "cifar10": (
        Original(
            "cifar10",
            "cifar-10-python.tar.gz",
            _CIFAR,
            "c58f30108f718f92721af3b95e74349a",
            ("cifar-10-batches-py", "cifar-10-batches-bin"),
        ),
    ),
    "cifar100": (
        Original(
            "cifar100",
            "cifar-100-python.tar.gz",
            _CIFAR,
            "eb9058c3a382ffc7106e4002c42a8d85",
            ("cifar-100-python", "cifar-100-binary"),
        ),
    ),
    "svhn": (
        Original("svhn", "train_32x32.mat", _SVHN, "e26dedcc434d2e4c54c9b2d4a06d8373"),
        Original("svhn", "test_32x32.mat", _SVHN, "eb5a983be6a315427106f1b164d9cef3"),
    ),
}
"""The files of each data set that has a public address."""


def fetch(folder: Path, name: str) -> None:
    """Fetch what is missing of a data set.

    Files that are there are left as they are, whatever their checksum.
    """
    if name not in ORIGINALS:
        raise InvalidOption(f"{name!r} cannot be fetched; {', '.join(ORIGINALS)} can")
    for original in ORIGINALS[name]:
        if not original.is_in(folder):
            _retrieve(folder / original.sub / original.name, original)


def _retrieve(path: Path, original: Original) -> None:
    pooch = POOCH.load()
    url = original.url + original.name
    try:
        pooch.retrieve(url, f"md5:{original.md5}", fname=path.name, path=path.parent)
    except (OSError, ValueError) as error:
        raise InvalidFile(
            f"{path.name} could not be fetched from {url} ({error}); fetch it elsewhere, put it "
            f"into {path.parent}, and name the folder by --data"
        ) from error
