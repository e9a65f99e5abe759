"""Challenger against incumbent, scene after scene."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.evaluation.gate import Verdict
from loopyard.evaluation.paired import FUTILITY_EVERY, ChallengerGate, PairedGate
from loopyard.evaluation.sequential import SequentialGate
from loopyard.evaluation.statistics import mcnemar_exact


def fed(gate, challenger, incumbent) -> Verdict:
    for ours, theirs in zip(challenger, incumbent, strict=True):
        if gate.add(ours, theirs) is not None:
            break
    assert gate.verdict is not None
    return gate.verdict


def test_a_clearly_better_challenger_is_promoted_early():
    verdict = fed(PairedGate(200), [True] * 200, [False] * 200)
    # After scene 9 a chance of 0.05 x 9 / 200 may be spent, and 2**-9 is less.
    assert (verdict.verdict, verdict.n) == ("promote", 9)
    assert verdict.paired is not None
    assert (verdict.paired.wins, verdict.paired.losses) == (9, 0)
    assert verdict.paired.p_value == mcnemar_exact(9, 0)
    assert verdict.target is None
    assert "9 of at most 200 shared scenes: 9 won, 0 lost: better" in verdict.reason


def test_a_clearly_worse_one_is_rejected_early():
    verdict = fed(PairedGate(200), [False] * 200, [True] * 200)
    assert (verdict.verdict, verdict.n) == ("reject", 9)


def test_one_that_is_about_to_be_proven_worse_is_driven_on_to_that():
    """At scene 20 there is no hope of a promotion any more, and a rejection is in sight."""
    challenger = [n % 4 != 1 for n in range(200)]
    verdict = fed(PairedGate(200), challenger, [True] * 200)
    assert (verdict.verdict, verdict.n) == ("reject", 30)


def test_wins_and_losses_decide_alike():
    challenger = [n % 3 != 0 for n in range(200)]
    incumbent = [n % 3 == 0 for n in range(200)]
    up = fed(PairedGate(200, futile=0), challenger, incumbent)
    down = fed(PairedGate(200, futile=0), incumbent, challenger)
    assert (up.verdict, down.verdict) == ("promote", "reject")
    assert up.n == down.n


def test_the_same_policy_twice_is_given_up_early():
    same = [n % 7 != 0 for n in range(200)]
    verdict = fed(PairedGate(200), same, same)
    assert verdict.verdict == "inconclusive"
    assert verdict.n < 100
    assert verdict.n % FUTILITY_EVERY == 0
    assert "has become unlikely" in verdict.reason
    assert "the incumbent stays" in verdict.reason
    patient = fed(PairedGate(200, futile=0), same, same)
    assert (patient.verdict, patient.n) == ("inconclusive", 200)


def test_where_both_agree_nothing_is_learned_of_which_is_better():
    """The promotion comes at the last scene: all that is left of the error is spent there."""
    challenger = [True] * 200
    incumbent = [n not in (3, 4, 5, 6, 7) for n in range(200)]
    verdict = fed(PairedGate(200, futile=0), challenger, incumbent)
    assert (verdict.verdict, verdict.n) == ("promote", 200)
    assert verdict.paired is not None
    assert verdict.paired.wins == 5
    incumbent[7] = True
    assert fed(PairedGate(200, futile=0), challenger, incumbent).verdict == "inconclusive"


def test_it_refuses_what_it_cannot_judge():
    gate = PairedGate(200)
    with pytest.raises(ValueError, match="no result of the incumbent"):
        gate.add(True, None)
    with pytest.raises(ConfigError, match="n_max: found 4, expected at least 5"):
        PairedGate(4)
    with pytest.raises(ConfigError, match=r"alpha: found 0\.5"):
        PairedGate(200, alpha=0.5)
    fed(gate, [True] * 9, [False] * 9)
    with pytest.raises(ValueError, match="after its verdict"):
        gate.add(True, True)


def both():
    return ChallengerGate(SequentialGate(200), PairedGate(200))


def test_a_challenger_must_be_good_and_better():
    verdict = fed(both(), [True] * 200, [n % 2 == 0 for n in range(200)])
    assert (verdict.verdict, verdict.n) == ("promote", 44)
    assert verdict.paired is not None
    assert verdict.paired.n < 44
    assert "is ruled out" in verdict.reason
    assert "better than the incumbent" in verdict.reason
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_good_is_not_better():
    verdict = fed(both(), [True] * 200, [True] * 200)
    assert verdict.verdict == "inconclusive"
    assert "the incumbent stays" in verdict.reason
    assert "ruled out" not in verdict.reason


def test_better_is_not_good():
    verdict = fed(both(), [n % 2 == 0 for n in range(200)], [False] * 200)
    assert (verdict.verdict, verdict.target) == ("reject", 0.95)
    assert "95.0% or more is ruled out" in verdict.reason
