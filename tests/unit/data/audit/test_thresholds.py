"""Thresholds: changed by name, refused by name, and each with its reason in the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError
from loopyard.data.audit import Thresholds
from loopyard.data.audit.thresholds import table


def test_a_file_and_a_flag_change_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("episodes_warn: 10\nidle_fail: 0.8\n")
    found = Thresholds.read(path, ["idle_fail=0.7", "black_level=3"])
    assert (found.episodes_warn, found.idle_fail, found.black_level) == (10, 0.7, 3)
    assert found.zero_warn == Thresholds().zero_warn
    assert Thresholds.read(None) == Thresholds()


@pytest.mark.parametrize(
    ("text", "changes", "told"),
    [
        ("idle_fial: 0.8", [], ["mine.yaml", "idle_fial", "'idle_fail'"]),
        ("idle_fail: often", [], ["mine.yaml", "idle_fail", "'often'", "number"]),
        ("idle_fail: 1.5", [], ["mine.yaml", "idle_fail", "1.5", "less than or equal to 1"]),
        ("black_level: .nan", [], ["mine.yaml", "black_level"]),
        ("- 1", [], ["mine.yaml", "content"]),
        ("a: [", [], ["mine.yaml", "file"]),
        ("{}", ["idle_fail"], ["--set", "idle_fail", "name=value"]),
        ("{}", ["idle_fail=-1"], ["--set", "idle_fail", "-1"]),
        ("{}", ["unheard=1"], ["--set", "unheard", "known one"]),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str, changes: list[str], told: list[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Thresholds.read(path, changes)
    assert all(word in str(caught.value) for word in told), caught.value


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        Thresholds.read(tmp_path / "none.yaml")


def test_each_threshold_has_its_reason_in_the_table() -> None:
    lines = table().splitlines()[2:]
    assert len(lines) == len(Thresholds.model_fields)
    for line, (name, field) in zip(lines, Thresholds.model_fields.items(), strict=True):
        assert line.startswith(f"| `{name}` | {field.default}".replace("None", "none"))
        assert len(field.description or "") > 20, f"{name} has no reason"
