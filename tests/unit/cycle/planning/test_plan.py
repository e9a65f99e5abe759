"""The plan: what fits the budget, what is cut and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.estimate import estimate
from loopyard.cycle.planning.measure import Measurement
from loopyard.cycle.planning.plan import Plan, make_plan
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


def test_more_checkpoints_to_choose_from_are_driven_in_time_that_is_planned_for(measured):
    several = CAMPAIGN.model_copy(
        update={"select": CAMPAIGN.select.model_copy(update={"candidates": 3})}
    )
    gate_s = planned(
        CAMPAIGN.model_copy(update={"select": CAMPAIGN.select.model_copy(update={"n": 1})}),
        measured,
    ).seconds["judge"]
    alone_s, of_four_s = (planned(c, measured).seconds["judge"] for c in (CAMPAIGN, several))
    assert of_four_s - gate_s > 3 * (alone_s - gate_s)


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


def wished(*cycles: dict, minutes: float = 20.0, **more) -> Campaign:
    settings = {"budget_minutes": minutes, "cycles": cycles, "select": {"n": 50}, **more}
    return Campaign.model_validate(settings)


def test_cycles_are_granted_as_they_are_wished_for(measured):
    campaign = wished(
        {"episodes": 200, "steps": 1000}, {"rollouts": 60, "steps": 500}, {"epochs": 2}
    )
    plan = planned(campaign, measured)
    assert plan.warnings == ()
    assert [(part.episodes, part.rollouts) for part in plan.cycles] == [(200, 0), (0, 60), (0, 0)]
    assert [part.steps for part in plan.cycles] == [1000, 500, None]
    assert plan.cycles[2].epochs == 2
    steps = 1000 + 500 + 2 * (200 + 60) * measured.frames_per_episode / measured.batch_size
    assert plan.seconds["train"] == pytest.approx(steps * measured.step_s, rel=0.01)


def test_boxes_leave_room_where_there_is_some_and_close_a_stage_where_there_is_none(measured):
    cycles = ({"episodes": 200, "steps": 1000}, {"rollouts": 60, "steps": 500})
    roomy = planned(wished(*cycles, minutes=60.0), measured).cycles[0]
    tight = planned(wished(*cycles, minutes=3.0), measured).cycles[0]
    assert roomy.train_minutes > 5 * 1000 * measured.step_s / 60
    assert tight.train_minutes == pytest.approx(
        1.5 * (tight.steps or 0) * measured.step_s / 60, rel=0.02
    )


def planned_s(plan: Plan) -> float:
    return sum(plan.seconds[name] for name in ("generate", "relabel", "train", "judge"))


def test_long_training_shrinks_before_data_and_the_warning_gives_the_figures(measured):
    campaign = wished({"episodes": 1000, "steps": 60_000}, {"rollouts": 500, "steps": 30_000})
    plan = planned(campaign, measured)
    first, second = plan.cycles
    assert (first.episodes, second.rollouts) == (1000, 500)
    assert first.steps is not None
    assert first.steps < 30_000
    assert first.steps == pytest.approx(2 * (second.steps or 0), abs=1)
    assert planned_s(plan) <= 20 * 60 + 1
    (warning,) = plan.warnings
    assert warning == "training as long as was asked needs 75 min here; the budget is 20 min"


def test_data_shrinks_where_training_would_get_too_little(measured):
    campaign = wished({"episodes": 9000, "steps": 60_000}, {"rollouts": 500, "epochs": 1})
    plan = planned(campaign, measured)
    assert plan.cycles[0].episodes < 9000
    assert plan.seconds["train"] == pytest.approx(0.35 * 20 * 60, rel=0.05)
    assert "9000 episodes need 15 min here" in plan.warnings[0]
    assert planned_s(plan) <= 20 * 60 + 1


def test_a_cycle_keeps_to_minutes_of_its_own(measured):
    campaign = wished(
        {"episodes": 200, "minutes": 4}, {"rollouts": 60, "minutes": 2}, {"rollouts": 60}
    )
    first, second, third = planned(campaign, measured).cycles
    data_s = 200 * measured.episode_s
    assert 60 * first.train_minutes + data_s < 4 * 60
    assert 60 * second.train_minutes < 2 * 60
    assert third.train_minutes > first.train_minutes + second.train_minutes


def test_minutes_that_exceed_the_budget_are_squeezed(measured):
    campaign = wished({"episodes": 200, "minutes": 40}, {"rollouts": 60, "minutes": 40})
    plan = planned(campaign, measured)
    assert (
        sum(plan.seconds[name] for name in ("generate", "relabel", "train", "judge")) <= 20 * 60 + 1
    )


def test_later_plans_are_of_what_is_left(measured):
    whole = planned(CAMPAIGN, measured, used_s=30.0)
    rest = planned(CAMPAIGN, measured, used_s=600.0, done=1, frames=40_000)
    assert [part.cycle for part in rest.cycles] == [2, 3]
    assert rest.cycles[0].train_minutes == rest.cycles[1].train_minutes
    late = planned(CAMPAIGN, measured, used_s=900.0, done=1, frames=40_000)
    assert late.cycles[0].train_minutes < rest.cycles[0].train_minutes
    assert whole.cycles[1].train_minutes > late.cycles[0].train_minutes


def test_a_plan_comes_back_from_its_json(measured):
    plan = planned(wished({"episodes": 20, "epochs": 2}), measured)
    assert Plan.from_dict(plan.to_dict()) == plan


def test_a_budget_that_is_used_up_still_trains_and_says_so(measured):
    """Restarts may have used it: a cycle that trains for no time at all would be worth nothing."""
    late = planned(CAMPAIGN, measured, used_s=20 * 60, done=1, frames=40_000)
    assert sum(part.train_minutes for part in late.cycles) == pytest.approx(
        0.1 * 20 * 2 / 3, abs=0.01
    )
    assert any("more than there are" in warning for warning in late.warnings)
