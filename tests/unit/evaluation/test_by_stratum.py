"""Success by stratum: every part by itself, with its interval."""

from __future__ import annotations

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.by_stratum import StratumResult, results_by_stratum
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.rollout import rollout
from loopyard.evaluation.statistics import wilson
from loopyard.evaluation.worker import make_scenario_world
from loopyard.policies.baselines import ZeroPolicy


def record(*, success: bool, **strata: str) -> RolloutRecord:
    outcome = Outcome(success, 0.5, 10, 1.0, "success" if success else "timeout")
    drawn = {"strata": strata} if strata else {}
    return RolloutRecord(900_000, Scenario(world="corridor"), outcome, drawn=drawn)


def test_each_part_is_counted_by_itself():
    drives = [
        record(success=True, side="left", light="day"),
        record(success=False, side="right", light="day"),
        record(success=True, side="left", light="evening"),
        record(success=True),  # of a world that tells none
    ]
    found = results_by_stratum(drives)
    assert list(found) == ["side", "light"]
    assert found["side"] == {
        "left": StratumResult(2, 2, wilson(2, 2)),
        "right": StratumResult(0, 1, wilson(0, 1)),
    }
    assert found["light"]["day"][:2] == (1, 2)
    assert found["light"]["day"].to_dict()["rate"] == 0.5
    assert results_by_stratum(drives[-1:]) == {}


def test_a_record_of_the_corridor_tells_the_strata_of_its_scene():
    told = Scenario(world="corridor", params={"side": "right", "boxes": 1, "time_limit_s": 0.2})
    world = make_scenario_world(told)
    driven = rollout(world, ZeroPolicy(2), told, 900_000)
    world.close()
    assert RolloutRecord.from_dict(driven.to_dict()) == driven
    found = results_by_stratum([driven])
    assert list(found) == [
        "boxes",
        "orientation",
        "side",
        "layout",
        "distance",
        "light",
        "language",
    ]
    assert found["side"] == {"right": StratumResult.of(0, 1)}
    assert found["boxes"] == {"1": StratumResult.of(0, 1)}
