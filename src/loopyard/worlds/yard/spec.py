"""What a yard shows and takes: channels, cameras and their limits."""

from __future__ import annotations

import string
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from gymnasium import spaces

from loopyard.core.specs import STATE_KEY, TASK_KEY, CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.params import YardParams

TASK = "Clear every brick into the blue box."
INTERFACE: dict[str, Callable[[WorldSpec], Any]] = {
    "cameras": lambda spec: spec.cameras,
    "state": lambda spec: tuple(channel.name for channel in spec.state.channels),
    "action": lambda spec: spec.action,
    "fps": lambda spec: spec.fps,
}
"""What a scenario may not change. The state's channels are scaled by the yard they are in."""


@lru_cache(maxsize=8)
def limits(vector: VectorSpec) -> tuple[np.ndarray, np.ndarray]:
    low = np.array([channel.low for channel in vector.channels], dtype=np.float32)
    high = np.array([channel.high for channel in vector.channels], dtype=np.float32)
    return low, high


def state_vector(params: YardParams) -> VectorSpec:
    half = f"{params.half_m:g} m"
    place = (Channel("x", half, -1.3, 1.3), Channel("y", half, -1.3, 1.3))
    bricks = f"{params.bricks} bricks"
    if params.state == "predecessor":
        left = Channel("bricks_left", bricks, 0.0, 1.0)
        return VectorSpec((*place, Channel("yaw", "pi rad"), left))
    return VectorSpec(
        (
            *place,
            Channel("cos_yaw"),
            Channel("sin_yaw"),
            Channel("lift", "travel", -0.3, 1.3),
            Channel("bucket", "travel", -0.3, 1.3),
            Channel("lift_target", "travel", 0.0, 1.0),
            Channel("bucket_target", "travel", 0.0, 1.0),
            Channel("load", f"{params.bucket_capacity} bricks", 0.0, 1.0),
            Channel("bricks_on_floor", bricks, 0.0, 1.0),
        )
    )


def action_vector(params: YardParams) -> VectorSpec:
    return VectorSpec(
        (
            Channel("steering", f"{params.max_turn_radps:g} rad/s"),
            Channel("throttle", f"{params.max_speed_mps:g} m/s"),
            Channel("bucket", f"{g.BUCKET_RATE_PER_S:g} travel/s"),
            Channel("lift", f"{g.LIFT_RATE_PER_S:g} travel/s"),
        )
    )


def yard_spec(params: YardParams, preset: str) -> WorldSpec:
    return WorldSpec(
        world="yard",
        preset=preset,
        fps=params.fps,
        max_steps=params.max_steps,
        task=TASK,
        state=state_vector(params),
        action=action_vector(params),
        cameras=tuple(
            CameraSpec(name, params.image_width, params.image_height) for name in params.cameras
        ),
    )


def observation_space(spec: WorldSpec) -> spaces.Dict:
    images = {
        camera.key: spaces.Box(0, 255, (camera.height, camera.width, 3), np.uint8)
        for camera in spec.cameras
    }
    return spaces.Dict(
        {
            **images,
            STATE_KEY: spaces.Box(*limits(spec.state), dtype=np.float32),
            TASK_KEY: spaces.Text(120, charset=string.printable),
        }
    )
