"""The corridor: one picture, two instructions, and every way a drive can end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, WorldError
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.experts.corridor import CorridorExpert
from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.instructions import ENGLISH, KOREAN, characters, instruction
from loopyard.worlds.corridor.params import corridor_params
from loopyard.worlds.corridor.scene import draw_scene, scene_digest
from loopyard.worlds.corridor.truth import CorridorTruth
from loopyard.worlds.corridor.world import CorridorWorld

SEED = 900_000
EGO = "observation.images.ego"


@pytest.fixture
def world():
    made = CorridorWorld()
    yield made
    made.close()


def scenario(**params) -> Scenario:
    return Scenario(world="corridor", params=params)


def drive(world: CorridorWorld, expert: CorridorExpert, noise: float = 0.0) -> str | None:
    """To the end; why it ended."""
    rng, over = np.random.default_rng(0), False
    while not over:
        action = expert.act(world.truth())
        over = world.step_blind(action + noise * rng.normal(size=action.shape))
    return world._body.ended


def hold(world: CorridorWorld, *action: float) -> tuple[Any, ...]:
    """Steps with one action to the end; the last step, with all events in its info."""
    events: dict[str, int] = {}
    while True:
        step = world.step(np.array(action))
        events |= step[4]["events"]
        if step[2] or step[3]:
            return *step[:4], {**step[4], "events": events}


class OtherSide(CorridorExpert):
    """The expert, told the other side."""

    def act(self, truth: CorridorTruth) -> np.ndarray:
        other = "right" if truth.side == "left" else "left"
        return super().act(replace(truth, side=other))


def test_the_picture_does_not_tell_the_side(world: CorridorWorld):
    seen = {}
    for side in ("left", "right"):
        for language in ("english", "korean"):
            told = scenario(side=side, language=language)
            observation, info = world.reset(seed=SEED, options={"scenario": told})
            seen[side, language] = observation
            assert f"_{side}_" in info["drawn"]["stratum"]
    pictures = [observation[EGO] for observation in seen.values()]
    assert all(np.array_equal(pictures[0], picture) for picture in pictures)
    tasks = {observation["task"] for observation in seen.values()}
    assert len(tasks) == 4
    assert "left" in seen["left", "english"]["task"]
    assert "오른쪽" in seen["right", "korean"]["task"]


def test_image_and_instruction_are_all_there_is_unless_the_pose_is_asked_for(world: CorridorWorld):
    assert world.reset(seed=SEED)[0]["observation.state"].shape == (0,)
    posed = CorridorWorld(state="pose")
    state = posed.reset(seed=SEED)[0]["observation.state"]
    assert state.shape == (6,)
    assert state[2] == 1.0  # it looks straight ahead
    posed.close()


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_the_expert_passes_on_either_side(world: CorridorWorld, noise: float):
    for side in ("left", "right"):
        for seed in range(SEED, SEED + 15):
            world.reset(seed=seed, options={"scenario": scenario(side=side)})
            assert drive(world, CorridorExpert(), noise) == "reached"


def test_the_wrong_side_ends_the_drive(world: CorridorWorld):
    for seed in range(SEED, SEED + 5):
        world.reset(seed=seed)
        assert drive(world, OtherSide()) == "wrong_side"
        assert world.outcome_reason == "wrong_side"


def test_driving_straight_ahead_hits_a_box_that_stands_there(world: CorridorWorld):
    told = scenario(orientation="horizontal", layout="core")
    world.reset(seed=SEED, options={"scenario": told})
    _, reward, _, _, info = hold(world, 0.6, 0.0)
    assert world.outcome_reason == "hit_box"
    assert info["events"] == {"box_contact": 1}
    assert not info["success"]
    assert 0 < info["progress"] < 1
    assert reward == 0.0


def test_standing_still_times_out(world: CorridorWorld):
    world.reset(seed=SEED)
    _, _, terminated, truncated, info = hold(world, 0.0, 0.0)
    assert truncated
    assert not terminated
    assert info["progress"] == 0.0


def test_the_base_cannot_drive_backward(world: CorridorWorld):
    world.reset(seed=SEED)
    before = world.truth().x_m
    world.step_blind(np.array([-1.0, 0.0]))
    assert world.truth().x_m == before


def test_a_cup_that_lies_behind_is_missed(world: CorridorWorld):
    world.reset(seed=SEED)
    body, truth = world._body, world.truth()
    body.data.qpos[:2] = truth.cup[0] + g.PAST_CUP_M - 0.02, truth.cup[1] + 0.6
    body.data.qvel[0] = 1.0
    world.step_blind(np.array([1.0, 0.0]))
    assert body.ended == "missed_cup"


@pytest.mark.parametrize(
    ("params", "stratum"),
    [
        (
            dict(boxes=1, orientation="vertical", side="left", layout="core", distance="far"),
            "1box_vert_left_core_far",
        ),
        (
            dict(boxes=2, orientation="horizontal", side="right", layout="variant"),
            "2box_hori_right_variant_medium_evening",
        ),
    ],
)
def test_a_stratum_is_named_as_its_episodes_were(params: dict, stratum: str):
    more = {"light": "day"} if "distance" in params else {"distance": "medium", "light": "evening"}
    given = corridor_params("starter", {**params, **more})
    scene = draw_scene(given, "any", 5)
    assert scene.stratum == stratum
    assert len(scene.boxes) == params["boxes"]


def test_evening_is_darker(world: CorridorWorld):
    levels = {}
    for light in ("day", "evening"):
        told = scenario(light=light)
        levels[light] = world.reset(seed=SEED, options={"scenario": told})[0][EGO].mean()
    assert levels["evening"] < 0.6 * levels["day"]


def test_randomisation_leaves_everything_where_it_stood(world: CorridorWorld):
    plain = scenario()
    drawn = plain.model_copy(update={"randomise": Randomisation()})
    assert scene_digest(plain) == scene_digest(drawn)
    first = world.reset(seed=SEED, options={"scenario": plain})[0]
    boxes = world.truth().boxes
    other, info = world.reset(seed=SEED, options={"scenario": drawn})
    assert np.array_equal(world.truth().boxes, boxes)
    assert not np.array_equal(first[EGO], other[EGO])
    assert {"ambient", "speed_gain", "stratum"} <= set(info["drawn"])
    again = world.reset(seed=SEED, options={"scenario": plain})[0]
    assert np.array_equal(first[EGO], again[EGO])


def test_every_wording_names_its_side_and_its_boxes():
    for index, _ in enumerate(ENGLISH):
        one, two = (instruction("left", "english", index, boxes) for boxes in (1, 2))
        assert "left" in one
        assert "box" in one
        assert "boxes" not in one
        assert "boxes" in two
    assert len({instruction("right", "korean", index, 1) for index in range(len(KOREAN))}) == 3
    assert set("왼쪽상자cup") <= set(characters())


def test_what_does_not_fit_is_named(world: CorridorWorld):
    with pytest.raises(ConfigError, match="side"):
        CorridorWorld(side="up")
    with pytest.raises(ConfigError, match="known parameters"):
        CorridorWorld(bricks=3)
    with pytest.raises(WorldError, match="before reset"):
        CorridorWorld().step(np.zeros(2))
    world.reset(seed=SEED)
    with pytest.raises(WorldError, match="2 finite numbers"):
        world.step(np.zeros(3))
    with pytest.raises(WorldError, match="state"):
        world.reset(options={"scenario": scenario(state="pose")})


def test_turned_away_the_expert_comes_back():
    world = CorridorWorld(turning=True)
    world.reset(seed=SEED)
    world._body.data.qpos[2] = 0.4
    assert drive(world, CorridorExpert()) == "reached"
    assert abs(world.truth().yaw_rad) < 0.05
    world.close()
