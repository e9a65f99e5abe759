"""What a corridor shows and takes: channels, cameras and their limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

from loopyard.core.specs import STATE_KEY, TASK_KEY, CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.worlds.corridor.instructions import TASK, characters
from loopyard.worlds.corridor.params import CorridorParams

LONG_M, WIDE_M = 6.0, 1.6
"""A position of the state is divided by these."""
MOST_CHARACTERS = 120
INTERFACE: dict[str, Callable[[WorldSpec], Any]] = {
    "cameras": lambda spec: spec.cameras,
    "state": lambda spec: spec.state,
    "action": lambda spec: spec.action,
    "fps": lambda spec: spec.fps,
}
"""What a scenario may not change."""


def state_vector(params: CorridorParams) -> VectorSpec:
    """Nothing by default: image and instruction have to do."""
    if params.state == "none":
        return VectorSpec(())
    speed = f"{params.max_speed_mps:g} m/s"
    return VectorSpec(
        (
            Channel("x", f"{LONG_M:g} m", -0.3, 1.3),
            Channel("y", f"{WIDE_M:g} m", -1.3, 1.3),
            Channel("cos_yaw"),
            Channel("sin_yaw"),
            Channel("vx", speed, -1.3, 1.3),
            Channel("vy", speed, -1.3, 1.3),
        )
    )


def action_vector(params: CorridorParams) -> VectorSpec:
    speed = f"{params.max_speed_mps:g} m/s"
    channels = [Channel("linear_x", speed, 0.0, 1.0), Channel("linear_y", speed)]
    if params.turning:
        channels.append(Channel("angular_z", f"{params.max_turn_radps:g} rad/s"))
    return VectorSpec(tuple(channels))


def corridor_spec(params: CorridorParams, preset: str) -> WorldSpec:
    return WorldSpec(
        world="corridor",
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


def box(vector: VectorSpec) -> spaces.Box:
    low = np.array([channel.low for channel in vector.channels], dtype=np.float32)
    high = np.array([channel.high for channel in vector.channels], dtype=np.float32)
    return spaces.Box(low, high, dtype=np.float32)


def observation_space(spec: WorldSpec) -> spaces.Dict:
    images = {
        camera.key: spaces.Box(0, 255, (camera.height, camera.width, 3), np.uint8)
        for camera in spec.cameras
    }
    text = spaces.Text(MOST_CHARACTERS, charset=characters())
    return spaces.Dict({**images, STATE_KEY: box(spec.state), TASK_KEY: text})
