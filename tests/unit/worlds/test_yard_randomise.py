"""Domain randomisation of the yard: what is drawn, what it changes, and what it leaves alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scene_prints import fingerprint

from loopyard.core.errors import ConfigError
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.randomise import FLOORS, yard_table
from loopyard.worlds.yard.scene import CORNERS

SMALL = {"image_width": 48, "image_height": 48}
SEEDS = [900_000, 3, 12, 3, 7]


def scenario(randomise: Randomisation | None = None, **params: Any) -> Scenario:
    return Scenario(world="yard", preset="mid", params=params, randomise=randomise)


def full(**settings: Any) -> Randomisation:
    return Randomisation(**settings)


def reset(world, seed: int, randomise: Randomisation | None, **params: Any):
    return world.reset(seed=seed, options={"scenario": scenario(randomise, **params)})


def course(world, ticks: int = 6) -> list[Any]:
    """What a short drive gives."""
    actions = np.random.default_rng(4).uniform(-1, 1, (ticks, 4))
    steps = [world.step(action) for action in actions]
    return [*(step[0]["observation.state"].tobytes() for step in steps), fingerprint(world.truth())]


def without_params(truth) -> dict[str, Any]:
    fields = {field.name: getattr(truth, field.name) for field in dataclasses.fields(truth)}
    del fields["params"]
    return fields


@pytest.mark.gl
def test_no_width_is_no_randomisation_to_the_bit(make_yard):
    plain, drawn = make_yard("mid", **SMALL), make_yard("mid", **SMALL)
    for seed in (900_000, 5):
        # What was drawn before must leave nothing behind.
        reset(drawn, seed, full(groups=("visual", "physical")), **SMALL)
        one, info = reset(plain, seed, None, **SMALL)
        other, same = reset(drawn, seed, full(width=0.0), **SMALL)
        assert info["drawn"] == same["drawn"] == {}
        for _ in range(8):
            assert fingerprint(one, without_params(plain.truth())) == fingerprint(
                other, without_params(drawn.truth())
            )
            one, *_ = plain.step(np.array([0.3, 1.0, 0.1, 0.2]))
            other, *_ = drawn.step(np.array([0.3, 1.0, 0.1, 0.2]))


@pytest.mark.gl
def test_a_scene_does_not_depend_on_those_before(make_yard):
    prints: dict[int, str] = {}
    for order in (SEEDS, SEEDS[::-1]):
        world = make_yard("mid", **SMALL)
        for seed in order:
            obs, info = reset(world, seed, full(), **SMALL)
            seen = [fingerprint(obs, world.truth()), repr(info["drawn"])]
            for _ in range(2):
                obs, *_ = world.step(np.array([0.5, 1.0, 0.0, 0.3]))
                seen.append(fingerprint(obs, world.truth()))
            assert prints.setdefault(seed, repr(seen)) == repr(seen)
    assert len(set(prints.values())) == len(set(SEEDS))


@pytest.mark.parametrize("group", ["visual", "physical", "scene"])
def test_a_group_alone_changes_what_is_its_own(make_yard, blind, group):
    world = blind(make_yard("mid"))
    _, every = reset(world, 900_001, full())
    _, alone = reset(world, 900_001, full(groups=(group,)))
    names = {part.name for part in yard_table(yard_params("mid")) if part.group == group}
    assert set(alone["drawn"]) == names
    assert alone["drawn"] == {name: every["drawn"][name] for name in names}


def test_what_is_seen_leaves_the_physics_alone(make_yard, blind):
    world = blind(make_yard("mid"))
    reset(world, 900_001, None)
    plain = without_params(world.truth())
    moved = course(world)
    reset(world, 900_001, full(groups=("visual",), widths={"fov_deg": 0.0}))
    assert fingerprint(without_params(world.truth())) == fingerprint(plain)
    assert course(world)[:-1] == moved[:-1]


@pytest.mark.parametrize(
    "name",
    ["floor_friction", "brick_mass", "motor_delay_ms", "damping", "floor_tilt_deg"],
)
def test_each_physical_value_changes_the_drive(make_yard, blind, name):
    world = blind(make_yard("mid"))
    reset(world, 900_001, None)
    model = world._body.model
    assert model.opt.gravity[0] == 0.0
    mass = model.body_mass[model.body("brick_0").id]
    moved = course(world, ticks=15)
    reset(world, 900_001, full(groups=("physical",), width=0.0, widths={name: 1.0}))
    if name == "brick_mass":  # nothing touches a brick in so short a drive
        model = world._body.model
        assert model.body_mass[model.body("brick_0").id] != mass
    else:
        assert course(world, ticks=15) != moved


VISUAL = (
    "brick_colour", "floor", "ambient", "light_azimuth_deg", "light_elevation_deg",
    "shadow_softness", "fov_deg", "camera_m", "image_noise",
)  # fmt: skip


@pytest.mark.gl
def test_each_visual_value_changes_the_picture(make_yard):
    world, key = make_yard("mid", **SMALL), "observation.images.ego"
    seeds = range(900_000, 900_006)  # a brick in view, or a floor that is not wood, in some of them
    plain = {seed: reset(world, seed, None, **SMALL)[0] for seed in seeds}
    for name in VISUAL:
        alone, changed = full(width=0.0, widths={name: 1.0}), 0
        for seed in seeds:
            obs, info = reset(world, seed, alone, **SMALL)
            assert set(info["drawn"]) == {name}
            assert obs["observation.state"].tobytes() == plain[seed]["observation.state"].tobytes()
            changed += bool((obs[key] != plain[seed][key]).any())
        assert changed >= (2 if name in ("brick_colour", "floor") else 6), name


def test_the_box_stands_in_every_corner_and_is_filled_there(make_yard, blind):
    world = blind(make_yard("mid"))
    corners = {}
    for seed in range(900_000, 900_012):
        _, info = reset(world, seed, full(groups=("scene",)))
        corners.setdefault(info["drawn"]["box_corner"], seed)
    assert set(corners) == set(CORNERS)
    for corner, seed in corners.items():
        reset(world, seed, full(groups=("scene",)))
        box_m = world.truth().box_m
        assert np.sign(box_m).tolist() == list(CORNERS[corner])
        assert not world.truth().box_known
        body = world._body
        at = body._brick_q[0]
        body.data.qpos[at : at + 3] = (*box_m, 0.1)
        world.step_blind(np.zeros(4))
        assert world.truth().delivered[0], corner


def test_absent_bricks_are_nowhere_to_be_found(make_yard, blind):
    world = blind(make_yard("mid"))
    counts = set()
    for seed in range(900_000, 900_012):
        _, info = reset(world, seed, full(groups=("scene",)))
        truth, count = world.truth(), info["drawn"]["bricks"]
        counts.add(count)
        for values in (truth.bricks, truth.held, truth.delivered, truth.required, truth.fits):
            assert len(values) == count
        model = world._body.model
        drawn = [model.geom_rgba[model.geom(f"brick_{index}").id, 3] for index in range(4)]
        assert drawn == [1.0] * count + [0.0] * (4 - count)
        assert world._state()[-1] == 1.0  # all of them lie on the floor
    assert counts == {2, 3, 4}


def test_the_expert_clears_yards_with_few_and_many_bricks(make_yard, blind):
    world, expert = blind(make_yard("mid")), YardExpert()
    for seed in (900_000, 900_002):
        _, info = reset(world, seed, full())
        ended = False
        while not ended:
            _, _, done, late, info = world.step(expert.act(world.truth()))
            ended = done or late
        assert info["success"], seed


@pytest.mark.gl
def test_restore_goes_on_to_the_bit(make_yard):
    world, expert = make_yard("mid", **SMALL), YardExpert()
    reset(world, 900_002, full(), **SMALL)
    for _ in range(40):
        world.step(expert.act(world.truth()))
    kept = world.snapshot()

    def seen() -> list[str]:
        actions = np.random.default_rng(1).uniform(-1, 1, (12, 4))
        return [fingerprint(world.step(action)[0], world.truth()) for action in actions]

    first = seen()
    world.restore(kept)
    assert seen() == first


def test_what_a_mode_is_about_is_not_drawn_away():
    def names(**params: Any) -> set[str]:
        return {part.name for part in yard_table(yard_params("mid", params))}

    every = names()
    assert "ambient" in every
    assert every - names(light="dim") >= {"ambient", "light_azimuth_deg", "shadow_softness"}
    assert every - names(floor_friction=0.15) == {"floor_friction"}
    assert every - names(brick_colours="floor") == {"brick_colour", "floor"}
    assert every - names(mover="pet") == set()


def test_a_width_for_what_the_mode_settles_is_no_mistake(make_yard, blind):
    world = blind(make_yard("mid"))
    widths = {"ambient": 1.0, "damping": 0.5}
    _, plain = reset(world, 3, full(width=0.0, widths=widths))
    assert set(plain["drawn"]) == {"ambient", "damping"}
    _, dim = reset(world, 3, full(width=0.0, widths=widths), light="dim")
    assert set(dim["drawn"]) == {"damping"}


MODES = [
    {"light": "dim"}, {"floor_friction": 0.2, "reflective": True}, {"mover": "child"},
    {"bricks_moved_at_s": 1.0}, {"door_opens_at_s": 1.0, "bricks_behind_door": 2},
    {"ghost_ticks": 3}, {"noise_image": 0.02}, {"terrain": "slope"}, {"hazard": "hole"},
    {"layout": "trap"}, {"brick_sizes": "mixed_large"}, {"stuck_bricks": 1}, {"fragile": 1},
    {"distractors": 7}, {"brick_places": "hidden"}, {"loader_start": "farthest"},
]  # fmt: skip


@pytest.mark.parametrize("params", MODES, ids=lambda params: "-".join(map(str, params)))
def test_it_works_with_modes_too(make_yard, blind, params):
    world = blind(make_yard("mid"))
    expert = YardExpert()
    for seed in (900_000, 900_001):
        _, info = reset(world, seed, full(), **params)
        assert info["drawn"]["damping"] != 0.5
        for _ in range(12):
            world.step(expert.act(world.truth()))


def test_more_bricks_than_fit_are_refused_by_name(make_yard, blind):
    world = blind(make_yard("mid"))
    with pytest.raises(ConfigError, match=r"bricks: found|60 bricks and"):
        reset(world, 1, full(ranges={"bricks": (50.0, 60.0)}))
    with pytest.raises(ConfigError, match="randomise: widths: found 'gravity'"):
        reset(world, 1, full(widths={"gravity": 0.5}))


def test_ranges_are_the_predecessors():
    table = {part.name: part for part in yard_table(yard_params("full"))}
    ranges = {name: (part.low, part.high) for name, part in table.items() if not part.choices}
    assert ranges == {
        "brick_colour": (0.7, 1.3),
        "ambient": (0.3, 1.2),
        "light_azimuth_deg": (0.0, 360.0),
        "light_elevation_deg": (20.0, 70.0),
        "shadow_softness": (0.0, 1.0),
        "fov_deg": (-5.0, 5.0),
        "camera_m": (-0.03, 0.03),
        "image_noise": (0.0, 0.02),
        "floor_friction": (0.2, 0.8),
        "bucket_friction": (0.3, 0.9),
        "brick_mass": (0.8, 1.2),
        "motor_delay_ms": (0.0, 30.0),
        "damping": (0.3, 0.7),
        "floor_tilt_deg": (-1.0, 1.0),
        "floor_tilt_to_deg": (0.0, 180.0),
        "bricks": (7, 13),
        "distractors": (0, 5),
    }
    assert set(table["floor"].choices) == set(FLOORS)
    assert len(table["box_corner"].choices) == 4
