"""Bytes flipped at random in recordings of every form: read, or refused by name; never worse."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from hostile import Victim

TOYS = Path(__file__).parents[1] / "toy"
MEMORY = 1024**3
CASES = 60

FORMS = [
    ("act", "hdf5_recordings:write_act"),
    ("act", "hdf5_recordings:write_act_jpeg"),
    ("robomimic", "hdf5_recordings:write_robomimic"),
    ("mobile-vla", "hdf5_recordings:write_mobile_vla"),
    ("bags", "bag_recordings:write_ros1"),
    ("bags", "bag_recordings:write_sqlite3"),
    ("bags", "bag_recordings:write_mcap"),
    ("lerobot", "lerobot_recordings:write_v21"),
    ("lerobot", "lerobot_recordings:write_v30"),
    ("raw", "raw_recordings:write_raw"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "maker"), FORMS, ids=lambda text: text.partition("write_")[2])
def test_flipped_bytes_are_read_or_refused(
    form: str, maker: str, victim: Victim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TOYS))
    module, _, function = maker.partition(":")
    getattr(importlib.import_module(module), function)(tmp_path / "source", 1)
    found = victim(tmp_path / "source", "--flips", 0, CASES, form, seconds=600 + 30 * CASES)
    assert not [case for case in found if "died" in case], f"after case {len(found) - 2}"
    assert len(found) == CASES
    assert max(case["peak_bytes"] for case in found) < MEMORY
    # A toy of robomimic's is nearly all structure, of which no byte is without meaning.
    assert "fail" in {case["verdict"] for case in found} <= {"pass", "fail"}
    assert all(case["told"] for case in found if case["verdict"] == "fail")
