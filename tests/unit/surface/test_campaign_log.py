"""A campaign in words: what was measured, what is planned, how far it is."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.estimate import estimate
from loopyard.cycle.planning.measure import Measurement
from loopyard.cycle.planning.plan import make_plan
from loopyard.surface.campaign_log import CampaignLog, measured_text, plan_text
from loopyard.surface.console import Console

MEASURED = Measurement(
    episode_s=0.1,
    frames_per_episode=125.0,
    step_s=0.05,
    batch_size=64,
    rollout_s=0.2,
    start_s=2.0,
    workers=2,
)
CAMPAIGN = Campaign.model_validate(
    {"budget_minutes": 20, "train_shares": [1, 1], "generate": {"episodes": 300}}
)
COSTS = estimate(CAMPAIGN, MEASURED)


@pytest.fixture
def console():
    return Console(terminal=False, out=io.StringIO(), err=io.StringIO())


def test_what_was_measured_has_units():
    text = measured_text(MEASURED)
    assert "100.0 ms" in text
    assert "1250 frames/s with 2 workers" in text
    assert "1280 samples/s" in text


def test_the_plan_names_each_cycle_the_gate_and_the_budget():
    lines = plan_text(make_plan(CAMPAIGN, COSTS)).splitlines()
    assert lines[0] == "   plan:"
    assert lines[1].startswith("   cycle 1: 300 episodes, ")
    assert lines[2].startswith("   cycle 2: 150 labelled rollouts, ")
    assert lines[3] == "   gate: 200 rollouts"
    assert lines[4].startswith("   budget 20:00: generate 0:30, ")


def test_warnings_of_the_plan_go_to_standard_error(console):
    plan = make_plan(CAMPAIGN.model_copy(update={"budget_minutes": 2.0}), COSTS)
    assert plan.warnings
    CampaignLog(console).plan(plan, MEASURED)
    assert "cycle 1: " in console.out.getvalue()
    assert console.err.getvalue().count("warning: ") == len(plan.warnings)


def test_progress_counts_successes(console):
    log = CampaignLog(console)
    log.stage("gate")
    log.note("resting")
    with log.progress(4, "rollouts", "gate") as done:
        for success in (True, False, True, True):
            done(success)
    text = console.out.getvalue()
    assert "== gate" in text
    assert "resting" in text
    assert "gate: 4/4 rollouts" in text
    assert "3 succeeded" in text


def test_training_shows_its_share_of_the_budget_and_the_loss(console):
    with CampaignLog(console).training(60.0, "train cycle 1") as on_step:
        on_step(SimpleNamespace(share=0.5, loss=0.25))
    text = console.out.getvalue()
    assert "train cycle 1: 50/100 %" in text
    assert "loss 0.2500" in text


def test_json_output_is_left_alone():
    console = Console(json=True, out=io.StringIO(), err=io.StringIO())
    log = CampaignLog(console)
    log.stage("measure")
    log.plan(make_plan(CAMPAIGN, COSTS), MEASURED)
    with log.progress(1, "episodes", "generate") as done:
        done(True)
    assert isinstance(console.out, io.StringIO)
    assert console.out.getvalue() == ""
