"""Recipe: which augmentations a copy of a dataset gets, and what the channels mean for them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from loopyard.core.errors import ConfigError, expected
from loopyard.core.seeds import stream
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.augment.mirror import lateral_signs, mirror, mirror_text
from loopyard.data.augment.perturb import HeadingSpec, focal_px, perturb_heading
from loopyard.data.augment.retime import (
    Velocities,
    constant_rates,
    retime,
    warped_rates,
    within_limits,
)
from loopyard.data.augment.trajectory import Trajectory

NOT_TOLD = "none"


class Recipe(BaseModel):
    """What is done to each drive, in this order: mirrored, then retimed, then perturbed.

    What a channel means is told here and never guessed; a change that needs to know it and is not
    told is refused. ``none`` says that there is no such channel.

    mirror: exchange left and right. lateral: the channels, of state and action, that change sign.
    speed: times the recorded pace. warp: pace changes within 1 / (1 + warp) and 1 + warp.
    velocity: the channels, of state and action, that are velocities. perturb_deg: standard
    deviation of the heading's offset. recover_s: time the corrected label takes to undo it.
    steering: the action channel that turns the robot; steering_radps: rad/s of 1 of it, negative
    where 1 turns right. heading: the state's heading channel, or its cosine and sine; heading_rad:
    rad of 1 of a single one. fov_deg: horizontal angle of each camera; each turns with the robot.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mirror: bool = False
    lateral: tuple[str, ...] = ()
    speed: float = Field(default=1.0, ge=0.1, le=10)
    warp: float = Field(default=0.0, ge=0, le=2)
    velocity: tuple[str, ...] = ()
    perturb_deg: float = Field(default=0.0, ge=0, le=10)
    recover_s: float = Field(default=1.0, gt=0)
    steering: str = ""
    steering_radps: float = 0.0
    heading: tuple[str, ...] = ()
    heading_rad: float = math.pi
    fov_deg: dict[str, float] = Field(default_factory=dict)
    seed: int = 0

    @property
    def retimes(self) -> bool:
        return self.speed != 1.0 or self.warp > 0

    @property
    def changes(self) -> bool:
        """Whether anything is asked for."""
        return self.mirror or self.retimes or self.perturb_deg > 0


class Augmenter:
    """A recipe, checked against a world.

    Raises:
        ConfigError: nothing is asked for, or the recipe does not tell a channel that it needs, or
            names one that is not there.
    """

    def __init__(self, recipe: Recipe, spec: WorldSpec, *, chunks: bool) -> None:
        self.recipe, self.spec = recipe, spec
        if not recipe.changes:
            raise ConfigError(expected("augment", "changes", "none", "mirror, speed, warp, ..."))
        if chunks and (recipe.retimes or recipe.perturb_deg):
            raise ConfigError(
                expected(
                    "augment",
                    "dataset",
                    "labels that are chunks of their own",
                    "labels along the path, or mirror alone: how a chunk goes on is not recorded",
                )
            )
        if recipe.mirror:
            self._signs = [self._lateral(spec.state), self._lateral(spec.action)]
        if recipe.retimes:
            self._velocities = Velocities(
                self._named("velocity", spec.state),
                self._named("velocity", spec.action),
                np.array([_limit(channel) for channel in spec.action.channels]),
            )
        if recipe.perturb_deg:
            self._heading = self._heading_spec()
            self.focal_px = {
                camera.name: focal_px(camera.width, self._fov(camera.name))
                for camera in spec.cameras
            }
        else:
            self.focal_px = {camera.name: 0.0 for camera in spec.cameras}

    @property
    def task(self) -> str:
        """The instruction of the copy."""
        return mirror_text(self.spec.task) if self.recipe.mirror else self.spec.task

    def __call__(self, drive: Trajectory, number: int) -> Trajectory:
        """The drive, changed; number: its place in the dataset, which with the seed draws."""
        recipe, fps = self.recipe, self.spec.fps
        if recipe.mirror:
            drive = mirror(drive, *self._signs)
        if recipe.retimes:
            rates = constant_rates(len(drive), recipe.speed)
            if recipe.warp:
                rng = stream("time warp", recipe.seed, number)
                rates = rates * warped_rates(len(drive), recipe.warp, fps, rng)
            drive = retime(drive, within_limits(drive, rates, self._velocities), self._velocities)
        if recipe.perturb_deg:
            drive = perturb_heading(
                drive,
                self._heading,
                fps=fps,
                std_rad=math.radians(recipe.perturb_deg),
                recover_s=recipe.recover_s,
                rng=stream("perturbation", recipe.seed, number),
            )
        return drive

    def _lateral(self, vector: VectorSpec) -> np.ndarray:
        self._named("lateral", vector)
        return lateral_signs(vector, self.recipe.lateral, "augment")

    def _named(self, option: str, vector: VectorSpec) -> np.ndarray:
        """(size,) bool: the channels of a vector that an option names."""
        names = getattr(self.recipe, option)
        known = {*self.spec.state.names, *self.spec.action.names}
        if not names:
            raise ConfigError(
                expected("augment", option, "nothing", f"channels of {sorted(known)}, or none")
            )
        for name in names:
            if name not in known | {NOT_TOLD}:
                raise ConfigError(expected("augment", option, name, f"one of {sorted(known)}"))
        return np.array([name in names for name in vector.names], bool)

    def _heading_spec(self) -> HeadingSpec:
        recipe, spec = self.recipe, self.spec
        steering = _index("steering", recipe.steering, spec.action.names)
        if not recipe.steering_radps:
            raise ConfigError(expected("augment", "steering_radps", 0.0, "rad/s of 1 of steering"))
        if len(recipe.heading) not in (1, 2):
            wanted = f"one channel of {spec.state.names}, a cosine and a sine, or none"
            raise ConfigError(expected("augment", "heading", recipe.heading, wanted))
        places = [_index("heading", name, spec.state.names) for name in _told(recipe.heading)]
        return HeadingSpec(
            steering,
            recipe.steering_radps,
            _limit(spec.action.channels[steering]),
            angle=(places[0], recipe.heading_rad) if len(places) == 1 else None,
            cos_sin=(places[0], places[1]) if len(places) == 2 else None,
        )

    def _fov(self, camera: str) -> float:
        found = self.recipe.fov_deg.get(camera, 0.0)
        if not 0 < found < 180:
            wanted = "its horizontal angle in degrees, and that it turns with the robot"
            raise ConfigError(expected("augment", f"fov_deg of camera {camera}", found, wanted))
        return found


def _told(names: Iterable[str]) -> list[str]:
    return [name for name in names if name != NOT_TOLD]


def _index(option: str, name: str, names: list[str]) -> int:
    if name not in names:
        raise ConfigError(expected("augment", option, name, f"one of {names}"))
    return names.index(name)


def _limit(channel: Channel) -> float:
    """The magnitude that both limits of a channel allow."""
    return min(abs(channel.low), abs(channel.high))
