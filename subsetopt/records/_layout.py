"""Layout of a folder of records, written in the folder and in each of its files."""

import errno
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

from subsetopt._checks import require_integer, require_one_of
from subsetopt._dependencies import OptionalDependency
from subsetopt._files import locked, replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import parsed_json

LAYOUT = "layout.json"
VERSION, SHARED_VERSION = 1, 2
"""Of the schema, and of one with shared files; readers refuse a folder, and leave out a file, of
another one."""
MOST = 4096
"""Numbers in a summary or in features: a record is small, and of constant size."""
_KEY = b"subsetopt.records"
WRITERS = b"subsetopt.records.writers"
"""Whose records a shared file holds, in its metadata: names, the first and last number, rows."""


def arrow(submodule: str = "") -> Any:
    """Return pyarrow, or a part of it."""
    return OptionalDependency("pyarrow", "pyarrow", ">=15", extra="records").load(submodule)


class AnotherVersion(InvalidFile):
    """Records of another version of the schema."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of a folder of records; one folder has one layout.

    Parameters
    ----------
    ids : {"int64", "string"}
        What tells instances apart.
    outputs : int
        Numbers that sum up a prediction, for losses whose label comes later; 0 stores none.
    outputs_are : {"log_probabilities", "vector"}
        Whether they are the logarithms of the probabilities of all classes, so that the loss of
        label y is ``-outputs[y]``; or something of which the caller makes losses.
    features : int
        Numbers that describe the instance, for rules that match features; 0 stores none.

    Raises
    ------
    InvalidOption
        For an option outside its domain.
    """

    ids: Literal["int64", "string"] = "int64"
    outputs: int = 0
    outputs_are: Literal["log_probabilities", "vector"] = "log_probabilities"
    features: int = 0

    def __post_init__(self) -> None:
        if self.ids not in ("int64", "string"):
            raise InvalidOption(f"ids must be 'int64' or 'string'; got {self.ids!r}")
        require_one_of("outputs_are", self.outputs_are, ("log_probabilities", "vector"))
        for name in ("outputs", "features"):
            require_integer(name, getattr(self, name), f"[0, {MOST}]")

    def to_json(self, version: int = VERSION) -> str:
        """Return it as text, with the version of the schema."""
        return json.dumps({"version": version, **asdict(self)})

    @classmethod
    def of_json(cls, text: str | bytes, where: str) -> "Layout":
        """Read what `to_json` wrote.

        Raises
        ------
        InvalidFile
            If it is no layout, or of another version.
        """
        try:
            found = parsed_json(text, where)
            version = found.pop("version")
        except (InvalidFile, AttributeError, KeyError, TypeError):
            raise InvalidFile(f"{where} describes no records of subsetopt") from None
        if version not in (VERSION, SHARED_VERSION):
            raise AnotherVersion(
                f"{where} has version {version!r} of the schema of records; this subsetopt reads "
                f"{VERSION} and {SHARED_VERSION}: read it with the one that wrote it, or record "
                "into another folder"
            )
        try:
            return declared(cls, found, "layout")
        except InvalidFile as error:
            raise InvalidFile(f"{where} describes no records of subsetopt: {error}") from None

    def records(self) -> Any:
        """Return the schema of the files of records."""
        pa = arrow()
        fields = [
            pa.field("id", self._id(), nullable=False),
            pa.field("sequence", pa.int64(), nullable=False),
            pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("model", pa.dictionary(pa.int32(), pa.string()), nullable=False),
            pa.field("loss", pa.float32()),
        ]
        for name, count in (("outputs", self.outputs), ("features", self.features)):
            if count:
                values = pa.field("item", pa.float32(), nullable=False)
                fields.append(pa.field(name, pa.list_(values, count)))
        return pa.schema(fields, metadata={_KEY: self.to_json().encode()})

    def labels(self) -> Any:
        """Return the schema of the files of labels."""
        pa = arrow()
        return pa.schema(
            [
                pa.field("id", self._id(), nullable=False),
                pa.field("sequence", pa.int64(), nullable=False),
                pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
                pa.field("label", pa.float64(), nullable=False),
            ],
            metadata={_KEY: self.to_json().encode()},
        )

    def schema(self, records: bool) -> Any:
        """Return the schema of the files of records, or of labels."""
        return self.records() if records else self.labels()

    def shared(self, schema: Any, writers: list[Any]) -> Any:
        """Return the schema of a file of several writers, of that of a file of one."""
        pa = arrow()
        held = {_KEY: self.to_json(SHARED_VERSION), WRITERS: json.dumps(writers)}
        field = pa.field("recorded_by", pa.string(), nullable=False)
        return schema.append(field).with_metadata(held)

    def _id(self) -> Any:
        pa = arrow()
        return pa.int64() if self.ids == "int64" else pa.string()


