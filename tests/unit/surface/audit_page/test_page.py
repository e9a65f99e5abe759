"""The page stands alone, shows what was found, and trusts no name in the data."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.audit import AuditReport, Check, Thresholds, audit
from loopyard.data.builder import DatasetBuilder
from loopyard.surface.audit_page import write_audit_page
from loopyard.surface.audit_page.page import render
from loopyard.surface.commands import audit as command

HOSTILE = "<script>alert(1)</script>$\\frac{"
SPEC = WorldSpec(
    world="toy",
    preset="page",
    fps=10,
    max_steps=60,
    task=f"go {HOSTILE}",
    state=VectorSpec((Channel("x"), Channel(HOSTILE))),
    action=VectorSpec((Channel("steering"), Channel(HOSTILE + "2"))),
    cameras=(CameraSpec("ego", 16, 16),),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = DatasetBuilder(tmp_path_factory.mktemp("page") / "data <b>", SPEC)
    for slot in range(16):
        rng = np.random.default_rng(slot)
        recorder, state = builder.recorder(slot), rng.uniform(-1, 1, 2)
        for tick in range(34):
            action = rng.uniform(-1, 1, 2).astype(np.float32)
            frame = np.full((16, 16, 3), 60 + 4 * tick, np.uint8)
            observed = {"observation.images.ego": frame, "observation.state": state}
            recorder.add(observed, action, action)
            state = np.clip(state + 0.3 * action, -1, 1)
        meta: dict[str, object] = {"strata": {"side <i>": "left" if slot % 2 else "right"}}
        meta["task"] = f"{HOSTILE} {slot % 2}"
        outcome = Outcome(True, 1.0, 34, 3.4, "success")
        recorder.commit(slot, Scenario(world="toy"), outcome, meta=meta)
    return builder.seal().root


class Tags(HTMLParser):
    """Names of tags and all that they point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.targets += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


def test_the_page_stands_alone_and_trusts_no_name(folder: Path, tmp_path: Path) -> None:
    report = audit(folder)
    path = write_audit_page(tmp_path / "new/page.html", report, Thresholds())
    text = path.read_text()
    tags = Tags(text)
    assert not {"script", "link", "iframe", "i"} & set(tags.names)
    assert all(target.startswith(("data:image/jpeg", "#")) for target in tags.targets)
    assert tags.names.count("img") == 6 * 3
    assert tags.names.count("svg") >= 6
    for title in ("looking", "Actions", "Where it has been", "Lag", "Kinds", "quarter", "Every"):
        assert re.search(rf"<h2>[^<]*{title}", text), title
    for check in report.checks:
        if check.verdict != "pass" and "<" not in check.name:
            assert f"<td>{check.name}</td>" in text


def test_what_does_not_open_still_has_a_page(tmp_path: Path) -> None:
    report = audit(tmp_path / "nowhere")
    text = render(report, Thresholds())
    assert "Do not train on it" in text
    assert "opens" in text
    assert "<img" not in text


def test_a_damaged_video_leaves_a_gap(folder: Path) -> None:
    path = next(folder.glob("videos/*/*/file-000.mp4"))
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    try:
        checks = [Check("opens", "pass", "", "")]
        text = render(AuditReport(str(folder), checks), Thresholds())
    finally:
        path.write_bytes(whole)
    assert text.count("no picture") == 3
    assert text.count("<img") == 15


def test_flags_of_the_command_become_thresholds(folder: Path) -> None:
    options = command.Options(folder, strata="task", policy="act")
    limits = command._asked(Thresholds(), folder, options)
    assert limits.strata == "task"
    assert limits.policy_parameters > 50_000_000
    assert command._asked(Thresholds(), folder, command.Options(folder)) == Thresholds()
    missing = command.Options(folder / "none", policy="act")
    assert command._asked(Thresholds(), missing.dataset, missing) == Thresholds()
