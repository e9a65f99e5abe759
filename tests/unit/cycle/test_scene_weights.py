"""Weights of failure modes: what a lesson asks more scenes of."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from loopyard.core.errors import ConfigError
from loopyard.cycle.config import Campaign
from loopyard.cycle.scenes import campaign_registry, learning_scenarios


def modes(**scenarios: Any) -> Counter[str | None]:
    campaign = Campaign.model_validate(
        {"preset": "mid", "scenarios": {"variety": 100, "sampling": "prior", **scenarios}}
    )
    drawn = learning_scenarios(campaign, campaign_registry(campaign), 1, 100, {})
    return Counter(scenario.mode for scenario in drawn)


def test_a_weight_draws_a_mode_more_often_within_its_tier():
    plain, more = modes(), modes(weights={"FM-C03": 6.0})
    assert more["FM-C03"] > plain["FM-C03"] > 0
    assert more[None] == plain[None]


def test_a_word_names_every_mode_of_such_a_function():
    plain, less = modes(), modes(weights={"scoop": 0.05})
    scooping = ("FM-C01", "FM-C02", "FM-C06")
    assert sum(less[id] for id in scooping) < sum(plain[id] for id in scooping)


def test_a_weight_for_nothing_is_named():
    with pytest.raises(ConfigError, match="weights: found 'scoob', expected a mode's id"):
        modes(weights={"scoob": 2.0})
