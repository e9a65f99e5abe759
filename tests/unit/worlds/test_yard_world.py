"""The yard as a Gymnasium environment: spaces, cameras, states, errors."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from loopyard.core.errors import ConfigError, GraphicsError, WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import WorldSpec
from loopyard.worlds.registry import make_world

CAMERAS = ("ego", "birds_eye", "follow", "side", "front")


@pytest.mark.gl
@pytest.mark.parametrize(
    "params", [{}, {"state": "predecessor", "bricks": 3, "cameras": ("ego", "side")}]
)
def test_gymnasium_finds_nothing_to_complain_about(params):
    spec = EnvSpec(
        "loopyard/Yard-v0", entry_point="loopyard.worlds.yard.world:YardWorld", kwargs=params
    )
    world = gymnasium.make(spec).unwrapped
    check_env(world)  # its warnings are errors, as everywhere in these tests
    world.close()


@pytest.mark.gl
def test_observations_are_in_their_space(make_yard):
    world = make_yard(bricks=2, furniture=1, cameras=CAMERAS, image_width=40, image_height=30)
    obs, _ = world.reset(seed=3)
    assert world.observation_space.contains(obs)
    for _ in range(20):
        obs, *_ = world.step(world.action_space.sample())
        assert world.observation_space.contains(obs)


@pytest.mark.gl
def test_every_camera_has_a_pretty_picture(make_yard):
    world = make_yard()
    world.reset(seed=1)
    pictures = [world.camera_image(name, 64, 48) for name in CAMERAS]
    for picture in pictures:
        assert (picture.shape, picture.dtype) == ((48, 64, 3), np.uint8)
        assert picture.std() > 5  # something is to be seen
    assert len({picture.tobytes() for picture in pictures}) == len(CAMERAS)


@pytest.mark.gl
@pytest.mark.parametrize("size", [(16, 16), (641, 33), (17, 480), (1920, 1080)])
def test_every_camera_is_observed_at_any_size(make_yard, size):
    world = make_yard(cameras=CAMERAS, image_width=size[0], image_height=size[1])
    obs, _ = world.reset(seed=1)
    for name in CAMERAS:
        picture = obs[f"observation.images.{name}"]
        assert picture.shape == (size[1], size[0], 3)
        assert picture.std() > 5


@pytest.mark.gl
def test_a_pretty_picture_may_be_larger_than_the_observation(make_yard):
    world = make_yard()
    world.reset(seed=1)
    assert world.camera_image("side", 1280, 960).shape == (960, 1280, 3)


@pytest.mark.gl
def test_a_picture_is_not_the_last_one_drawn_again(make_yard):
    world = make_yard()
    first, _ = world.reset(seed=1)
    kept = first["observation.images.ego"].copy()
    second, *_ = world.step(np.array([1.0, 0.0, 0.0, 0.0]))
    assert first["observation.images.ego"].tobytes() == kept.tobytes()
    assert second["observation.images.ego"].tobytes() != kept.tobytes()


@pytest.mark.gl
def test_render_is_the_pretty_birds_eye_view(make_yard):
    world = make_yard()
    world.reset(seed=1)
    assert world.render().shape == (480, 640, 3)
    assert world.render().tobytes() == world.camera_image("birds_eye", 640, 480).tobytes()


def test_full_state_has_its_ten_numbers(make_yard, blind):
    world = blind(make_yard(bricks=3))
    obs, _ = world.reset(seed=5)
    truth, state = world.truth(), obs["observation.state"]
    named = dict(zip(world.world_spec.state.names, state, strict=True))
    assert list(named) == [
        "x", "y", "cos_yaw", "sin_yaw", "lift", "bucket", "lift_target", "bucket_target", "load",
        "bricks_on_floor",
    ]  # fmt: skip
    assert named["x"] * world.params.half_m == pytest.approx(truth.x_m)
    assert math.atan2(named["sin_yaw"], named["cos_yaw"]) == pytest.approx(truth.yaw_rad)
    assert named["load"] == 0
    assert named["bricks_on_floor"] == 1


def test_predecessor_state_has_its_four_numbers(make_yard, blind):
    world = blind(make_yard(state="predecessor", bricks=3))
    obs, _ = world.reset(seed=5)
    truth = world.truth()
    assert world.world_spec.state.names == ["x", "y", "yaw", "bricks_left"]
    wanted = [truth.x_m / world.params.half_m, truth.y_m / world.params.half_m]
    wanted += [truth.yaw_rad / math.pi, 1.0]
    assert obs["observation.state"] == pytest.approx(wanted)


def test_presets_are_those_of_the_brief(make_yard):
    starter, full = make_yard("starter"), make_yard("full")
    assert (starter.params.room_m, starter.params.bricks, starter.max_steps) == (6.0, 1, 250)
    assert (starter.world_spec.fps, starter.world_spec.cameras[0].width) == (10, 96)
    assert (full.params.half_m, full.params.bricks, full.max_steps) == (7.5, 10, 3600)
    assert full.world_spec.fps == 30
    assert (full.world_spec.cameras[0].width, full.world_spec.cameras[0].height) == (640, 480)
    assert full.metadata["render_fps"] == 30


def test_spec_survives_json(make_yard):
    spec = make_yard("full").world_spec
    assert WorldSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("preset", "params", "message"),
    [
        ("stater", {}, "preset: found 'stater', expected one of"),
        ("starter", {"brickz": 3}, "brickz: found 3.*known parameters: room_m"),
        ("starter", {"bricks": 0}, "bricks: found 0"),
        ("starter", {"bricks": "many"}, "bricks: found 'many'"),
        ("starter", {"bricks": 50}, "50 bricks and 0 pieces of furniture do not fit"),
        ("starter", {"cameras": ()}, "cameras: found ()"),
        ("starter", {"cameras": ("ego", "ego")}, "distinct names"),
        ("starter", {"cameras": ("rear",)}, "cameras.0: found 'rear'"),
        ("starter", {"image_width": 4}, "image_width: found 4"),
        ("starter", {"state": "none"}, "state: found 'none'"),
    ],
)
def test_wrong_settings_name_the_field(preset, params, message):
    with pytest.raises(ConfigError, match=message.replace("()", r"\(\)")):
        make_world("yard", preset=preset, **params)


def test_a_step_needs_a_reset_first(make_yard):
    with pytest.raises(WorldError, match="step: called before reset"):
        make_yard().step(np.zeros(4))


@pytest.mark.parametrize("action", [np.zeros(3), np.array([0, 0, math.nan, 0]), np.zeros((1, 4))])
def test_a_malformed_action_is_refused(make_yard, blind, action):
    world = blind(make_yard())
    world.reset(seed=1)
    with pytest.raises(WorldError, match="expected 4 finite numbers"):
        world.step(action)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario(world="mine:World"), "found one of world 'mine:World'"),
        (Scenario(world="yard", params={"cameras": ["side"]}), "cameras: found"),
        (Scenario(world="yard", params={"state": "predecessor"}), "state: found"),
        (Scenario(world="yard", params={"fps": 20}), "fps: found 20, expected 10"),
        (Scenario(world="yard", params={"max_speed_mps": 2.0}), "action: found"),
    ],
)
def test_a_scenario_must_fit_the_world(make_yard, scenario, message):
    with pytest.raises(WorldError, match=message):
        make_yard().reset(seed=1, options={"scenario": scenario})


def test_a_scenario_may_change_what_the_policy_does_not_measure_by(make_yard, blind):
    world = blind(make_yard())
    scenario = Scenario(world="yard", params={"furniture": 1, "time_limit_s": 5.0})
    world.reset(seed=1, options={"scenario": scenario})
    assert len(world.truth().furniture) == 1
    assert world.max_steps == 50
    world.reset(seed=1)
    assert len(world.truth().furniture) == 0
    assert world.max_steps == 250


def test_an_episode_ends_at_its_time_limit(make_yard, blind):
    world = blind(make_yard(time_limit_s=1.0))
    world.reset(seed=1)
    ends = [world.step(np.zeros(4))[2:4] for _ in range(10)]
    assert ends == [(False, False)] * 9 + [(False, True)]


def test_no_gl_is_told_in_words(make_yard, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("no EGL")

    monkeypatch.setattr("loopyard.worlds.rendering.mujoco.Renderer", broken)
    with pytest.raises(GraphicsError, match=r"no EGL.*apt-get install libegl1"):
        make_yard().reset(seed=1)
