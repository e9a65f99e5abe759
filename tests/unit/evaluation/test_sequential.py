"""The gate that looks after every scene: when it answers, what it says, what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.evaluation.gate import Verdict
from loopyard.evaluation.sequential import SequentialGate
from loopyard.evaluation.sequential_boundary import chances
from loopyard.evaluation.statistics import confidence_sequence, wilson


def fed(gate, results) -> Verdict:
    for result in results:
        if gate.add(result) is not None:
            break
    assert gate.verdict is not None
    return gate.verdict


def test_unbroken_success_is_promoted_early():
    verdict = fed(SequentialGate(200), [True] * 200)
    assert (verdict.verdict, verdict.n, verdict.successes, verdict.rate) == ("promote", 44, 44, 1)
    assert verdict.early
    assert verdict.n_max == 200
    assert verdict.wilson_95 == wilson(44, 44)
    assert verdict.anytime_95 == confidence_sequence(44, 44)
    assert "44 of 44 scenes after 44 of at most 200" in verdict.reason
    assert "at most 5% false promotions" in verdict.reason


def test_a_hopeless_policy_is_rejected_after_three_scenes():
    verdict = fed(SequentialGate(200), [False] * 200)
    assert (verdict.verdict, verdict.n) == ("reject", 3)
    assert "95.0% or more is ruled out" in verdict.reason


def test_what_is_between_floor_and_target_is_not_clear():
    results = [n % 14 != 7 for n in range(200)]  # 92.9 %
    verdict = fed(SequentialGate(200), results)
    assert (verdict.verdict, verdict.n) == ("inconclusive", 200)
    assert not verdict.early
    assert "190 were needed to promote" in verdict.reason


def test_it_does_what_its_chances_say():
    rng, gates = np.random.default_rng(4), 600
    found = [fed(SequentialGate(60, 0.9, 0.7), rng.random(60) < 0.85) for _ in range(gates)]
    exact = chances(SequentialGate(60, 0.9, 0.7).boundaries, 0.85)
    for name in ("promote", "reject", "inconclusive"):
        low, high = wilson(sum(verdict.verdict == name for verdict in found), gates, 0.9999)
        assert low <= getattr(exact, name) <= high
    assert np.mean([verdict.n for verdict in found]) == pytest.approx(exact.mean_scenes, abs=3.0)


def test_smaller_errors_take_longer():
    assert fed(SequentialGate(200, alpha=0.01), [True] * 200).n > 44
    assert fed(SequentialGate(200, beta=0.001), [False] * 200).n > 3


def test_verdict_is_plain_json():
    data = json.loads(json.dumps(fed(SequentialGate(200), [True] * 200).to_dict()))
    assert data["anytime_95"] == list(confidence_sequence(44, 44))
    assert data["n_max"] == 200


def test_it_takes_nothing_after_its_verdict():
    gate = SequentialGate(200)
    fed(gate, [False] * 3)
    with pytest.raises(ValueError, match="after its verdict 'reject'"):
        gate.add(True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_max": 28}, "n_max: found 28, expected at least 29"),
        ({"floor": 0.96}, "floor, target: found"),
        ({"floor": 1.0, "target": 1.0}, "floor, target: found"),
        ({"floor": 0.0}, "floor, target: found"),
        ({"alpha": 0.0}, "alpha: found 0.0"),
        ({"beta": 0.5}, "beta: found 0.5"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        SequentialGate(**{"n_max": 200, **settings})
