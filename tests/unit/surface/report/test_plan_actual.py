"""Plan against actual, bottlenecks and cost in the report, from a campaign's log and its plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from loopyard.core.errors import ConfigError
from loopyard.cycle.accounts.cost import Rate, cost_of
from loopyard.cycle.accounts.history import History
from loopyard.cycle.accounts.timeline import Span, Timeline
from loopyard.cycle.accounts.usage import UsageRow
from loopyard.store.events import EventLog
from loopyard.surface.report.build import Wishes, report
from loopyard.surface.report.language import speaking
from loopyard.surface.report.plan_actual import plan_against_actual
from loopyard.surface.report.review_section import reviews
from loopyard.surface.report.run_folder import CycleFolder, RunFolder
from loopyard.surface.report.sections import verdict
from loopyard.surface.report.timeline_section import costs, timeline

PLAN = {
    "cycles": [{"cycle": 1, "episodes": 100, "train_minutes": 3.0, "select": 20}],
    "gate": 100,
    "seconds": {"generate": 100.0, "train": 180.0, "judge": 120.0},
}
SELECT = {"n": 20, "successes": 15, "rate": 0.75, "wilson_95": [0.53, 0.89]}
GATE = {"n": 100, "successes": 97, "rate": 0.97, "wilson_95": [0.915, 0.99], "verdict": "promote"}
SETTINGS: dict[str, Any] = {
    "name": "trial <1>",
    "budget_minutes": 10.0,
    "train_shares": [1.0],
    "gate": {"n": 100, "target": 0.95, "floor": 0.9},
    "scenarios": {"mix": {"general": 0.4}},
}
STEPS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("measure", 30.0, {"workers": 2, "episode_s": 1.0}),
    ("plan", 0.0, PLAN),
    ("cycle-1/expert", 250.0, {"episodes": 100, "failed": 3, "frames": 900, "took_s": 250.0}),
    ("cycle-1/train", 190.0, {"steps": 1000, "took_s": 190.0}),
    ("cycle-1/select", 20.0, {"n": 20, "took_s": 20.0}),
    ("gate", 100.0, GATE),
)


def history() -> History:
    spans, at_s = [], 0.0
    for name, seconds, _ in STEPS:
        spans.append(Span(name, at_s, at_s + seconds, done=True))
        at_s += seconds
    rows = tuple(UsageRow(5.0 * n, 5.0, 2, 1.5, 1.2, 4.0, 24.0, 2.0) for n in range(1, 119))
    facts = {name: facts for name, _, facts in STEPS}
    return History(Timeline(tuple(spans), (300.0,), 60.0), facts, (PLAN,), rows)


def run_folder(root: Path, **more: Any) -> RunFolder:
    nothing = {"select": [], "gate": []}
    summaries: dict[str, Any] = {"select": {}, "gate": {}}
    cycle = CycleFolder(1, {"cycle": 1, "select": SELECT}, [], nothing, summaries, [], {}, {})
    facts = {"result": {"gate": GATE}, "settings": SETTINGS, "measure": {}, "plan": PLAN, **more}
    return RunFolder(root, **facts, cycles=[cycle])


def lines_of(run: RunFolder, **more: Any) -> dict[str, tuple[str, str, bool | None]]:
    found = plan_against_actual(run, history(), more.get("cost"))
    assert found is not None
    lines = [(part.title, line) for part in found.parts for line in part.lines]
    return {f"{title}: {one.what}": (one.planned, one.actual, one.right) for title, one in lines}


def test_what_is_within_a_fifth_is_right_and_the_rest_wrong_with_its_factor(tmp_path):
    lines = lines_of(run_folder(tmp_path))
    assert lines["Cycles: cycle 1, training"] == ("3 min", "3 min 10 s", True)
    assert lines["Stages: expert"] == ("1 min 40 s", "4 min 10 s", False)
    assert lines["Parameters: seconds for an expert episode"] == ("1", "2.5", False)
    assert lines["Data: expert episodes"] == ("100", "100", True)
    assert lines["Goals: success on the gate"][2] is True
    assert lines["Timeline: restarts"] == ("0", "1", None)
    found = plan_against_actual(run_folder(tmp_path), history(), None)
    assert found is not None
    assert (
        "Stages, expert: planned 1 min 40 s, came to 4 min 10 s (wrong: 2.50 times)" in found.wrong
    )
    assert "Data, expert episodes: planned 100, came to 100" in found.right


def test_an_unfinished_campaign_is_not_judged_on_what_still_grows(tmp_path):
    lines = lines_of(run_folder(tmp_path, result={}))
    assert lines["Goals: success on the gate"] == ("95.0\u202f% or more", "not judged yet", None)
    assert lines["Timeline: data"][2] is None
    assert "Goals: running time" not in lines
    assert plan_against_actual(run_folder(tmp_path), History(), None) is None


def test_cost_is_planned_from_the_budget_and_absent_without_a_price(tmp_path):
    cost = cost_of(history().timeline, Rate(6.0, "USD", "test"), successes=97, promoted=True)
    lines = lines_of(run_folder(tmp_path), cost=cost)
    assert lines["Cost: the whole campaign"] == ("1.00 USD", "0.98 USD", True)
    assert not any(name.startswith("Cost") for name in lines_of(run_folder(tmp_path)))
    shown = dict(costs(cost))
    assert shown["for each successful gate rollout"] == "0.0101 USD"
    assert costs(None) == []


def test_the_mix_of_scenes_is_counted_from_what_was_drawn(tmp_path):
    scenes = tmp_path / "cycles/01/scenarios.jsonl"
    scenes.parent.mkdir(parents=True)
    scenes.write_text('{"mode": null}\n' * 3 + '{"mode": "FM-01"}\n' * 7 + '{"mode"')
    lines = lines_of(run_folder(tmp_path))
    assert lines["Data: share of general scenes"][1] == "30\u202f% (3 of 10)"


def test_the_timeline_tells_restarts_idle_cores_and_stages():
    shown = timeline(history())
    text = " ".join(shown["lines"])
    assert "Restarts: 1" in text
    assert "Cores idled 25.0\u202f%" in text
    assert [row["stage"] for row in shown["rows"]] == [
        "measure",
        "expert",
        "train",
        "select",
        "gate",
    ]
    assert shown["chart"].startswith("<svg")
    assert timeline(History())["chart"] is None


def test_bottlenecks_are_told_of_cycles_that_came_to_their_selection(tmp_path):
    (told,) = reviews(run_folder(tmp_path), history())
    assert [row["factor"] for row in told["rows"]] == ["2.50", "1.06", "1.00"]
    assert any("40 episodes instead of 100" in text for text in told["advice"])
    assert reviews(run_folder(tmp_path), History()) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "도달했고"),
        ({"wilson_95": [0.85, 0.99]}, "아래까지"),
        ({"rate": 0.94, "wilson_95": [0.9, 0.98]}, "못 미치지만"),
        ({"rate": 0.5, "wilson_95": [0.4, 0.6]}, "전체보다 높습니다"),
        ({"reason": "against the incumbent on 9 scenes"}, "against the incumbent"),
    ],
)
def test_korean_says_anew_why_the_gate_decided_where_figures_alone_did(tmp_path, found, told):
    run = run_folder(tmp_path, result={"gate": {**GATE, **found}})
    with speaking("ko"):
        assert told in verdict(run)["reason"]


@pytest.fixture
def finished(tmp_path) -> Path:
    """A run folder with a log and nothing else of its cycle."""
    used_s = 0.0
    with EventLog(tmp_path / "events.sqlite") as log:
        for name, seconds, facts in STEPS:
            log.append("step_begun", step=name, key="k", used_s=used_s)
            used_s += seconds
            log.append("step_done", step=name, key="k", facts=facts, used_s=used_s)
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump({**SETTINGS, "lang": "ko"}))
    (tmp_path / "cycles/01").mkdir(parents=True)
    return tmp_path


def test_page_and_markdown_speak_the_language_of_the_settings(finished):
    page = report(finished).read_text(encoding="utf-8")
    assert '<html lang="ko">' in page
    assert "계획 대비 실적" in page
    assert "trial &lt;1&gt;" in page
    text = (finished / "report/plan-against-actual.md").read_text(encoding="utf-8")
    assert text.startswith("# trial <1>: 계획 대비 실적")
    assert "What the plan got" not in page + text


def test_what_the_command_names_goes_before_the_settings(finished):
    report(finished, Wishes(lang="en", machine_price=3.6))
    text = (finished / "report/plan-against-actual.md").read_text(encoding="utf-8")
    assert "## What the plan got right" in text
    assert "| the whole campaign | 0.60 USD | 0.59 USD |  |" in text
    with pytest.raises(ConfigError, match="machine"):
        report(finished, Wishes(machine="nobody's"))
