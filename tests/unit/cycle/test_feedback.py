"""Feedback: failing modes occur more often, and are sampled more often."""

from __future__ import annotations

import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.cycle.feedback import learn, sampling_weights, with_found
from loopyard.evaluation.by_mode import ModeResult, results_by_mode
from loopyard.evaluation.diagnosis.clusters import Cluster
from loopyard.evaluation.diagnosis.diagnosis import Diagnosis
from loopyard.evaluation.diagnosis.suite import DiagnosedRollout, SuiteDiagnosis
from loopyard.evaluation.record import RolloutRecord
from loopyard.scenarios.registry import built_in_registry

WALL, DIM = "FM-C01", "FM-A03"


def outcome(success: bool, **counts: int) -> Outcome:
    return Outcome(success, float(success), 10, 1.0, "success" if success else "timeout", counts)


def test_results_count_violations_apart_from_success():
    drives = [
        (None, outcome(True)),
        (WALL, outcome(False)),
        (WALL, outcome(True, violation_edge=2)),
        (WALL, outcome(False, violation_edge=1, boundary_contact=3)),
    ]
    found = results_by_mode(drives)
    assert found == {WALL: ModeResult(3, 1, 2), "general": ModeResult(1, 1, 0)}
    plain = found[WALL].to_dict()
    assert plain["rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert ModeResult.from_dict(plain) == found[WALL]


def test_only_what_surely_fails_occurs_more_often():
    registry = built_in_registry()
    results = {
        WALL: ModeResult(20, 0, 0),
        DIM: ModeResult(20, 20, 0),
        "FM-A01": ModeResult(0, 0, 0),
        "general": ModeResult(5, 0, 0),
    }
    after = learn(registry, results, cycle=2)
    # Wilson's lower end for 20 of 20 is 0.8389: 8 + 2 * 0.8389.
    assert after[WALL].occurrence == pytest.approx(9.68)
    assert after[DIM] == registry[DIM]
    assert after["FM-A01"] == registry["FM-A01"]
    (change,) = after.history
    assert (change.cycle, change.id, change.before, change.after) == (2, WALL, 8.0, 9.68)
    assert "20 of 20" in change.why


def test_a_mode_that_keeps_failing_climbs_the_tiers():
    registry = built_in_registry()
    ids = [mode.id for mode in registry.modes if mode.tier == 3]
    for cycle in range(1, 4):
        registry = learn(registry, {id: ModeResult(30, 0, 0) for id in ids}, cycle)
    assert any(registry[id].tier < 3 for id in ids)
    assert all(registry[id].occurrence <= 10 for id in ids)
    assert [change.cycle for change in registry.history] == sorted(
        change.cycle for change in registry.history
    )


def test_weights_follow_what_can_be_learned_and_a_little_the_priority():
    registry = built_in_registry()
    prior = sampling_weights(registry, {})
    assert prior[WALL] / prior[DIM] == pytest.approx(
        (registry[WALL].sps / registry[DIM].sps) ** 0.25
    )
    assert max(prior.values()) < 3 * min(prior.values())
    several = {id: ModeResult(18, 9, 0) for id in (DIM, "FM-A01", "FM-B02")}
    learned = sampling_weights(registry, {**several, WALL: ModeResult(18, 18, 0)})
    hopeless = sampling_weights(registry, {**several, WALL: ModeResult(18, 0, 0)})
    halfway = sampling_weights(registry, {**several, WALL: ModeResult(18, 9, 0)})
    assert learned[WALL] < 0.75 * halfway[WALL]
    assert hopeless[WALL] == pytest.approx(learned[WALL])
    assert halfway == pytest.approx(prior)  # half of everything fails, as where nothing was seen


def test_a_mode_of_few_drives_is_taken_for_one_like_all_the_others():
    registry = built_in_registry()
    others = {mode.id: ModeResult(4, 3, 0) for mode in registry.modes if mode.id != WALL}

    def weight(drives: int) -> float:
        seen = {**others, WALL: ModeResult(drives, 0, 0)} if drives else others
        found = sampling_weights(registry, seen)
        like_all = sampling_weights(registry, {**others, WALL: ModeResult(400, 300, 0)})
        return found[WALL] / like_all[WALL]

    # A quarter of all drives fails: one failure alone draws a mode towards a half, where most is
    # learned; only many say that it is hopeless.
    assert weight(0) == pytest.approx(1.0, abs=0.02)
    assert 1.0 < weight(1) < 1.3
    assert weight(200) < 0.3


def diagnosed(mode: str | None, count: int, label: str = "F6 WALL_STUCK") -> SuiteDiagnosis:
    """So many failures that begin alike."""
    scenario = Scenario(world="yard", preset="mid", params={"bricks": 4}, mode=mode)
    record = RolloutRecord(7, scenario, Outcome(False, 0.0, 10, 1.0, "timeout"))
    one = DiagnosedRollout(record, Diagnosis(None, (), 1.0))
    members = tuple(range(count))
    cluster = Cluster(members, label, {}, {}, -3.1, 2.0, 12.4, 0.0)
    return SuiteDiagnosis("learn", "p", 40, count, 0, (one,) * count, (cluster,))


def test_general_failures_that_begin_alike_are_a_mode_of_their_own():
    registry = with_found(built_in_registry(), diagnosed(None, 5), "yard", cycle=3)
    found = registry["FM-N01"]
    assert found.text == "WALL_STUCK: begins about (-3.1, 2.0) m at 12 s"
    assert found.occurrence == pytest.approx(1.25)
    assert found.worlds["yard"].params == {"bricks": 4}
    assert registry.history[-1].cycle == 3
    # Seen again it is the same one; something else is another.
    assert len(with_found(registry, diagnosed(None, 5), "yard", 4)) == 33
    other = with_found(registry, diagnosed(None, 3, "F5 UNSAFE"), "yard", 4)
    assert other["FM-N02"].severity == 9


@pytest.mark.parametrize(
    "nothing",
    [diagnosed(None, 2), diagnosed("FM-C01", 5), diagnosed(None, 5, "F1")],
    ids=["too few", "of a known mode", "no pattern in common"],
)
def test_what_is_few_or_known_or_unnamed_is_no_new_mode(nothing):
    assert with_found(built_in_registry(), nothing, "yard", 2) == built_in_registry()
