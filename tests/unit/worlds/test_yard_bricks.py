"""Difficult bricks: where they lie, what they are, and what happens to them."""

from __future__ import annotations

import numpy as np
import pytest
from brick_drives import AHEAD, CLUSTERED, CURL, OPEN, STOP, hold, put_before, put_loader

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import placing
from loopyard.worlds.yard.features import box_heap, brick_kinds, brick_places, fragile
from loopyard.worlds.yard.features.catalogue import features_of
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.scene import draw_scene

SEEDS = range(40)

SPREAD = {"brick_places": "spread", "bricks": 12, "room_m": 16.0}


def scenes(**overrides):
    """(params, the scenes of SEEDS)."""
    params = yard_params("mid", overrides)
    features = features_of(params)
    return params, [draw_scene(params, "digest", seed, features) for seed in SEEDS]


def apart_m(bricks: np.ndarray) -> np.ndarray:
    """(N,) from each brick to the nearest other."""
    apart = np.linalg.norm(bricks[:, None, :2] - bricks[None, :, :2], axis=2)
    np.fill_diagonal(apart, np.inf)
    return apart.min(axis=1)


# -- where they lie --------------------------------------------------------------------------


def test_two_bricks_of_five_lie_flush_at_a_kerb():
    params, drawn = scenes(brick_places="wall", bricks=5)
    corners = 0
    for scene in drawn:
        room_m = params.half_m - np.abs(scene.bricks[:, :2])
        at_kerb = room_m.min(axis=1) - g.BRICK.y_m < 0.01
        assert at_kerb.sum() == 2
        assert (room_m.min(axis=1)[at_kerb] >= g.BRICK.y_m).all()
        corners += (room_m[at_kerb].max(axis=1) < brick_places.CORNER_M + 0.01).sum()
        for brick in scene.bricks[at_kerb]:
            along = np.array([np.cos(brick[2]), np.sin(brick[2])])
            side = np.abs(brick[:2]).argmax()
            assert abs(along[side]) < 1e-6  # its long side against the kerb
        from_box = np.maximum(np.abs(scene.bricks[:, :2] - scene.box) - params.box_side_m / 2, 0)
        assert np.linalg.norm(from_box[at_kerb], axis=1).min() >= brick_places.WALL_TO_BOX_M
    assert corners > 5


def test_clusters_are_dense_and_no_brick_lies_on_another():
    params, drawn = scenes(**CLUSTERED)
    counts, medians = set(), []
    for scene in drawn:
        nearest = apart_m(scene.bricks)
        assert nearest.min() > 2 * np.hypot(g.BRICK.x_m, g.BRICK.y_m)
        medians.append(np.median(nearest))
        assert np.abs(scene.bricks[:, :2]).max() <= params.half_m - placing.BRICK_TO_KERB_M
        linked = np.linalg.norm(scene.bricks[:, None, :2] - scene.bricks[None, :, :2], axis=2) < 0.6
        counts.add(len({tuple(row) for row in np.linalg.matrix_power(linked.astype(int), 20) > 0}))
    assert counts == {1, 2, 3}
    assert np.mean(medians) < placing.BRICK_TO_BRICK_M


def test_spread_bricks_reach_the_edges_and_keep_apart():
    params, drawn = scenes(**SPREAD)
    for scene in drawn:
        assert apart_m(scene.bricks).min() > 1.5
        edge_m = params.half_m - np.abs(scene.bricks[:, :2]).max(axis=1)
        assert (edge_m < 1.5).sum() >= 4


def test_the_farthest_start_is_far():
    far, free = (
        np.mean([np.linalg.norm(scene.loader[:2] - scene.box) for scene in drawn])
        for _, drawn in (scenes(loader_start="farthest"), scenes())
    )
    assert far > free + 2.0
    for scene in scenes(loader_start="farthest")[1]:
        away = np.linalg.norm(scene.bricks[:, :2] - scene.loader[:2], axis=1)
        assert away.min() >= placing.LOADER_TO_BRICK_M


# -- what they are ---------------------------------------------------------------------------


