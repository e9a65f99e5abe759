"""A scene is a pure function of (scenario, seed)."""

from __future__ import annotations

import numpy as np
import pytest
import scene_prints

from loopyard.executors.local import LocalExecutor
from loopyard.worlds.yard import placing
from loopyard.worlds.yard import scene as s
from loopyard.worlds.yard.params import yard_params

SEEDS = [900_000, 3, 12, 3, 7]


@pytest.fixture(scope="module")
def prints() -> dict[int, str]:
    """Of every seed, from a world that never saw another scene."""
    return dict(scene_prints.make_printer()(seed) for seed in set(SEEDS))


@pytest.mark.gl
def test_scenes_differ(prints):
    assert len(set(prints.values())) == len(set(SEEDS))


@pytest.mark.gl
@pytest.mark.parametrize("order", [SEEDS, SEEDS[::-1], sorted(SEEDS)])
def test_a_scene_does_not_depend_on_those_before(prints, order):
    print_of = scene_prints.make_printer()
    assert [print_of(seed) for seed in order] == [(seed, prints[seed]) for seed in order]


@pytest.mark.gl
@pytest.mark.parametrize("workers", [1, 2])
def test_a_scene_does_not_depend_on_the_process(prints, workers):
    found = LocalExecutor(workers).map(scene_prints.make_printer, SEEDS)
    assert sorted(found) == sorted((seed, prints[seed]) for seed in SEEDS)


@pytest.mark.gl
def test_a_scene_does_not_depend_on_what_was_driven_before(make_yard):
    driven, fresh = (make_yard(**scene_prints.PARAMS) for _ in range(2))
    driven.reset(seed=1)
    for action in np.random.default_rng(0).uniform(-1, 1, (60, 4)):
        driven.step_blind(action)
    one, other = driven.reset(seed=12)[0], fresh.reset(seed=12)[0]
    assert scene_prints.fingerprint(one, driven.truth()) == scene_prints.fingerprint(
        other, fresh.truth()
    )


def test_a_scenario_has_scenes_of_its_own():
    params = yard_params("starter")
    one, other = (s.draw_scene(params, digest, 5) for digest in ("aa", "bb"))
    assert not np.array_equal(one.bricks, other.bricks)


@pytest.mark.parametrize("preset", ["starter", "full"])
def test_scenes_keep_their_distances(preset):
    params = yard_params(preset)
    for seed in range(40):
        scene = s.draw_scene(params, "digest", seed)
        places = scene.bricks[:, :2]
        assert np.abs(places).max() <= params.half_m - placing.BRICK_TO_KERB_M
        from_box = np.maximum(np.abs(places - params.box_centre_m) - params.box_side_m / 2, 0)
        assert np.linalg.norm(from_box, axis=1).min() >= placing.BRICK_TO_BOX_M
        from_loader = np.linalg.norm(places - scene.loader[:2], axis=1)
        assert from_loader.min() >= placing.LOADER_TO_BRICK_M
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        assert apart[~np.eye(len(places), dtype=bool)].min(initial=9.0) >= placing.BRICK_TO_BRICK_M


def test_fifty_bricks_find_room_in_the_full_yard():
    scene = s.draw_scene(yard_params("full", {"bricks": 50}), "digest", 1)
    apart = np.linalg.norm(scene.bricks[:, None, :2] - scene.bricks[None, :, :2], axis=2)
    assert apart[~np.eye(50, dtype=bool)].min() >= placing.BRICK_TO_BRICK_M
