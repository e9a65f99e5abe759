"""Cycles as their user wants them: expert drives ahead, new plans, an early end, another place."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.engine import run_campaign
from loopyard.cycle.observer import Silence


def several(campaign: Campaign, *cycles: dict[str, Any], **gate: Any) -> Campaign:
    plain = campaign.plain() | {"cycles": cycles, "train_shares": [0.4, 0.3, 0.3]}
    plain["gate"] |= gate
    return Campaign.model_validate(plain)


def test_later_cycles_may_have_expert_drives_of_their_own(stage, campaign):
    """They are made while the cycle before trains, on scenes that no other cycle drives."""
    wished = several(
        campaign,
        {"episodes": 40, "steps": 100},
        {"episodes": 30, "rollouts": 20, "steps": 50},
        {"epochs": 2},
    )
    result = run_campaign(wished, Silence())
    (first, count), (later, more) = stage.said["generate"]
    assert (count, more) == (40, 30)
    assert first.first == 0
    assert later.first >= 40
    folder = campaign.folder / "cycles"
    assert (first.root, later.root) == (folder / "01/dataset", folder / "02/expert")
    _, second, third = stage.said["train"]
    assert second[1] == [folder / "01/dataset", folder / "02/expert", folder / "02/dataset"]
    assert second[0].shares == pytest.approx((0.4 * 4 / 7, 0.4 * 3 / 7, 0.6))
    assert (second[0].steps, third[0].epochs) == (50, 2)
    assert third[1] == second[1]
    rows = result["cycles"]
    assert [row["episodes"] for row in rows] == [40, 50, 0]
    assert [(row.get("demonstrated"), row.get("rollouts")) for row in rows] == [
        (40, None),
        (30, 20),
        (None, None),
    ]
    stage.calls.clear()
    assert run_campaign(wished, Silence())["cycles"] == rows
    assert stage.calls == []


def test_before_each_later_cycle_the_rest_is_planned_anew(stage, campaign):
    class Listener(Silence):
        plans: ClassVar[list[Any]] = []

        def plan(self, plan, measured):
            self.plans.append(plan)

        def replan(self, plan):
            self.plans.append(plan)

    run_campaign(campaign, Listener())
    numbers = [[part.cycle for part in plan.cycles] for plan in Listener.plans]
    assert numbers == [[1, 2, 3], [2, 3], [3]]
    kept = json.loads((campaign.folder / "cycles/02/plan.json").read_text())
    assert kept == json.loads(json.dumps(Listener.plans[1].to_dict()))
    assert len(json.loads((campaign.folder / "plan.json").read_text())["cycles"]) == 3


CYCLES = (
    {"episodes": 40, "steps": 100},
    {"rollouts": 20, "steps": 50},
    {"rollouts": 20, "steps": 9},
)


def test_a_campaign_ends_early_when_its_goal_is_proven(stage, campaign):
    wished = several(campaign, *CYCLES, n=60, until_clear=True, stop_early=True)
    stage.successes = [0.5, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0]
    result = run_campaign(wished, Silence())
    assert [row["cycle"] for row in result["cycles"]] == [1, 2]
    assert result["gate"]["verdict"] == "promote"
    assert result["gate"]["cycle"] == 2
    assert result["gate"]["n"] < 60
    assert "at most 2% false promotions" in result["gate"]["reason"]  # 5 % over three cycles
    stage.calls.clear()
    assert run_campaign(wished, Silence())["gate"] == result["gate"]
    assert stage.calls == []


def test_a_campaign_whose_goal_is_not_proven_goes_on(stage, campaign):
    wished = several(campaign, *CYCLES, n=60, until_clear=True, stop_early=True)
    stage.successes = [0.95, *[0.5] * 10]
    result = run_campaign(wished, Silence())
    assert [row["cycle"] for row in result["cycles"]] == [1, 2, 3]
    assert result["gate"]["verdict"] == "reject"
    assert result["gate"]["cycle"] == 1  # the best on select, judged before and not driven again
    assert stage.calls[-1] == "select"


def test_what_changes_no_result_may_change_between_two_runs(stage, campaign):
    first = run_campaign(campaign, Silence())
    stage.calls.clear()
    moved = campaign.model_copy(update={"runs": campaign.runs.parent / "elsewhere", "workers": 2})
    moved.runs.mkdir()
    campaign.folder.rename(moved.folder)
    second = run_campaign(moved, Silence())
    assert stage.calls == []
    assert second["cycles"] == first["cycles"]
    assert second["best"] == str(moved.folder / "best")
