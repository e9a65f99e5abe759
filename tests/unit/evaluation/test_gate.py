"""The gate's rule, at and around its edges."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.evaluation.gate import Verdict, judge, scenes_needed
from loopyard.evaluation.statistics import wilson

SEEDS = range(900_000, 900_200)


@pytest.mark.parametrize(
    ("successes", "n", "decision"),
    [
        (190, 200, "promote"),
        (200, 200, "promote"),
        (189, 200, "inconclusive"),
        (184, 200, "inconclusive"),
        (180, 200, "reject"),
        (0, 200, "reject"),
        (20, 20, "inconclusive"),
        (0, 0, "inconclusive"),
    ],
)
def test_default_rule(successes, n, decision):
    assert judge(successes, n).verdict == decision


def test_reason_says_how_many_scenes_would_settle_it():
    verdict = judge(39, 40)
    needed = scenes_needed(39 / 40, 0.90)
    assert verdict.verdict == "inconclusive"
    assert f"{needed} scenes" in verdict.reason
    assert wilson(int(39 / 40 * needed), needed)[0] >= 0.90


def test_better_than_the_incumbent_is_promoted():
    candidate = dict.fromkeys(SEEDS, True)
    incumbent = {seed: seed >= SEEDS[10] for seed in SEEDS}
    verdict = judge(200, 200, candidate=candidate, incumbent=incumbent)
    assert verdict.promoted
    assert verdict.paired is not None
    assert (verdict.paired.wins, verdict.paired.losses) == (10, 0)


def test_a_draw_keeps_the_incumbent():
    same = {seed: seed > SEEDS[2] for seed in SEEDS}
    verdict = judge(197, 200, candidate=same, incumbent=same)
    assert verdict.verdict == "inconclusive"
    assert "incumbent stays" in verdict.reason


def test_worse_than_the_incumbent_is_rejected_though_the_target_is_met():
    candidate = {seed: seed >= SEEDS[10] for seed in SEEDS}
    verdict = judge(190, 200, candidate=candidate, incumbent=dict.fromkeys(SEEDS, True))
    assert verdict.verdict == "reject"


def test_verdict_is_plain_json():
    data = json.loads(json.dumps(judge(190, 200).to_dict()))
    assert Verdict.from_dict(data) == judge(190, 200)
    assert data["wilson_95"] == list(wilson(190, 200))
    assert data["verdict"] == "promote"


@pytest.mark.parametrize(
    "settings", [{"target": 0.8, "floor": 0.9}, {"floor": 0.0}, {"incumbent": {SEEDS[0]: True}}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        judge(1, 1, **settings)


@pytest.mark.parametrize(("seed", "split"), [(800_007, "select"), (7, "train")])
@pytest.mark.parametrize("scene", [lambda seed: seed, lambda seed: ("0f" * 8, seed)])
def test_what_was_learned_from_or_chosen_on_is_not_judged_on(seed, split, scene):
    results = {scene(900_000): True, scene(seed): True}
    with pytest.raises(ConfigError, match=f"{seed} of the {split} range.* 900000 to 999999"):
        judge(2, 2, candidate=results, incumbent=results)


def test_seeds_are_looked_at_without_results_too():
    assert judge(200, 200, seeds=SEEDS).promoted
    with pytest.raises(ConfigError, match="800000 of the select range"):
        judge(200, 200, seeds=[*SEEDS[1:], 800_000])


def test_seeds_of_no_range_may_judge():
    results = {4_000_000: True}
    assert judge(1, 1, candidate=results, incumbent=results).verdict == "inconclusive"
