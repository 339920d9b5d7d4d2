"""Writers for the serving side: records of predictions, and labels that arrive later."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem

from ._appending import Appender
from ._layout import arrow
from ._segments import LABELS, RECORDS

__all__ = ["LabelWriter", "RecordWriter"]

Chunks = list[tuple[int, dict[str, Any]]]


class RecordWriter(Appender):
    """Writes a record for each prediction: ``RecordWriter("records", "server-1")``.

    One writer for each process; threads may share it. A segment appears whole or not at all: a
    process that is killed loses at most what was not flushed yet, see `flush_records` and
    `flush_seconds`.

    Examples
    --------
    >>> import tempfile
    >>> with RecordWriter(tempfile.mkdtemp(), "server-1") as writer:
    ...     writer.append([7, 9], [0.5, 2.0], model="v1")
    2
    """

    kind = RECORDS

    def append(
        self,
        ids: ArrayLike,
        losses: ArrayLike | None = None,
        *,
        outputs: ArrayLike | None = None,
        features: ArrayLike | None = None,
        model: str = "",
        time: ArrayLike | None = None,
    ) -> int:
        """Take in the records of a batch; they are copied.

        Parameters
        ----------
        ids : array of int64 or of str, (m,)
            As the layout says.
        losses : array of floats, (m,), optional
            Where labels are known; NaN, or None for all, says that one is not. What is infinite is
            unknown too, and counted.
        outputs, features : array of floats, (m, d), optional
            As the layout says. None stores none for this batch.
        model : str
            Version of the model that predicted.
        time : array of seconds since 1970, (m,) or one for all, or datetime64, optional
            None is now. Times never fall: an earlier one is set to the latest, and counted.

        Returns
        -------
        int
            How many were taken in: m, or 0 with ``full="drop"`` when writing does not keep up.

        Raises
        ------
        InvalidProblem
            For arrays of another shape or kind.
        InvalidOption
            If the writer has been closed, or is that of another process.
        """
        own = self._ids(ids)
        count = len(own)
        columns: dict[str, Any] = {"id": own, "model": _text(model)}
        columns["time"] = self._times(time, count)
        columns["loss"] = None
        spoiled = 0
        if losses is not None:
            values = _floats("losses", losses, (count,))
            infinite = ~np.isfinite(values)
            if infinite.any():
                spoiled += int(infinite.sum())
                values[infinite] = np.nan
            columns["loss"] = values
        for name, given, width in (
            ("outputs", outputs, self.layout.outputs),
            ("features", features, self.layout.features),
        ):
            if given is not None and not width:
                raise InvalidProblem(
                    f"this folder stores no {name}; make one with Layout({name}=...)"
                )
            if width:
                columns[name] = None
            if given is not None:
                values = _floats(name, given, (count, width))
                # The logarithm of no probability is -inf, which is a loss like any other.
                bad = np.isnan(values) if name == "outputs" else ~np.isfinite(values)
                spoiled += int(bad.any(1).sum())
                columns[name] = values
        return self._append(count, columns, spoiled) if count else 0

    def _table(self, chunks: Chunks, start: int) -> Any:
        pa = arrow()
        schema = self.layout.records()
        counts = [count for count, _ in chunks]
        total = sum(counts)
        versions = sorted({columns["model"] for _, columns in chunks})
        codes = np.repeat(
            np.array([versions.index(columns["model"]) for _, columns in chunks], np.int32), counts
        )
        losses = np.concatenate(
            [
                np.full(count, np.nan, np.float32) if columns["loss"] is None else columns["loss"]
                for count, columns in chunks
            ]
        )
        held = {
            "id": _joined_ids(chunks, schema),
            "sequence": pa.array(np.arange(start, start + total)),
            "time": _joined_times(chunks, schema),
            "model": pa.DictionaryArray.from_arrays(
                pa.array(codes), pa.array(versions, pa.string())
            ),
            "loss": pa.array(losses, mask=np.isnan(losses)),
        }
        for name in ("outputs", "features"):
            if name in schema.names:
                held[name] = _vectors(chunks, name, getattr(self.layout, name))
        return pa.table(held, schema=schema)


class LabelWriter(Appender):
    """Writes labels that become known after their predictions: ``LabelWriter("records", "crm")``.

    A label belongs to all records of its id, whenever either was written; of several labels for one
    id the one of the latest time counts, of equal times the one that was written last.
    """

    kind = LABELS

    def append(self, ids: ArrayLike, labels: ArrayLike, *, time: ArrayLike | None = None) -> int:
        """Take in labels; they are copied.

        Parameters
        ----------
        ids : array of int64 or of str, (m,)
        labels : array, (m,)
            The class, counted from 0, or the value to predict.
        time : array of seconds since 1970, (m,) or one for all, or datetime64, optional
            None is now.

        Raises
        ------
        InvalidProblem
            For arrays of another shape or kind, or labels that are not finite.
        InvalidOption
            If the writer has been closed, or is that of another process.
        """
        own = self._ids(ids)
        values = _labels(labels)
        count = len(own)
        if values.shape != (count,) or not np.isfinite(values).all():
            raise InvalidProblem(
                f"labels must be finite numbers of shape {(count,)}; got {values.shape}"
            )
        columns = {"id": own, "label": values, "time": self._times(time, count)}
        return self._append(count, columns) if count else 0

    def _table(self, chunks: Chunks, start: int) -> Any:
        pa = arrow()
        schema = self.layout.labels()
        total = sum(count for count, _ in chunks)
        held = {
            "id": _joined_ids(chunks, schema),
            "sequence": pa.array(np.arange(start, start + total)),
            "time": _joined_times(chunks, schema),
            "label": pa.array(np.concatenate([columns["label"] for _, columns in chunks])),
        }
        return pa.table(held, schema=schema)


def _labels(given: ArrayLike) -> NDArray[np.float64]:
    """Return labels as float64; nothing that only can be read as a number, such as a date."""
    try:
        values = np.asarray(given)  # of tensors, too
        plain = values.dtype.kind in "biuf"
        if values.dtype.kind == "O":
            plain = all(isinstance(one, Real) for one in values.flat)
        if plain:
            return np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InvalidProblem("labels must be finite numbers")


def _floats(name: str, given: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return them as a float32 array of one's own."""
    try:
        with np.errstate(over="ignore"):
            values = np.array(np.asarray(given), np.float32)  # in two steps: of tensors, too
    except (TypeError, ValueError):
        raise InvalidProblem(f"{name} must be floats {shape}") from None
    if values.shape != shape:
        raise InvalidProblem(f"{name} must have shape {shape}; got {values.shape}")
    return values


def _text(model: str) -> str:
    text = str(model)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidProblem(f"model is not text: {error}") from None
    return text


def _joined_ids(chunks: Chunks, schema: Any) -> Any:
    pa = arrow()
    return pa.chunked_array([columns["id"] for _, columns in chunks], schema.field("id").type)


def _joined_times(chunks: Chunks, schema: Any) -> Any:
    pa = arrow()
    parts = [
        np.full(count, columns["time"], np.int64)
        if isinstance(columns["time"], int)
        else columns["time"]
        for count, columns in chunks
    ]
    return pa.array(np.concatenate(parts)).view(schema.field("time").type)


def _vectors(chunks: Chunks, name: str, width: int) -> Any:
    """Return vectors as lists of constant size; null where a batch brought none."""
    pa = arrow()
    parts = [
        np.zeros((count, width), np.float32) if columns[name] is None else columns[name]
        for count, columns in chunks
    ]
    missing = np.concatenate([np.full(count, columns[name] is None) for count, columns in chunks])
    values = pa.field("item", pa.float32(), nullable=False)
    return pa.FixedSizeListArray.from_arrays(
        pa.array(np.concatenate(parts).ravel()),
        type=pa.list_(values, width),
        mask=pa.array(missing) if missing.any() else None,
    )
