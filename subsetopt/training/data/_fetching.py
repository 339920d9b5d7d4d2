"""Fetching the public originals, each checked by the checksum that was published with it."""

from dataclasses import dataclass
from pathlib import Path

from subsetopt.errors import InvalidFile, InvalidOption

from ._array_dataset import POOCH

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_SVHN = "http://ufldl.stanford.edu/housenumbers/"


@dataclass(frozen=True)
class Original:
    """A public file.

    Parameters
    ----------
    file : str
        Where it comes to lie below the folder of data.
    url : str
        The folder that it is fetched from.
    checksum : str
        As pooch takes it.
    others : tuple of str
        Paths, below the folder of data, of what makes it unnecessary.
    """

    file: str
    url: str
    checksum: str
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file itself."""
        return self.file.rpartition("/")[2]


def _idx(sub: str, url: str, **checksums: str) -> tuple[Original, ...]:
    made = []
    for key, checksum in checksums.items():
        part, what = key.split("_")
        name = f"{part}-{what}-idx{3 if what == 'images' else 1}-ubyte"
        others = (f"{sub}/{name}", f"{name}.gz", name)
        made.append(Original(f"{sub}/{name}.gz", url, f"md5:{checksum}", others))
    return tuple(made)


ORIGINALS = {
    "mnist": _idx(
        "mnist",
        _MNIST,
        train_images="f68b3c2dcbeaaa9fbdd348bbdeb94873",
        train_labels="d53e105ee54ea40749a09fcbcd1e9432",
        t10k_images="9fb629c4189551a2d022fa330f9573f3",
        t10k_labels="ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion": _idx(
        "fashion",
        _FASHION,
        train_images="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        train_labels="25c81989df183df01b3e8a0aad5dffbe",
        t10k_images="bef4ecab320f06d8554ea6380940ec79",
        t10k_labels="bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "cifar10": (
        Original(
            "cifar10/cifar-10-python.tar.gz",
            _CIFAR,
            "md5:c58f30108f718f92721af3b95e74349a",
            (
                "cifar10/cifar-10-batches-py",
                "cifar10/cifar-10-batches-bin",
                "cifar-10-batches-py",
                "cifar-10-python.tar.gz",
            ),
        ),
    ),
    "cifar100": (
        Original(
            "cifar100/cifar-100-python.tar.gz",
            _CIFAR,
            "md5:eb9058c3a382ffc7106e4002c42a8d85",
            (
                "cifar100/cifar-100-python",
                "cifar100/cifar-100-binary",
                "cifar-100-python",
                "cifar-100-python.tar.gz",
            ),
        ),
    ),
    "svhn": (
        Original(
            "svhn/train_32x32.mat",
            _SVHN,
            "md5:e26dedcc434d2e4c54c9b2d4a06d8373",
            ("train_32x32.mat",),
        ),
        Original(
            "svhn/test_32x32.mat",
            _SVHN,
            "md5:eb5a983be6a315427106f1b164d9cef3",
            ("test_32x32.mat",),
        ),
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
        if not any((folder / path).exists() for path in (original.file, *original.others)):
            _retrieve(folder / original.file, original)


def _retrieve(path: Path, original: Original) -> None:
    pooch = POOCH.load()
    url = original.url + original.name
    try:
        pooch.retrieve(url, original.checksum, fname=path.name, path=path.parent)
    except (OSError, ValueError) as error:
        raise InvalidFile(
            f"{path.name} could not be fetched from {url} ({error}); fetch it elsewhere, put it "
            f"into {path.parent}, and name the folder by --data"
        ) from error