@pytest.mark.parametrize("mix", ["mixed_large", "mixed_tiny"])
def test_sizes_come_in_the_stated_shares(mix):
    _, drawn = scenes(brick_sizes=mix, bricks=8)
    sizes = np.concatenate([scene.brick_half_m for scene in drawn])
    for kind, share in brick_kinds.MIXES[mix].items():
        found = (np.abs(sizes - brick_kinds.SIZES_M[kind]) < 1e-9).all(axis=1).mean()
        assert found == pytest.approx(share, abs=0.09)
    for scene in drawn:
        slab = scene.brick_half_m[:, 0] == brick_kinds.SIZES_M["xlarge"][0]
        assert (scene.required == ~slab).all()
        assert scene.required.any()
        assert apart_m(scene.bricks)[slab].min(initial=9.0) > 0.45


def test_a_size_is_that_of_the_model_too(make_yard, blind):
    world = blind(make_yard("mid", brick_sizes="mixed_large", bricks=8))
    fresh = blind(make_yard("mid", bricks=1))
    fresh.reset(seed=1)
    for seed in range(2):
        world.reset(seed=seed)
        hold(world, STOP, 10)
        body, model = world._body, world._body.model
        for index, half in enumerate(body.scene.brick_half_m):
            at, geom = model.body(f"brick_{index}").id, body._brick_geom[index]
            assert model.geom_size[geom] == pytest.approx(half)
            density = model.body_mass[at] / half.prod()
            assert density == pytest.approx(
                g.BRICK_MASS_KG / np.prod(brick_kinds.SIZES_M["medium"])
            )
            assert world.truth().bricks[index, 2] == pytest.approx(half[2], abs=0.004)
            if half[0] == g.BRICK.x_m:
                other = fresh._body.model
                there = other.body("brick_0").id
                assert model.body_inertia[at] == pytest.approx(other.body_inertia[there])
                assert model.body_invweight0[at] == pytest.approx(other.body_invweight0[there])


def test_the_bucket_takes_no_slab(make_yard, blind):
    world = blind(make_yard("mid", brick_sizes="mixed_large", bricks=8, furniture=0))
    world.reset(seed=3)
    truth = world.truth()
    assert not truth.fits.all()
    slab = truth.bricks[~truth.fits][0]
    put_before(world, slab, 0.9)
    hold(world, AHEAD, 6)
    assert not hold(world, CURL, 10)["brick_held"]
    assert not world.truth().in_mouth()[~truth.fits].any()


def test_a_stuck_brick_gives_way_to_nothing_and_counts_every_closing(make_yard, blind):
    world = blind(make_yard("mid", stuck_bricks=1, furniture=0))
    world.reset(seed=4)
    before = world.truth().bricks[2]
    assert world._body.scene.required.tolist() == [True, True, False]
    put_before(world, before, 0.62)
    hold(world, AHEAD * 0.3, 3)
    for tries in (1, 2, 3):
        events = hold(world, CURL, 8)
        assert not events["brick_held"]
        assert world.truth().tries.tolist() == [0, 0, tries]
        hold(world, OPEN, 8)
    hold(world, AHEAD, 30)
    assert world.truth().bricks[2] == pytest.approx(before, abs=0.006)
    world.reset(seed=5)
    assert not world.truth().tries.any()


# -- what happens to them --------------------------------------------------------------------


def loaded(world, seed: int):
    """The world with two bricks held, the bucket up, in the room's middle and at speed."""
    world.reset(seed=seed)
    body = world._body
    put_loader(world, (0.0, -1.0), np.pi / 2)
    body.levers[:] = 1.0
    body._send_levers()
    body.slots[:2] = 0, 1
    body._apply_holds()
    hold(world, STOP, 12)
    hold(world, AHEAD, 8)
    assert world.truth().load == 2
    return world


@pytest.mark.parametrize(
    ("steering", "friction", "dropped"),
    [(1.0, 0.15, True), (-1.0, 0.15, True), (0.3, 0.15, False), (1.0, 0.9, False)],
)
def test_a_sharp_turn_at_speed_spills_the_load(make_yard, blind, steering, friction, dropped):
    world = loaded(blind(make_yard("mid", bucket_friction=friction, furniture=0, room_m=12.0)), 2)
    events = hold(world, np.array([steering, 1.0, 0.0, 0.0]), 8)
    assert bool(events["brick_dropped"]) == dropped
    assert world.truth().load == 2 - events["brick_dropped"]
    if dropped:
        hold(world, STOP, 10)
        truth = world.truth()
        assert truth.bricks[~truth.held, 2].max() < 0.3
        assert not truth.delivered.any()


