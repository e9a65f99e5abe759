"""The report: whole, of a partial run, of a damaged one, and of one that means harm."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopyard.core.errors import ConfigError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.gate import judge
from loopyard.evaluation.record import RolloutRecord, to_jsonl
from loopyard.evaluation.result import Evaluation
from loopyard.surface.report.build import report

FAILED = {900_003, 900_017}
SETTINGS: dict[str, Any] = {
    "name": "trial",
    "world": "yard",
    "preset": "starter",
    "seed": 7,
    "budget_minutes": 18.0,
    "params": {"bricks": 3},
    "gate": {"n": 200, "target": 0.95, "floor": 0.9},
}


class Clock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


class Page(HTMLParser):
    """Text, ids and addresses of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.ids, self.sources, self.tags = "", [], [], []
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href") and value and not value.startswith("#"):
                self.sources.append(value)

    def handle_data(self, data):
        self.text += data + " "

    def says(self, words: str) -> bool:
        return words in re.sub(r"\s+", " ", self.text.replace("\u202f", " "))


def record(seed: int, *, video: str | None = None) -> RolloutRecord:
    success = seed not in FAILED
    outcome = Outcome(
        success,
        float(success),
        140,
        14.0,
        "success" if success else "lost_brick",
        {"brick_delivered": int(success)},
        0.03,
    )
    return RolloutRecord(seed, Scenario(world="yard"), outcome, "p1", 0.3, 9.0, 12.0, 8, video)


def write_cycle(root: Path, number: int, loss: float) -> dict[str, Any]:
    folder = root / "cycles" / f"{number:02}"
    (folder / "rollouts").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    select = [record(seed) for seed in range(800_000, 800_020)]
    (folder / "rollouts" / "select.jsonl").write_text(to_jsonl(select))
    summary = Evaluation(tuple(select), "p1", "select", 10.0).summary()
    (folder / "rollouts" / "select.json").write_text(json.dumps(summary))
    rows = [
        {
            "step": step,
            "seconds": 6.0 * step,
            "loss": loss + 1 / step,
            "val_loss": loss + 0.1,
            "samples_per_s": 200.0,
        }
        for step in range(1, 30)
    ]
    (folder / "checkpoints" / "log.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows)
    )
    (folder / "generate.json").write_text(
        json.dumps(
            {"episodes": 40, "failed": 2, "frames": 5000, "wall_s": 20.0, "frames_per_s": 250.0}
        )
    )
    return {"cycle": number, "train_s": 60.0, "rollout_s": 10.0, "final_loss": loss}


