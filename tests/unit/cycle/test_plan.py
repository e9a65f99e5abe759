"""The plan: what fits the budget, what is cut and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopyard.cycle.config import Campaign
from loopyard.cycle.measure import Measurement
from loopyard.cycle.estimate import estimate
from loopyard.cycle.plan import Plan, make_plan
from loopyard.training.config import TrainConfig

CAMPAIGN = Campaign.model_validate(
    {
        "budget_minutes": 20,
        "train_shares": [2, 1, 1],
        "generate": {"episodes": 400},
        "dagger": {"rollouts": 100},
        "select": {"n": 50},
        "gate": {"n": 200},
    }
)


def planned(campaign: Campaign, measured: Measurement, used_s: float = 0.0, **more) -> Plan:
    return make_plan(campaign, estimate(campaign, measured), used_s, **more)


def test_with_time_enough_all_is_granted_and_training_takes_the_rest(measured):
    plan = planned(CAMPAIGN, measured, used_s=30.0)
    assert plan.warnings == ()
    assert [part.episodes for part in plan.cycles] == [400, 0, 0]
    assert [part.rollouts for part in plan.cycles] == [0, 100, 100]
    assert [part.select for part in plan.cycles] == [50, 50, 50]
    assert plan.gate == 200
    seconds = plan.seconds
    assert seconds["generate"] == pytest.approx(400 * 0.1)
    parts = sum(seconds[name] for name in ("used", "generate", "relabel", "train", "judge"))
    assert parts == pytest.approx(20 * 60, abs=0.5)
    minutes = [part.train_minutes for part in plan.cycles]
    assert sum(minutes) == pytest.approx(seconds["train"] / 60, abs=0.01)
    assert minutes[0] == pytest.approx(2 * minutes[1], abs=0.01)
    assert minutes[1] == minutes[2]


def test_one_cycle_needs_no_rollouts_to_label(measured):
    plan = planned(CAMPAIGN.model_copy(update={"train_shares": (1.0,)}), measured)
    assert len(plan.cycles) == 1
    assert plan.seconds["relabel"] == 0.0


def test_what_is_slow_shrinks_data_and_says_so_but_cuts_no_judgement(measured):
    slow = replace(measured, episode_s=4.0)
    plan = planned(CAMPAIGN, slow)
    assert 20 <= plan.cycles[0].episodes < 400
    assert plan.cycles[1].rollouts < 100
    assert plan.cycles[0].episodes / 400 == pytest.approx(plan.cycles[1].rollouts / 100, abs=0.01)
    assert plan.gate == 200
    assert {part.select for part in plan.cycles} == {50}
    assert "400 episodes need 26.7 min here" in plan.warnings[0]
    assert "the budget is 20 min" in plan.warnings[0]
    assert plan.seconds["train"] == pytest.approx(0.35 * 20 * 60, rel=0.05)


def test_a_dear_judgement_is_warned_of(measured):
    plan = planned(CAMPAIGN, replace(measured, rollout_s=5.0))
    assert any("selection and gate alone" in warning for warning in plan.warnings)


def test_forks_cost_more_than_the_path(measured):
    def relabel_s(labels: str) -> float:
        dagger = CAMPAIGN.dagger.model_copy(update={"labels": labels})
        plan = planned(CAMPAIGN.model_copy(update={"dagger": dagger}), measured)
        return plan.seconds["relabel"]

    assert relabel_s("fork") > 1.5 * relabel_s("path")


cost = st.floats(1e-3, 100.0)


@given(
    episode_s=cost,
    rollout_s=cost,
    start_s=st.floats(0.1, 60.0),
    used_s=st.floats(0.0, 3600.0),
    minutes=st.floats(0.05, 120.0),
    episodes=st.integers(1, 2000),
    shares=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5),
)
def test_whatever_things_cost_the_plan_can_be_carried_out(
    episode_s, rollout_s, start_s, used_s, minutes, episodes, shares
):
    campaign = Campaign.model_validate(
        {
            "budget_minutes": minutes,
            "generate": {"episodes": episodes},
            "train_shares": shares,
            "dagger": {"rollouts": 7},
            "gate": {"n": 33},
            "select": {"n": 9},
        }
    )
    figures = Measurement(episode_s, 100.0, 0.05, 64, rollout_s, start_s, 2)
    plan = planned(campaign, figures, used_s)
    assert plan.gate == 33
    for part in plan.cycles:
        assert part.select == 9
        TrainConfig(minutes=part.train_minutes)
        assert part.episodes + part.rollouts >= 1
        assert part.episodes <= episodes
        assert part.rollouts <= 7
    planned_s = sum(plan.seconds[name] for name in ("generate", "relabel", "train", "judge"))
    if planned_s > 60 * minutes - used_s + 1:
        assert plan.warnings
