"""A made-up task: what its spec says, and what is seen in it."""

from __future__ import annotations

import numpy as np

from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec

SIZE = 64
SPEC = WorldSpec(
    world="toy",
    preset="small",
    fps=10,
    max_steps=50,
    task="push the box",
    state=VectorSpec((Channel("x"), Channel("y"), Channel("lift"))),
    action=VectorSpec((Channel("steering"), Channel("throttle"))),
    cameras=(CameraSpec("ego", SIZE, SIZE), CameraSpec("side", SIZE, SIZE)),
)


def observation(seed: int, tick: int = 0) -> dict:
    """A moving square on a floor of its own colour, and a state."""
    rng = np.random.default_rng([seed, tick])
    obs: dict = {"task": SPEC.task}
    for number, camera in enumerate(SPEC.cameras):
        image = np.full((SIZE, SIZE, 3), (150 - 40 * number, 110, 70 + 30 * seed), np.uint8)
        left = (7 * seed + 2 * tick) % (SIZE - 12)
        image[20:32, left : left + 12] = (220, 20, 20)
        obs[camera.key] = image
    obs["observation.state"] = rng.uniform(-1, 1, 3).astype(np.float32)
    return obs
