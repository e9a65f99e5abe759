"""Which changes are made, which are refused and why."""

from __future__ import annotations

from typing import Any

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.changes import FIXED, MAY_CHANGE, Outcome, apply
from loopyard.cycle.lessons.lesson import Change, Figure, Lesson, plus, put, times


def lesson(*changes: Change, name: str = "rule") -> Lesson:
    return Lesson(
        rule=name,
        category="training",
        role="Training",
        figure=Figure(name="loss", value=2, limit=1),
        problem="p",
        cause="c",
        ask="a",
        changes=changes,
    )


def changed(campaign: Campaign, *changes: Change, cycle: int = 2) -> tuple[Campaign, Outcome]:
    after, outcomes = apply(campaign, [lesson(*changes)], cycle)
    return after, outcomes[-1]


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (times("train.batch_size", 0.5), 64, 32),
        (times("train.accumulate", 2), 1, 2),
        (times("train.lr", 0.5), 1e-3, 5e-4),
        (times("train.channel_weights.steering", 2), 1.0, 2.0),
        (times("train.augmentation.state_noise", 2), 0.01, 0.02),
        (plus("train.state_dropout", 0.1), 0.0, 0.1),
        (plus("dagger.share", 0.1), 0.6, 0.7),
        (times("scenarios.weights.scoop", 2), 1.0, 2.0),
        (times("cycles.recoveries", 1.5), 40, 60),
        (times("cycles.rollouts", 1.5), 36, 54),
        (times("generate.noise.slips_per_s", 0.5), 0.15, 0.075),
    ],
)
def test_a_change_is_made_from_what_holds(campaign, change, before, after):
    made, outcome = changed(campaign, change)
    assert (outcome.applied, outcome.before) == (True, before)
    assert outcome.after == pytest.approx(after)
    again, second = changed(made, change)
    assert second.before == outcome.after
    assert again != made != campaign


def test_the_campaign_is_what_the_change_says(campaign):
    made, _ = changed(
        campaign,
        times("train.channel_weights.bucket", 2),
        times("cycles.rollouts", 1.5),
        times("cycles.recoveries", 0.5),
        put("scenarios.mix", {"general": 0.1, "tier_1": 0.5, "tier_2": 0.3, "tier_3": 0.1}),
    )
    assert made.train == {"channel_weights": {"bucket": 2.0}}
    assert made.dagger.rollouts == 54
    assert made.scenarios is not None
    assert made.scenarios.recoveries == 20
    assert made.scenarios.mix.tier_1 == 0.5
    assert Campaign.model_validate(made.plain()) == made


@pytest.mark.parametrize("setting", FIXED)
def test_what_is_fixed_says_why(campaign, setting):
    after, outcome = changed(campaign, times(setting, 2))
    assert after == campaign
    assert not outcome.applied
    assert outcome.why == FIXED[setting]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (times("gate.target", 0.5), "must not move the bar"),
        (put("params.bricks", 1), "the task that was asked for"),
        (times("no.such", 2), "no such setting"),
        (put("scenarios.mix", {"general": 2.0}), "does not fit"),
        (times("scenarios.mix", 2), "expected a number"),
        (times("train.lr", 1), "it is 0.001 already"),
        (times("cycles.epochs", 0.7), "training lasts as long as the plan has time"),
        (times("cycles.episodes", 2), "the expert drives in the first cycle alone"),
    ],
)
def test_what_cannot_be_is_refused(campaign, change, why):
    after, outcome = changed(campaign, change)
    assert after == campaign
    assert not outcome.applied
    assert why in outcome.why


def test_a_change_stays_within_its_range(campaign):
    for _ in range(5):
        campaign, _ = changed(campaign, times("train.channel_weights.lift", 2))
    campaign, outcome = changed(campaign, times("train.channel_weights.lift", 2))
    assert campaign.train["channel_weights"]["lift"] == MAY_CHANGE["train.channel_weights.*"][1]
    assert "it is 8 already, as far as a lesson may take it" in outcome.why


def test_one_setting_changes_once_a_cycle(campaign):
    lessons = [lesson(times("train.lr", 0.5), name=name) for name in ("one", "two")]
    after, outcomes = apply(campaign, lessons, 2)
    assert after.train["lr"] == pytest.approx(5e-4)
    assert [outcome.applied for outcome in outcomes] == [True, False]
    assert outcomes[1].why == "'one' has changed it for this cycle"


def test_without_failure_modes_there_are_no_scenes_to_choose(campaign):
    plain = campaign.model_copy(update={"scenarios": None})
    for change in (times("scenarios.weights.scoop", 2), times("cycles.recoveries", 2)):
        after, outcome = changed(plain, change)
        assert after == plain
        assert "no failure modes" in outcome.why


class TestWishes:
    """A campaign that says each cycle by itself."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        later: dict[str, Any] = {"rollouts": 20, "epochs": 10}
        return Campaign.model_validate(
            {"cycles": [{"episodes": 50, "epochs": 20}, later, {**later, "rollouts": 40}]}
        )

    def test_the_cycles_to_come_change(self, campaign):
        made, outcome = changed(campaign, times("cycles.rollouts", 1.5))
        assert [wish.rollouts for wish in made.cycles] == [0, 30, 60]
        assert (outcome.before, outcome.after) == (20, 30)
        made, _ = changed(campaign, times("cycles.epochs", 0.7), cycle=3)
        assert [wish.epochs for wish in made.cycles] == [20, 10, 7]

    def test_steps_stand_for_epochs(self, campaign):
        steps = Campaign.model_validate({"cycles": [{"episodes": 50, "steps": 10}] * 2})
        made, _ = changed(steps, times("cycles.epochs", 0.7))
        assert [wish.steps for wish in made.cycles] == [10, 7]

    def test_what_no_later_cycle_says_is_refused(self, campaign):
        _, outcome = changed(campaign, times("cycles.episodes", 2))
        assert outcome.why == "no later cycle says its episodes"