def test_the_truth_tells_what_a_load_bears(make_yard, blind):
    world = blind(make_yard("mid", bucket_friction=0.2))
    world.reset(seed=1)
    assert world.truth().spill_mps2 == pytest.approx(0.2 * 9.81)
    general = blind(make_yard("mid"))
    general.reset(seed=1)
    assert general.truth().spill_mps2 == np.inf


def test_a_glass_stands_beside_a_brick_that_is_not_required():
    params, drawn = scenes(fragile=2)
    features = features_of(params)
    for seed, scene in zip(SEEDS, drawn, strict=True):
        draw_scene(params, "digest", seed, features)
        (feature,) = features
        assert isinstance(feature, fragile.Fragile)
        glasses = feature._glasses
        from_glass = np.linalg.norm(scene.bricks[:, None, :2] - glasses[None], axis=2).min(axis=1)
        assert scene.required.tolist() == [False, False, True]
        assert (from_glass[:2] < fragile.SAFETY_M).all()
        assert from_glass[2] > fragile.KEEP_OFF_M


def test_one_brick_stays_free_of_glasses():
    _, drawn = scenes(fragile=3, bricks=1)
    assert all(scene.required.tolist() == [True] for scene in drawn)


def test_a_touched_glass_breaks_once(make_yard, blind):
    world = blind(make_yard("mid", fragile=1, furniture=0))
    world.reset(seed=6)
    glass = world.truth().keep_out[0]
    put_before(world, glass, 1.2)
    kept = world.snapshot()
    events = hold(world, AHEAD, 15)
    assert events["violation_fragile_contact"] == 1
    assert not hold(world, -AHEAD, 15)["violation_fragile_contact"]
    world.restore(kept)
    assert hold(world, AHEAD, 15)["violation_fragile_contact"] == 1
    world.reset(seed=6)
    put_before(world, glass, 1.2)
    assert hold(world, AHEAD, 15)["violation_fragile_contact"] == 1


def test_bricks_land_on_the_heap_and_one_that_leaves_the_box_is_no_longer_delivered(
    make_yard, blind
):
    world = blind(make_yard("mid", box_fill=0.9, box_side_m=0.9, bricks=5))
    world.reset(seed=7)
    body = world._body
    for index in range(2):
        at = body._brick_q[index]
        body.data.qpos[at : at + 3] = (*body.scene.box[:1], body.scene.box[1] + 0.3 * index, 0.5)
    events = hold(world, STOP, 25)
    truth = world.truth()
    assert events["brick_delivered"] >= 2
    heap_m = 0.9 * box_heap.FULL_M
    inside = truth.delivered
    assert truth.bricks[inside, 2].min() > heap_m - 0.06
    index = int(np.flatnonzero(inside)[0])
    at = body._brick_q[index]
    body.data.qpos[at : at + 2] = 0.0, 0.0
    assert hold(world, STOP, 1)["brick_dropped"] == 1
    assert not world.truth().delivered[index]


def test_distractors_are_no_bricks_and_give_way(make_yard, blind):
    world = blind(make_yard("mid", distractors=8, furniture=0))
    world.reset(seed=8)
    body = world._body
    feature = next(part for part in body.features if part.name == "distractors")
    assert len(world.truth().bricks) == 3
    start = feature._places[2].copy()  # a battery
    put_before(world, start, 0.9)
    events = hold(world, AHEAD, 8) + hold(world, CURL, 8)
    assert not events["brick_held"]
    body_id = body.model.body("thing_2").id
    pushed_m = np.linalg.norm(body.data.xpos[body_id, :2] - start)
    assert 0.2 < pushed_m < 2.0
    drawn = scenes(distractors=20)
    assert len(drawn[1]) == len(SEEDS)
