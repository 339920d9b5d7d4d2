"""What a folder holds is written down in it, and read with care."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import subsetopt.records as records
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.records import LabelWriter, Layout, RecordStore, RecordWriter


@pytest.mark.parametrize(
    "options",
    [
        {"ids": "int32"},
        {"outputs": -1},
        {"outputs": 4097},
        {"outputs": 1.0},
        {"outputs": True},
        {"features": "3"},
        {"outputs_are": "logits"},
    ],
)
def test_options_outside_their_domain(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        Layout(**options)


def test_a_layout_survives_json() -> None:
    layout = Layout(ids="string", outputs=3, outputs_are="vector", features=2)
    assert Layout.of_json(layout.to_json(), "here") == layout
    assert Layout.of_json(Layout().to_json().encode(), "here") == Layout()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        "\x00",
        b"\xff\xfe",
        '{"version": 1, "ids": "float"}',
        '{"version": 1, "colour": "red"}',
        '{"version": 1, "outputs": 3.5}',
    ],
)
def test_what_is_no_layout(text: str | bytes) -> None:
    with pytest.raises(InvalidFile, match="here describes no records of subsetopt"):
        Layout.of_json(text, "here")


def test_another_version_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    RecordWriter(tmp_path, "a").close()
    described = tmp_path / "layout.json"
    described.write_text(json.dumps({**json.loads(described.read_text()), "version": 3}))
    for opening in (RecordStore, lambda root: RecordWriter(root, "b")):
        with pytest.raises(InvalidFile, match=r"version 3 of the schema.*reads 1 and 2"):
            opening(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(InvalidFile, match=r"other files and no layout\.json"):
        RecordWriter(tmp_path, "a")
    with pytest.raises(InvalidFile, match="holds no records"):
        RecordStore(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_missing_folder_is_made_by_writers_alone(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "records"
    with pytest.raises(InvalidFile, match="does not exist"):
        RecordStore(root)
    assert not root.exists()
    RecordWriter(root, "a", layout=Layout(ids="string")).close()
    assert RecordStore(root).layout == Layout(ids="string")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InvalidFile, match="is not a folder"):
        RecordStore(path)
    with pytest.raises(OSError, match="file"):
        RecordWriter(path, "a")


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("address", ["s3://bucket/served", "memory://x", "zip::s3://b/c"])
def test_addresses_are_refused(
    address: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for opening in (RecordStore, lambda root: RecordWriter(root, "a")):
        with pytest.raises(InvalidOption, match=r"must lie in a folder .*mount it, or record"):
            opening(kind(address))
    assert list(tmp_path.iterdir()) == []
    RecordWriter(f"./{address}", "a").close()  # a folder of such a name all the same
    assert RecordStore(kind(address)).info().records == 0


def test_an_address_of_this_machine_is_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "a folder"
    RecordWriter(root.as_uri(), "a").close()
    assert RecordStore(root.as_uri()).root == root
    assert RecordStore(f"file://localhost{root.as_posix()}").layout == Layout()
    with pytest.raises(InvalidOption, match="another-machine"):
        RecordStore("file://another-machine/share")


def test_a_folder_has_one_layout(tmp_path: Path) -> None:
    RecordWriter(tmp_path, "a", layout=Layout(outputs=3)).close()
    with pytest.raises(InvalidOption, match="record into another folder"):
        RecordWriter(tmp_path, "a", layout=Layout(outputs=4))
    for kind in (RecordWriter, LabelWriter):
        with kind(tmp_path, "b") as writer:  # none wanted: the folder's
            assert writer.layout == Layout(outputs=3)


def test_of_two_that_make_a_folder_at_once_one_is_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.records import _layout as _record_folder

    describing = _record_folder._describe

    def late(path: Path, layout: Layout) -> None:
        describing(path, Layout(features=7))
        describing(path, layout)

    monkeypatch.setattr(_record_folder, "_describe", late)
    with pytest.raises(InvalidOption, match="features=7"):
        RecordWriter(tmp_path, "a", layout=Layout())


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RecordWriter(tmp_path, "a").close()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match="the folder of records is not writable"):
        RecordWriter(tmp_path, "a")
    assert RecordStore(tmp_path).info().records == 0


def test_contents() -> None:
    assert records.__all__ == sorted(records.__all__)
    assert set(records.__all__) <= set(dir(records))
    assert all(getattr(records, name).__name__ == name for name in records.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        records.nothing  # noqa: B018
