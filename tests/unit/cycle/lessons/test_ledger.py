"""What becomes of a lesson over the cycles."""

from __future__ import annotations

import pytest

from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.ledger import Ledger
from loopyard.cycle.lessons.lesson import Figure, Lesson, times
from loopyard.cycle.lessons.writing import became, page, summary


def lag(ratio: float, channel: str = "steering", setting: str | None = None) -> Lesson:
    return Lesson(
        rule="lagging_channel",
        about=channel,
        category="training",
        role="Training",
        figure=Figure(name="loss over the others'", value=ratio, limit=10),
        problem="it lags",
        cause="they weigh alike",
        ask="weigh it",
        changes=(times(setting or f"train.channel_weights.{channel}", 2.0),),
    )


def over(campaign: Campaign, *ratios: float | None) -> tuple[Ledger, Campaign]:
    """The ledger after cycles with these figures; None: it was not measured."""
    ledger = Ledger()
    for cycle, ratio in enumerate(ratios, 1):
        found = [] if ratio is None else [lag(ratio)]
        ledger, campaign = ledger.after(cycle, found, campaign)
    return ledger, campaign


def weight(campaign: Campaign) -> float:
    return campaign.train.get("channel_weights", {}).get("steering", 1.0)


def test_a_good_figure_is_no_lesson(campaign):
    ledger, after = over(campaign, 3.0)
    assert ledger.entries == ()
    assert after == campaign
    assert "Lessons: 0, " in page(ledger)


def test_a_lesson_changes_the_next_cycle_and_its_page_says_so(campaign):
    ledger, after = over(campaign, 12.1)
    assert weight(after) == 2.0
    assert not ledger.entries[0].escalated
    told = page(ledger)
    for text in (
        "# Lessons of cycle 1",
        "## lagging_channel: steering",
        "Who applies it: Training",
        "- Problem: it lags",
        "- Cause: they weigh alike",
        "loss over the others': 12.1, at most 10 is right",
        "(`train.channel_weights.steering x 2.0`)",
        "- Cycle 2:\n  - applied: train.channel_weights.steering: 1 -> 2",
    ):
        assert text in told


def test_a_lesson_that_worked_is_retired_with_its_figure(campaign):
    ledger, after = over(campaign, 12.1, 3.4)
    (entry,) = ledger.settled
    assert entry.state == "retired"
    assert weight(after) == 2.0, "what helped stays"
    text = (
        "lagging_channel: steering: retired: train.channel_weights.steering: 1 -> 2; "
        "the figure went 12.1 -> 3.4 (cycles 1 -> 2)"
    )
    assert became(entry) == text
    told = page(ledger)
    assert "## What cycle 2 was changed by" in told
    assert f"## Retired\n\n- {text}" in told


def test_one_that_comes_again_is_escalated_and_made_stronger_where_it_helped(campaign):
    ledger, after = over(campaign, 20.0, 14.0)
    assert ledger.entries[0].escalated
    assert weight(after) == 4.0
    assert "Escalated to the Watcher: it came in cycles 1, 2" in page(ledger)
    ledger, after = over(campaign, 20.0, 14.0, 7.0)
    assert ledger.entries[0].state == "retired"
    assert not ledger.entries[0].escalated


def test_where_it_did_not_help_it_is_not_made_again(campaign):
    ledger, after = over(campaign, 12.0, 12.5)
    assert weight(after) == 2.0
    assert ledger.entries[0].escalated
    assert (
        "not applied: train.channel_weights.steering: not changed: it was changed after cycle 1, "
        "and the figure went from 12 to 12.5: for a person to decide"
    ) in page(ledger)
    ledger, after = over(campaign, 12.0, 12.5, 12.4)
    assert weight(after) == 2.0, "12.4 is no better than the 12 it was changed at"


def test_what_could_not_be_measured_stays_open(campaign):
    ledger, _ = over(campaign, 12.0, None)
    assert ledger.entries[0].state == "open"
    assert ledger.learned == ledger.settled == ()
    assert over(campaign, 12.0, None, 4.0)[0].entries[0].state == "retired"


def test_what_comes_back_after_it_was_retired_is_escalated(campaign):
    ledger, _ = over(campaign, 12.0, 4.0, 11.0)
    (entry,) = ledger.learned
    assert entry.came == (1, 3)
    assert entry.escalated


def test_a_veto_keeps_the_campaign_and_is_told(campaign):
    ledger, after = Ledger().after(1, [lag(12.0)], campaign, "a person said no")
    assert after == campaign
    assert "not changed: a person said no" in page(ledger)
    ledger, _ = ledger.after(2, [lag(4.0)], campaign)
    assert ledger.entries[0].state == "gone"
    assert "gone without a change" in page(ledger)


def test_after_the_last_cycle_there_is_nothing_to_change(campaign):
    ledger, after = Ledger(cycle=3).after(4, [lag(12.0)], campaign)
    assert after == campaign
    assert ledger.entries[0].outcomes[0].why == "this was the last cycle"


def test_a_ledger_is_a_pure_function_and_survives_json(campaign):
    ledger, _ = over(campaign, 12.0, 11.0, 4.0)
    assert over(campaign, 12.0, 11.0, 4.0)[0] == ledger
    assert Ledger.model_validate_json(ledger.model_dump_json()) == ledger


def test_the_summary_has_a_row_for_each(campaign):
    ledger = Ledger()
    for cycle in (1, 2, 3):
        found = [lag(12.0 / cycle), lag(20.0, "lift", setting="gate.n")]
        ledger, campaign = ledger.after(cycle, found, campaign)
    told = summary(ledger)
    rows = [line for line in told.splitlines() if line.startswith("| lagging")]
    assert len(rows) == 2
    assert "12 -> 6 (cycles 1 -> 2)" in rows[0]
    assert "retired" in rows[0]
    assert "escalated: gate.n: not changed" in rows[1]
    assert "None so far" in summary(Ledger(cycle=3))


@pytest.mark.parametrize(("worse", "value", "good"), [("above", 4.0, 12.0), ("below", 0.9, 0.1)])
def test_better_is_towards_the_good_side(worse, value, good):
    assert Figure(name="f", value=value, limit=1, worse=worse).better_than(good)
