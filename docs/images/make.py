"""Draws the README's pictures: what the loader sees, and a yard that a policy has cleared.

    python docs/images/make.py runs/demo/best
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

import loopyard

HERE = Path(__file__).parent
SEED = 900_001
SIZE = (640, 480)
LOOK_AT_TICK = 14


def main(checkpoint: str) -> None:
    world = loopyard.make_world("yard")
    policy = loopyard.load_policy(checkpoint)
    policy.reset()
    obs, info = world.reset(seed=SEED)
    for tick in range(250):
        if tick == LOOK_AT_TICK:
            Image.fromarray(world.camera_image("ego", *SIZE)).save(HERE / "ego.png", optimize=True)
        obs, _, terminated, truncated, info = world.step(policy.act(obs))
        if terminated or truncated:
            break
    if not info["success"]:
        raise SystemExit(f"{checkpoint} did not clear scene {SEED}; no picture of a cleared yard")
    picture = Image.fromarray(world.camera_image("follow", *SIZE))
    picture.save(HERE / "cleared.png", optimize=True)
    world.close()


if __name__ == "__main__":
    main(sys.argv[1])