@pytest.fixture
def run_folder(tmp_path) -> Path:
    return write_run(tmp_path / "trial")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The report of a whole run, only to be read."""
    return report(write_run(tmp_path_factory.mktemp("runs") / "trial"), clock=Clock())


def write_run(root: Path) -> Path:
    """A whole run of two cycles, with figures made for this test."""
    rows = [write_cycle(root, 1, 0.3), write_cycle(root, 2, 0.2)]
    rollouts = root / "cycles" / "02" / "rollouts"
    (rollouts / "videos").mkdir()
    (rollouts / "videos" / "gate-p1-failure-900003.mp4").write_bytes(b"film")
    gate = [
        record(seed, video="videos/gate-p1-failure-900003.mp4" if seed == 900_003 else None)
        for seed in range(900_000, 900_200)
    ]
    (rollouts / "gate.jsonl").write_text(to_jsonl(gate))
    evaluation = Evaluation(tuple(gate), "p1", "gate", 50.0)
    (rollouts / "gate.json").write_text(json.dumps(evaluation.summary()))
    (root / "campaign.yaml").write_text(yaml.safe_dump(SETTINGS))
    (root / "result.json").write_text(
        json.dumps(
            {
                "world": "yard",
                "preset": "starter",
                "wall_s": 1000.0,
                "machine": {"cores": 2},
                "cycles": rows,
                "best": "runs/trial/best",
                "gate": {**judge(evaluation.successes, 200).to_dict(), "seeds": [900_000, 900_199]},
            }
        )
    )
    return root


def test_a_whole_run_is_told(whole):
    page = Page(whole)
    assert whole.parts[-3:] == ("trial", "report", "index.html")
    assert page.says("Promoted")
    assert page.says("198 of 200 unseen scenes")
    assert page.says("99.0 %")
    assert page.says("Wilson 95 %: 96.4 % to 99.7 %")
    assert page.says("lost brick")
    assert page.says("yard, preset starter")
    assert page.says("bricks 3")
    assert page.says("16 min 40 s")
    assert page.says("gate.target")
    assert page.says("1970-01-01 00:00 UTC")
    assert page.tags.count("svg") == 4


def test_it_needs_no_network_and_its_ids_are_its_own(whole):
    page = Page(whole)
    assert page.sources == ["films/02-gate-p1-failure-900003.mp4"]
    assert len(page.ids) == len(set(page.ids))
    assert "@import" not in page.html
    assert not re.search(r"url\((?!#)", page.html)
    for reference in re.findall(r'(?:url\(#|href="#)([^")]+)', page.html):
        assert reference in page.ids


def test_films_are_copied_beside_the_page(run_folder):
    path = report(run_folder)
    (run_folder / "report" / "films" / "stale.mp4").write_bytes(b"old")
    report(run_folder)
    films = list((path.parent / "films").iterdir())
    assert [film.read_bytes() for film in films] == [b"film"]
    page = Page(path)
    assert page.says("Failure scene 900 003")
    assert page.says("cycle 2, gate")


def test_the_same_run_gives_the_same_bytes(whole, run_folder):
    assert report(run_folder, clock=Clock()).read_bytes() == whole.read_bytes()


def test_charts_take_the_pages_colours(whole):
    page = Page(whole)
    drawn = "".join(re.findall(r"<svg.*?</svg>", page.html, re.DOTALL))
    assert "var(--accent)" in drawn
    assert not re.search(r"#0102[0-9a-f]{2}", drawn)
    assert "DejaVu" not in drawn


@pytest.mark.parametrize(
    "missing",
    [
        ["result.json"],
        ["campaign.yaml", "result.json"],
        ["cycles/02"],
        ["cycles/01/generate.json", "cycles/01/checkpoints", "cycles/02/rollouts", "result.json"],
        ["cycles"],
    ],
)
def test_a_partial_run_has_a_report_too(run_folder, missing):
    import shutil

    for name in missing:
        path = run_folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = Page(report(run_folder))
    assert page.says("Promoted") is ("result.json" not in missing)
    assert page.says("Not finished") is ("result.json" in missing)


def test_damaged_files_are_named_and_left_out(run_folder):
    (run_folder / "plan.json").write_text('{"cut')
    (run_folder / "measure.json").write_text("[1]")
    log = run_folder / "cycles" / "01" / "checkpoints" / "log.jsonl"
    log.write_text(log.read_text()[:-30])
    (run_folder / "cycles" / "01" / "rollouts" / "select.jsonl").write_text("no record\n")
    page = Page(report(run_folder))
    for note in (
        "plan.json: JSONDecodeError",
        "measure.json: found list",
        "log.jsonl: line 29",
        "select.jsonl: line 1",
    ):
        assert page.says(note)


def test_what_a_run_says_is_never_markup(run_folder):
    attack = "<script>alert(1)</script>"
    (run_folder / "campaign.yaml").write_text(
        yaml.safe_dump({**SETTINGS, "name": attack, "world": attack})
    )
    result = json.loads((run_folder / "result.json").read_text())
    result["gate"]["reason"] = result["best"] = attack
    (run_folder / "result.json").write_text(json.dumps(result))
    page = Page(report(run_folder))
    assert "script" not in page.tags
    assert page.says(attack)


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_what_is_no_run_folder_is_refused(tmp_path, kind):
    folder = tmp_path / kind
    if kind == "empty":
        folder.mkdir()
    with pytest.raises(ConfigError, match="expected a run folder"):
        report(folder)
