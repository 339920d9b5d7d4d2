"""What one record holds, written down in the folder and in each of its files."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from subsetopt._checks import require_integer, require_one_of
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import parsed_json

VERSION = 1
"""Of the schema; readers refuse a folder, and leave out a file, of another one."""
MOST = 4096
"""Numbers in a summary or in features: a record is small, and of constant size."""
_KEY = b"subsetopt.records"


def arrow(submodule: str = "") -> Any:
    """Return pyarrow, or a part of it."""
    return OptionalDependency("pyarrow", "pyarrow", ">=15", extra="records").load(submodule)


class AnotherVersion(InvalidFile):
    """What is there was written by another version of the schema."""


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

    def to_json(self) -> str:
        """Return it as text, with the version of the schema."""
        return json.dumps({"version": VERSION, **asdict(self)})

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
        if version != VERSION:
            raise AnotherVersion(
                f"{where} has version {version!r} of the schema of records; this subsetopt reads "
                f"{VERSION}: read it with the one that wrote it, or record into another folder"
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

    def _id(self) -> Any:
        pa = arrow()
        return pa.int64() if self.ids == "int64" else pa.string()


def layout_of(schema: Any, where: str) -> Layout:
    """Return the layout that a file was written by.

    Raises
    ------
    InvalidFile
        If it is no file of records, or of another version.
    """
    held = schema.metadata or {}
    if _KEY not in held:
        raise InvalidFile(f"{where} is a Parquet file, but not one of records")
    return Layout.of_json(held[_KEY], where)
