"""Pictures of failure modes: each staged in one world, driven on a little, and looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from loopyard.core.errors import ConfigError, WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import IMAGE_PREFIX
from loopyard.evaluation.worker import make_scenario_world
from loopyard.experts.registry import make_expert
from loopyard.scenarios.mode import PICTURE_SCENES, FailureMode
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.suites import SuiteScene, suite_scenes
from loopyard.worlds.world import spec_of

VIEWS = {"ego": (480, 360), "birds_eye": (360, 360)}
"""Width and height in pixels."""

JPEG_QUALITY = 85


@dataclass(frozen=True)
class Shot:
    """One mode on one scene. pictures: JPEG by view; none where the scene cannot be, and problem
    then says why."""

    mode: FailureMode
    scene: SuiteScene | None
    pictures: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""


def take_shots(registry: Registry, base: Scenario, scenes: int = PICTURE_SCENES) -> Iterator[Shot]:
    """A shot of every mode that the base's world has a recipe for, in the registry's order.

    The expert drives until ``picture_s`` of the recipe, so that what comes later can be seen; a
    world without an expert is shown as it begins. scenes: how many of each mode are looked at.

    Raises:
        ConfigError, WorldError: the world itself cannot be made.
        GraphicsError: no way to render.
    """
    world = make_scenario_world(base)
    with closing(world):
        expert = _expert(world)
        for mode in registry.of_world(base.world):
            try:
                yield _shot(world, expert, mode, suite_scenes(mode.id, scenes, base, registry))
            except WorldError as error:
                yield Shot(mode, None, problem=str(error))


def _shot(world: Any, expert: Any, mode: FailureMode, scenes: Sequence[SuiteScene]) -> Shot:
    """Of the scene that the recipe names, or of the one in which the robot sees most."""
    recipe = mode.worlds[scenes[0].scenario.world]
    if recipe.picture_scene is not None and len(scenes) > recipe.picture_scene:
        scenes = [scenes[recipe.picture_scene]]
    shots = [Shot(mode, one, _take(world, expert, one, recipe.picture_s)) for one in scenes]
    # The more there is to see, the more bytes it takes.
    return max(shots, key=lambda shot: len(shot.pictures["ego"]))


def _expert(world: Any) -> Any:
    try:
        return make_expert(world)
    except ConfigError:
        return None


def _take(world: Any, expert: Any, scene: SuiteScene, after_s: float) -> dict[str, bytes]:
    obs, _ = world.reset(seed=scene.seed, options={"scenario": scene.scenario})
    ended = expert is None
    for _ in range(round(after_s * spec_of(world).fps)):
        if ended:
            break
        obs, _, terminated, truncated, _ = world.step(expert.act(world.truth()))
        ended = terminated or truncated
    return {view: _jpeg(_look(world, obs, view, size)) for view, size in VIEWS.items()}


def _look(world: Any, obs: dict[str, Any], view: str, size: tuple[int, int]) -> np.ndarray:
    """(height, width, 3) uint8 from a camera of the world, or what the policy sees of it."""
    camera_image = getattr(getattr(world, "unwrapped", world), "camera_image", None)
    if camera_image is not None:
        return camera_image(view, *size)
    keys = [key for key in obs if key.startswith(IMAGE_PREFIX)]
    seen = obs[IMAGE_PREFIX + view if IMAGE_PREFIX + view in keys else keys[0]]
    return np.asarray(Image.fromarray(seen).resize(size, Image.Resampling.NEAREST))


def _jpeg(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
