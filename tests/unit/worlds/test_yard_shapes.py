"""A box of another size is solid over all of it."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest


@pytest.mark.parametrize("yaw_rad", [0.0, 1.0])
def test_furniture_is_solid_to_its_very_end(make_yard, blind, yaw_rad):
    world = blind(make_yard("mid"))
    world.reset(seed=3)
    body = world._body
    bench = (0.0, 0.0, yaw_rad, 0.7, 0.2, 0.28)
    body.place(replace(body.scene, solids=np.array([bench])), ("test", 3))
    end = 0.66 * np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    at = body._brick_q[0]
    body.data.qpos[at : at + 3] = *end, 0.56 + 0.065 - 0.001
    mujoco.mj_forward(body.model, body.data)
    pairs = {tuple(sorted(pair)) for pair in body.data.contact.geom.tolist()}
    geoms = body.model.geom("furniture_0").id, body.model.geom("brick_0").id
    assert tuple(sorted(geoms)) in pairs
