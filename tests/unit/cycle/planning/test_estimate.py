"""What things cost: as measured, then as the cycles showed."""

from __future__ import annotations

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.estimate import SUCCESSFUL_ROLLOUT, estimate

CAMPAIGN = Campaign()
ROW = {
    "demonstrated": 40,
    "expert_s": 8.0,
    "train_s": 60.0,
    "train_steps": 600,
    "rollout_s": 12.0,
    "select": {"n": 60},
}


def test_before_the_first_cycle_the_measurement_speaks(measured):
    found = estimate(CAMPAIGN, measured)
    assert (found.episode_s, found.step_s) == (measured.episode_s, measured.step_s)
    assert found.select_s == measured.rollout_s
    assert found.relabel_s > measured.rollout_s
    assert found.good == SUCCESSFUL_ROLLOUT


def test_what_a_cycle_showed_counts_from_then_on(measured):
    found = estimate(CAMPAIGN, measured, [ROW])
    assert found.episode_s == pytest.approx(0.2)
    assert found.step_s == pytest.approx(0.1)
    assert found.select_s == pytest.approx(0.2)
    assert found.relabel_s == estimate(CAMPAIGN, measured).relabel_s
    assert found.good == SUCCESSFUL_ROLLOUT


def test_figures_of_a_policy_that_drives_already_hold_what_its_success_saves(measured):
    later = {"rollouts": 50, "relabel_s": 25.0, "train_s": 30.0, "train_steps": 600}
    found = estimate(CAMPAIGN, measured, [ROW, later])
    assert found.relabel_s == pytest.approx(0.5)
    assert found.step_s == pytest.approx(0.05)
    assert found.good == 1.0


def test_drives_made_beside_training_say_nothing_of_what_they_cost_alone(measured):
    beside = {name: value for name, value in ROW.items() if name != "expert_s"}
    assert estimate(CAMPAIGN, measured, [beside]).episode_s == measured.episode_s
