"""Difficult layouts: every rule of where things stand holds, and what has no place is named."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.errors import WorldError
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import placing
from loopyard.worlds.yard.features import hidden, layouts
from loopyard.worlds.yard.features.catalogue import features_of
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.scene import Scene, draw_scene

SEEDS = range(40)


def scenes(preset: str = "mid", **overrides):
    """(params, the scenes of SEEDS)."""
    params = yard_params(preset, overrides)
    features = features_of(params)
    return params, [draw_scene(params, "digest", seed, features) for seed in SEEDS]


def in_frame_of(row: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 2) yard-frame points in the frame of a solid."""
    cos, sin = np.cos(row[2]), np.sin(row[2])
    return (points - row[:2]) @ np.array([[cos, -sin], [sin, cos]])


def outside_m(scene: Scene, points: np.ndarray) -> np.ndarray:
    """(N,) Chebyshev distance of points from the nearest solid; negative inside."""
    return np.min(
        [(np.abs(in_frame_of(row, points)) - row[3:5]).max(axis=1) for row in scene.solids],
        axis=0,
    )


def crosses(scene: Scene, row: np.ndarray, start: np.ndarray, end: np.ndarray) -> bool:
    """Does the straight way between two places lead through a solid?"""
    way = in_frame_of(row, start + np.linspace(0, 1, 200)[:, None] * (end - start))
    return bool((np.abs(way) < row[3:5]).all(axis=1).any())


@pytest.mark.parametrize("layout", ["gap", "zigzag", "trap", "blocked"])
def test_nothing_stands_in_anything(layout):
    params, drawn = scenes(layout=layout)
    for scene in drawn:
        assert len(scene.solids) == params.furniture + sum(
            feature.solids() for feature in features_of(params)
        )
        assert outside_m(scene, scene.bricks[:, :2]).min() > 0.15
        assert outside_m(scene, scene.loader[None, :2]).min() > 0.4
        assert np.abs(scene.bricks[:, :2]).max() <= params.half_m - 0.3
        apart = np.linalg.norm(scene.bricks[:, None, :2] - scene.loader[:2], axis=2)
        assert apart.min() >= placing.LOADER_TO_BRICK_M - 0.05


@pytest.mark.parametrize("widths", [0.8, 1.0, 1.2])
def test_the_gap_is_as_wide_as_said_with_a_brick_behind_it(widths):
    _, drawn = scenes(layout="gap", gap_widths=widths)
    for scene in drawn:
        one, other = scene.solids[-2:]
        between_m = np.linalg.norm(one[:2] - other[:2]) - one[4] - other[4]
        assert between_m == pytest.approx(widths * g.LOADER_WIDTH_M)
        middle = (one[:2] + other[:2]) / 2
        to_brick, to_loader = scene.bricks[0, :2] - middle, scene.loader[:2] - middle
        cosine = to_brick @ to_loader / np.linalg.norm(to_brick) / np.linalg.norm(to_loader)
        assert cosine == pytest.approx(-1.0)
        ahead = np.array([np.cos(scene.loader[2]), np.sin(scene.loader[2])])
        assert ahead @ to_brick > 1.0  # it looks at the gap and the brick


def test_an_obstacle_blocks_the_straight_way():
    _, drawn = scenes(layout="blocked")
    for scene in drawn:
        obstacle = scene.solids[-1]
        assert sorted(obstacle[3:]) == pytest.approx([0.15, 0.2, 0.25])
        assert crosses(scene, obstacle, scene.loader[:2], scene.bricks[0, :2])


@pytest.mark.parametrize(("bricks", "inside"), [(3, 1), (4, 2)])
def test_bricks_lie_in_a_trap_that_is_open_to_one_side(bricks, inside):
    _, drawn = scenes(layout="trap", bricks=bricks)
    for scene in drawn:
        back, left, right = scene.solids[-3:]
        local = in_frame_of(back, scene.bricks[:, :2])
        within = (local[:, 0] > 0) & (local[:, 0] < 2 * left[3]) & (abs(local[:, 1]) < 0.85)
        assert within.sum() == inside
        arms = in_frame_of(back, np.stack([left[:2], right[:2]]))
        assert abs(arms[0, 1] - arms[1, 1]) - 2 * left[4] >= 2 * g.LOADER_WIDTH_M
        out = in_frame_of(back, scene.solids[:-3, :2])
        assert (np.linalg.norm(out - (2.0, 0.0), axis=1) > 0.6).all()  # the way out is free


def test_the_zigzag_crosses_the_way_home_by_turns():
    _, drawn = scenes(layout="zigzag")
    for scene in drawn:
        walls = scene.solids[-3:]
        assert len(walls) == 3
        aside = (walls[:, 1] - walls[:, 0]) / np.sqrt(2)
        assert max(aside[0] * aside[1], aside[1] * aside[2]) < 0
        for wall in walls:
            assert crosses(scene, wall, scene.box, -scene.box)


@pytest.mark.parametrize("layout", ["gap", "trap", "blocked"])
def test_a_layout_without_room_is_named(layout):
    params = yard_params("starter", {"room_m": 4.0, "layout": layout})
    with pytest.raises(WorldError, match=f"layout {layout}.*room"):
        draw_scene(params, "digest", 1, features_of(params))


def test_a_zigzag_without_room_is_named():
    params = yard_params("starter", {"room_m": 4.5, "layout": "zigzag"})
    with pytest.raises(WorldError, match="layout zigzag"):
        draw_scene(params, "digest", 1, features_of(params))


def test_hidden_bricks_are_hidden_in_part_and_free_behind():
    params, drawn = scenes(brick_places="hidden")
    shares = []
    for scene in drawn:
        for brick, board in zip(scene.bricks[:2], scene.solids[-2:], strict=True):
            shares.append(hidden.hidden_share(scene.loader[:2], brick, board))
            away = brick[:2] - scene.loader[:2]
            behind = brick[:2] + away / np.linalg.norm(away) * 1.2
            assert np.abs(behind).max() < params.half_m - 0.4
            assert outside_m(scene, behind[None])[0] > 0.4
    assert min(shares) >= 0.3
    assert max(shares) <= 0.7
    assert max(shares) - min(shares) > 0.2


def test_what_stands_before_a_brick_hides_it():
    brick = np.array([2.0, 0.0, 0.3])
    wall = np.array([1.6, 0.0, 0.0, 0.01, 1.0, 0.4])
    eye = np.zeros(2)
    assert hidden.hidden_share(eye, brick, wall) == pytest.approx(1.0)

    def share_at(x_m: float, y_m: float) -> float:
        return hidden.hidden_share(eye, np.array([2.0, 0, 0]), np.array([x_m, y_m, *wall[2:]]))

    assert share_at(1.6, 1.5) == 0.0
    assert share_at(2.4, 0.0) == 0.0
    assert share_at(1.6, 1.0) == pytest.approx(0.5, abs=0.06)


def test_layouts_say_which_they_are():
    kinds = (layouts.Gap, layouts.Blocked, layouts.Trap, layouts.Zigzag)
    for name in ("gap", "blocked", "trap", "zigzag", "free"):
        params = yard_params("mid", {"layout": name})
        assert sum(kind.wanted(params) for kind in kinds) == (name != "free")
