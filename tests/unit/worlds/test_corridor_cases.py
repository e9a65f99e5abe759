"""What the corridor offers to prove a policy on: the other instruction, and four steps."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.scenario import Scenario
from loopyard.experts.corridor import CorridorExpert
from loopyard.worlds.corridor.cases import STRATA_OF
from loopyard.worlds.corridor.params import CorridorParams
from loopyard.worlds.corridor.world import CorridorWorld

EGO = "observation.images.ego"
SEEDS = range(900_000, 900_006)


@pytest.fixture
def world():
    made = CorridorWorld()
    yield made
    made.close()


def test_the_swapped_scene_looks_the_same_and_names_the_other_side(world: CorridorWorld):
    base = Scenario(world="corridor")
    for seed in SEEDS:
        seen, told = world.reset(seed=seed, options={"scenario": base})
        other = world.swapped(base, seed)
        swapped, told_other = world.reset(seed=seed, options={"scenario": other})
        assert np.array_equal(seen[EGO], swapped[EGO])
        sides = {told["drawn"]["strata"]["side"], told_other["drawn"]["strata"]["side"]}
        assert sides == {"left", "right"}
        assert world.swapped(other, seed).params["side"] == told["drawn"]["strata"]["side"]


def test_there_are_four_steps_and_the_expert_passes_them_all(world: CorridorWorld):
    base = Scenario(world="corridor", params={"language": "korean"})
    cases = world.validation_cases(base)
    steps = ["like training", "slightly different", "new", "edge case"]
    assert list(dict.fromkeys(case.step for case in cases)) == steps
    assert cases[0].scenario == base
    assert len({case.scenario.digest for case in cases}) == len(cases)
    assert set(STRATA_OF) == set(CorridorParams.model_fields["case"].annotation.__args__)  # type: ignore[union-attr]
    expert = CorridorExpert()
    for case in cases:
        for seed in SEEDS:
            world.reset(seed=seed, options={"scenario": case.scenario})
            assert world.truth().params.language == "korean"
            while not world.step_blind(expert.act(world.truth())):
                pass
            assert world.outcome_reason is None
            assert world._body.succeeded


def test_a_sudden_stop_begins_at_speed_before_a_box(world: CorridorWorld):
    stop = world.validation_cases(Scenario(world="corridor"))[3].scenario
    world.reset(seed=SEEDS[0], options={"scenario": stop})
    truth = world.truth()
    assert truth.vx_mps == pytest.approx(0.8 * 1.15)
    first = truth.boxes[0]
    assert 0.45 < first[0] - first[3] - truth.x_m < 0.7
