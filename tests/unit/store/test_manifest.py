"""Manifests: a damaged folder is never taken for a whole one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.core.errors import StoreError
from loopyard.store import manifest
from loopyard.store.manifest import MANIFEST_NAME, verify_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "data").write_bytes(bytes(range(100)))
    (tmp_path / "a.json").write_text("{}")
    write_manifest(tmp_path, parents=["ab12"])
    return tmp_path


def test_equal_folders_have_equal_manifests(folder: Path) -> None:
    before = (folder / MANIFEST_NAME).read_bytes()
    digest = write_manifest(folder, parents=["ab12"])
    assert (folder / MANIFEST_NAME).read_bytes() == before
    assert verify_manifest(folder) == digest


def test_parents_count_in_the_digest(folder: Path) -> None:
    assert write_manifest(folder) != write_manifest(folder, parents=["ab12"])


def test_every_flipped_byte_of_the_manifest_is_rejected(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in (0, 5):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(StoreError, match=MANIFEST_NAME):
                verify_manifest(folder)


def test_every_truncation_of_the_manifest_is_rejected(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=MANIFEST_NAME):
            verify_manifest(folder)


def test_every_flipped_byte_of_a_file_is_rejected(folder: Path) -> None:
    path = folder / "b" / "data"
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"b/data: sha256: found"):
            verify_manifest(folder)


def test_a_shorter_file_says_its_size(folder: Path) -> None:
    (folder / "b" / "data").write_bytes(b"short")
    with pytest.raises(StoreError, match=r"b/data: size: found 5, expected 100 bytes"):
        verify_manifest(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "a.json").unlink()
    with pytest.raises(StoreError, match=r"a\.json: missing"):
        verify_manifest(folder)


def test_a_link_does_not_stand_for_a_file(folder: Path) -> None:
    (folder / "a.json").rename(folder / "elsewhere")
    (folder / "a.json").symlink_to(folder / "elsewhere")
    with pytest.raises(StoreError, match=r"a\.json: missing"):
        verify_manifest(folder)


@pytest.mark.parametrize("place", ["nowhere", "a.json"])
def test_no_manifest_means_never_finished(folder: Path, place: str) -> None:
    with pytest.raises(StoreError, match="never finished"):
        verify_manifest(folder / place)


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"schema": 2}', "[" * 100_000])
def test_another_document_is_not_a_manifest(folder: Path, text: str) -> None:
    (folder / MANIFEST_NAME).write_text(text)
    with pytest.raises(StoreError, match=MANIFEST_NAME):
        verify_manifest(folder)


def test_links_cannot_be_committed(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "a.json")
    with pytest.raises(StoreError, match="link: only plain files"):
        write_manifest(folder)


@pytest.mark.parametrize("path", ["../secret", "/etc/hosts", "b/../../secret"])
def test_paths_out_of_the_folder_are_rejected(folder: Path, path: str) -> None:
    body = {"schema": 1, "parents": [], "files": [{"path": path, "size": 0, "sha256": ""}]}
    digest = manifest._digest(body)
    (folder / MANIFEST_NAME).write_bytes(manifest._canonical({**body, "digest": digest}))
    with pytest.raises(StoreError, match="inside the folder"):
        verify_manifest(folder)


@pytest.mark.parametrize("files", [None, [3], [{"path": 1}], {"a": 1}])
def test_a_manifest_of_another_form_is_rejected(folder: Path, files: object) -> None:
    body = {"schema": 1, "parents": [], "files": files}
    text = json.dumps({**body, "digest": manifest._digest(body)}, indent=1, sort_keys=True)
    (folder / MANIFEST_NAME).write_text(text + "\n")
    with pytest.raises(StoreError, match="files"):
        verify_manifest(folder)