def layout_of(schema: Any, where: str) -> Layout:
    """Return the layout that a file was written by."""
    held = schema.metadata or {}
    if _KEY not in held:
        raise InvalidFile(f"{where} is a Parquet file, but not one of records")
    return Layout.of_json(held[_KEY], where)


Folder = str | os.PathLike[str]
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//?|:).*", re.DOTALL)
"""Also as pathlib leaves it, with one stroke; drives of Windows have one letter."""


def folder_at(root: Folder) -> Path:
    """Return the folder that a path or a file:// address names.

    Raises
    ------
    InvalidOption
        For the address of a file system that is not of this machine.
    """
    text = os.fspath(root)
    address = _ADDRESS.fullmatch(text)
    if address is None or os.path.isdir(text):
        return Path(text)
    if address[1].lower() == "file":
        parts = urlsplit(text if "://" in text else text.replace(":/", "://", 1))
        if parts.netloc in ("", "localhost"):
            return Path(url2pathname(parts.path or "/"))
    raise InvalidOption(
        "records must lie in a folder that locks files and renames them whole, which file systems "
        f"behind addresses do not; got {text!r}: mount it, or record into a local folder and copy "
        f"that there; a folder of this very name is './{text}'"
    )


def read_layout(root: Folder) -> Layout:
    """Return the layout of a folder of records."""
    path = folder_at(root) / LAYOUT
    try:
        return Layout.of_json(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        what = "holds no records" if path.parent.is_dir() else "is not a folder"
        what = what if path.parent.exists() else "does not exist"
        raise InvalidFile(f"{os.fspath(root)} {what}; a RecordWriter makes such a folder") from None


def made(root: Folder, wanted: Layout | None) -> Layout:
    """Return the layout of a folder, which is made where there is none."""
    path = folder_at(root) / LAYOUT
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(not entry.name.startswith(".") for entry in path.parent.iterdir()):
            if not path.exists():  # another writer may have been first
                raise InvalidFile(
                    f"{path.parent} holds other files and no {LAYOUT}; record into a folder of its "
                    "own"
                )
        else:
            _describe(path, wanted or Layout())
    found = read_layout(root)
    if wanted is not None and found != wanted:
        raise InvalidOption(
            f"{os.fspath(root)} has {found}, but {wanted} is wanted; record into another folder"
        )
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder of records is not writable", str(root))
    return found


def _describe(path: Path, layout: Layout) -> None:
    """Write the layout down, unless another writer is first."""
    complaint = f"another process has been making {path.parent} for too long"
    with locked(path.with_name(".layout.lock"), complaint, patience=10.0):
        if not path.exists():
            _write(path, layout, VERSION)


def allow_shared(root: Path, layout: Layout) -> None:
    """Let a folder have shared files: what does not know them refuses it from now on."""
    path = root / LAYOUT
    if json.loads(path.read_bytes())["version"] != SHARED_VERSION:
        _write(path, layout, SHARED_VERSION)


def _write(path: Path, layout: Layout, version: int) -> None:
    with replacing(path) as stream:
        stream.write(layout.to_json(version).encode())
