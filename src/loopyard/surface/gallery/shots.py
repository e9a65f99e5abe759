"""Pictures of failure modes: each staged in one world, driven on a little, and looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
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
from loopyard.scenarios.mode import FailureMode
from loopyard.scenarios.registry import Registry
from loopyard.scenarios.suites import SuiteScene, suite_scenes
from loopyard.worlds.world import spec_of

VIEWS = {"ego": (480, 360), "birds_eye": (360, 360)}
"""Width and height in pixels."""

JPEG_QUALITY = 85
CANDIDATES = 4
"""Scenes of a mode that are looked at; the one is shown in which the robot sees most."""


@dataclass(frozen=True)
class Shot:
    """One mode on one scene. pictures: JPEG by view; none where the scene cannot be, and problem
    then says why."""

    mode: FailureMode
    scene: SuiteScene | None
    pictures: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""


def take_shots(registry: Registry, base: Scenario) -> Iterator[Shot]:
    """A shot of every mode that the base's world has a recipe for, in the registry's order.

    The expert drives until ``picture_s`` of the recipe, so that what comes later can be seen; a
    world without an expert is shown as it begins.

    Raises:
        ConfigError, WorldError: the world itself cannot be made.
        GraphicsError: no way to render.
    """
    world = make_scenario_world(base)
    with closing(world):
        expert = _expert(world)
        for mode in registry.of_world(base.world):
            try:
                scenes = suite_scenes(mode.id, CANDIDATES, base, registry)
                picture_s = mode.worlds[base.world].picture_s
                shots = [Shot(mode, s, _take(world, expert, s, picture_s)) for s in scenes]
            except WorldError as error:
                yield Shot(mode, None, problem=str(error))
            else:
                # The more there is to see, the more bytes it takes.
                yield max(shots, key=lambda shot: len(shot.pictures["ego"]))


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
