"""The report's section on why rollouts failed, of whole and of damaged diagnoses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopyard.surface.report.build import report

NAME = "0123456789abcdef-900003"
FINDING = {
    "name": "F6",
    "from_s": 4.0,
    "to_s": 25.0,
    "signal": "contact",
    "value": 0.8,
    "threshold": 0.35,
    "text": "80% of the time <b>at the boundary</b>",
}
COUNT = {"count": 1, "n": 20, "share": 0.05, "wilson_95": [0.01, 0.24]}


def suite(**changes: Any) -> dict[str, Any]:
    failure = {
        "seed": 900_003,
        "mode": "FM-C01",
        "class": FINDING,
        "patterns": [{**FINDING, "name": "WALL_STUCK", "text": "held up for 9.0 s"}],
        "picture": f"diagnosis/gate/{NAME}.png",
        "clip": None,
        **changes,
    }
    return {
        "suite": "gate",
        "n": 20,
        "failed": 1,
        "without_trace": 0,
        "classes": {"F6": COUNT, "F1": {**COUNT, "count": 0}},
        "patterns": {"WALL_STUCK": COUNT},
        "clusters": [{"n": 4, "x_m": -2.1, "y_m": 0.3, "onset_s": 12.0, "label": "F6 WALL_STUCK"}],
        "failures": [failure],
    }


def run_folder(root: Path, content: str) -> Path:
    rollouts = root / "cycles" / "01" / "rollouts"
    (rollouts / "diagnosis" / "gate").mkdir(parents=True)
    (root / "campaign.yaml").write_text("name: trial\n")
    (rollouts / "diagnosis" / "gate" / f"{NAME}.png").write_bytes(b"\x89PNG picture")
    (rollouts / "diagnosis.json").write_text(content)
    return root


def page_of(root: Path) -> str:
    return report(root).read_text(encoding="utf-8")


def test_counts_words_and_pictures_are_on_the_page(tmp_path):
    page = page_of(run_folder(tmp_path, json.dumps({"suites": {"gate": suite()}})))
    assert "Why it failed" in page
    assert "pressed on the boundary" in page
    assert "WALL_STUCK: held up for 9.0 s" in page
    assert "4 begin near x -2.1 m" in page
    assert "<b>at the boundary</b>" not in page
    assert f'src="diagnosis/{NAME}.png"' in page
    assert (tmp_path / "report" / "diagnosis" / f"{NAME}.png").read_bytes() == b"\x89PNG picture"


@pytest.mark.parametrize("name", ["../../campaign.yaml", "diagnosis/gate/../../secret.png", "/x"])
def test_nothing_else_that_is_named_is_copied(tmp_path, name):
    root = run_folder(tmp_path, json.dumps({"suites": {"gate": suite(picture=name)}}))
    assert "Why it failed" in page_of(root)
    assert not (root / "report" / "diagnosis").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"suites": 3}', '{"suites": {"gate": {}}}', '{"suites": {"gate": 1}}']
)
def test_a_damaged_diagnosis_is_left_out(tmp_path, content):
    page = page_of(run_folder(tmp_path, content))
    assert "Why it failed" not in page


def test_without_a_diagnosis_there_is_no_section(tmp_path):
    root = run_folder(tmp_path, "{}")
    (root / "cycles/01/rollouts/diagnosis.json").unlink()
    assert "Why it failed" not in page_of(root)
