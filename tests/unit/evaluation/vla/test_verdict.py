"""The words that a policy is called, and when."""

from __future__ import annotations

import pytest

from loopyard.evaluation.by_stratum import StratumResult
from loopyard.evaluation.statistics import Paired, mcnemar_exact
from loopyard.evaluation.vla.verdict import Beaten, judge_proof

GOOD = StratumResult.of(190, 200)


def against(name: str, wins: int, losses: int) -> Beaten:
    paired = Paired(200, wins, losses, mcnemar_exact(wins, losses))
    return Beaten(name, StratumResult.of(150 - wins + losses, 200), paired)


def baselines(**other: Beaten) -> dict[str, Beaten]:
    names = {"image mask": 140, "text mask": 90, "frame index": 150}
    return {name: against(name, wins, 2) for name, wins in names.items()} | other


def test_it_is_proven_where_all_is_well():
    verdict = judge_proof(GOOD, GOOD, baselines(), 0.9)
    assert verdict.proven
    assert len(verdict.reasons) == 5
    assert verdict.reasons[0].startswith("scenes as they come: 190 of 200 (95.0 %, Wilson 95 % 91.")


@pytest.mark.parametrize(
    ("name", "word"),
    [("image mask", "blind"), ("text mask", "deaf"), ("frame index", "playing a tape")],
)
def test_what_does_not_beat_a_baseline_beyond_chance_is_called_so(name, word):
    for wins, losses in ((0, 0), (6, 2), (5, 40)):
        verdict = judge_proof(GOOD, GOOD, baselines(**{name: against(name, wins, losses)}), 0.9)
        assert verdict.words == (word,)
        assert any(reason.startswith(f"{word}: no better than") for reason in verdict.reasons)
    assert judge_proof(GOOD, GOOD, baselines(**{name: against(name, 9, 1)}), 0.9).proven


def test_both_success_and_swap_must_reach_the_target():
    few = StratumResult.of(179, 200)
    assert judge_proof(few, GOOD, baselines(), 0.9).words == ("under the target",)
    assert judge_proof(GOOD, few, baselines(), 0.9).words == ("disobedient",)
    exact = StratumResult.of(180, 200)
    assert judge_proof(exact, exact, baselines(), 0.9).proven
    nothing = StratumResult.of(0, 0)
    assert not judge_proof(nothing, nothing, baselines(), 0.9).proven
