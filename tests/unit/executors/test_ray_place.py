"""What a worker on another node must find there."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loopyard.core.errors import StoreError
from loopyard.executors import ray_place
from loopyard.executors.ray_place import Place, probe_in


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(ray_place, "SEEN_S", 0.0)
    return Place(str(tmp_path), ("only here",), None, 0)


def test_a_worker_stands_where_the_head_stands(place: Place, tmp_path: Path) -> None:
    os.chdir("/")
    known = sys.path[:]
    place.take()
    place.take()
    assert Path.cwd() == tmp_path
    assert sys.path == ["only here", *known]


def test_a_folder_that_the_node_has_not_is_named(place: Place, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(StoreError, match=f"folder: found 'nothing', expected {missing}"):
        replace(place, folder=str(missing)).take()


def test_another_loopyard_is_refused(place: Place) -> None:
    with pytest.raises(StoreError, match=r"node .*: loopyard: found .*, expected 0\.0\.9, as here"):
        replace(place, version="0.0.9").take()


def test_a_shared_folder_shows_its_probe_only_meanwhile(place: Place, tmp_path: Path) -> None:
    shared = tmp_path / "runs" / "demo"
    with probe_in(shared) as probe:
        assert probe is not None
        replace(place, probe=probe).take()
    assert list(shared.iterdir()) == []
    with probe_in(None) as probe:
        assert probe is None


@pytest.mark.parametrize(("exists", "found"), [(True, "another folder"), (False, "nothing")])
def test_a_folder_that_is_not_the_shared_one_is_refused(place, tmp_path, exists, found) -> None:
    with probe_in(tmp_path / "here") as probe:
        assert probe is not None
        other = tmp_path / "there" / Path(probe).name
        if exists:
            other.parent.mkdir()
        with pytest.raises(StoreError, match=f"there: found '{found}', expected what is there"):
            replace(place, probe=str(other)).take()
