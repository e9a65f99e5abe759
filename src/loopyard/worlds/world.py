"""The world protocol: what generation, training and the gate ask of a simulated task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import (
    IMAGE_PREFIX,
    STATE_KEY,
    CameraSpec,
    Channel,
    VectorSpec,
    WorldSpec,
)

DEFAULT_FPS = 10
DEFAULT_MAX_STEPS = 1_000


@runtime_checkable
class World(Protocol):
    """A ``gymnasium.Env`` with the three things imitation learning needs besides.

    Observations: ``observation.images.<camera>`` (H, W, 3) uint8, ``observation.state`` (S,)
    float32. Actions: (A,) float32 in [-1, 1]. ``info["success"]`` bool, after every step;
    ``info["progress"]`` 0..1 and ``info["events"]`` {name: count in this tick} where the world
    has them.
    """

    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]: ...

    def step(
        self, action: np.ndarray
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]: ...

    def close(self) -> None: ...

    def truth(self) -> Any:
        """What the expert may know: everything, as a value that later steps do not change."""
        ...

    def snapshot(self) -> Any:
        """The whole state, so that ``restore`` goes on bit for bit as from here."""
        ...

    def restore(self, snapshot: Any) -> None: ...


class WorldSignals(Protocol):
    """Optional: what a diagnosis reads of a drive. Every name is optional too, and a verdict that
    needs one which is not there is not given. Keep to the names below; others are kept as well.

    Metres, radians and seconds in the world's own frame, yaw counter-clockwise, bearings positive
    to the left; infinite for the distance of what is not there. A target is what has to be brought
    somewhere, the tool what takes it, a solid what must not be driven into.
    """

    def signals(self) -> dict[str, float]:
        """The moment's values; the same names in every tick of a drive.

        x_m, y_m, yaw_rad: the robot's pose. speed_mps: forward. turn_radps.
        load, delivered: targets held, targets done. in_mouth: targets that the tool could take now.
        nearest_m, nearest_rad: the nearest target neither held nor done. obstacle_m, obstacle_rad:
        the nearest edge of a solid. boundary_m: from the robot's middle to the edge of its ground.
        side_m: how far the robot's middle is from the next solid's, to the side on which that has
        to be passed; clear_m: the room with which it would pass there, going straight on.
        lift, bucket: the tool's height and how far it is closed, 0..1.
        touching_boundary, touching_furniture, touching_goal: 1 while it does, else 0.
        """
        ...

    def layout(self) -> dict[str, np.ndarray]:
        """What stands where, asked for once, after the reset.

        bounds_m: (4,) x, y of the ground's lower and upper corner. targets_m: (N, 2).
        goal_m: (5,) x, y, yaw, half length, half width of where targets belong; solids_m: (M, 5).
        reach_m: how far ahead of its middle the robot takes a target. capacity: targets at a time.
        """
        ...


@dataclass(frozen=True)
class ValidationCase:
    """Scenes of one kind to validate a policy on.

    step: ``like training``, ``slightly different``, ``new`` or ``edge case``. about: what is
    different in them, for people.
    """

    step: str
    name: str
    scenario: Scenario
    about: str


class Instructed(Protocol):
    """Optional: what a world tells of its instructions, so that following them can be proven."""

    def swapped(self, scenario: Scenario, seed: int) -> Scenario:
        """The scenario in which the scene of ``seed`` is the same to the eye, but something else is
        asked for, so that a drive that succeeds in the one fails in the other."""
        ...

    def validation_cases(self, scenario: Scenario) -> Sequence[ValidationCase]:
        """Scenes further and further from those of ``scenario``, which was trained on; optional."""
        ...


def spec_of(world: Any, name: str = "", preset: str = "") -> WorldSpec:
    """The world's own ``world_spec``, or what its Gymnasium spaces tell.

    A world of a user's own needs no spec: channels are then numbered, frames a second come from
    ``metadata["render_fps"]`` and the step limit from ``max_steps``.

    Raises:
        WorldError: the spaces are not those of the world protocol.
    """
    own = getattr(world, "world_spec", None)
    if isinstance(own, WorldSpec):
        return own
    label = name or type(world).__name__
    space = world.observation_space
    if not isinstance(space, gymnasium.spaces.Dict):
        raise WorldError(
            f"{label}: observation_space: found {space}, expected a Dict of "
            f"'{IMAGE_PREFIX}<camera>' and '{STATE_KEY}'"
        )
    cameras = tuple(
        _camera(label, key, part)
        for key, part in space.spaces.items()
        if key.startswith(IMAGE_PREFIX)
    )
    if not cameras:
        raise WorldError(
            f"{label}: observation_space: found {list(space.spaces)}, expected at "
            f"least one '{IMAGE_PREFIX}<camera>'"
        )
    return WorldSpec(
        world=label,
        preset=preset,
        fps=int(getattr(world, "metadata", {}).get("render_fps", DEFAULT_FPS)),
        max_steps=int(getattr(world, "max_steps", DEFAULT_MAX_STEPS)),
        task=str(getattr(world, "task", label)),
        state=_vector(label, STATE_KEY, "state", space.spaces.get(STATE_KEY)),
        action=_vector(label, "action_space", "action", world.action_space),
        cameras=cameras,
    )


def _camera(label: str, key: str, space: Any) -> CameraSpec:
    shape = getattr(space, "shape", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or space.dtype != np.uint8:
        raise WorldError(f"{label}: {key}: found {space}, expected a (H, W, 3) uint8 Box")
    return CameraSpec(key.removeprefix(IMAGE_PREFIX), width=shape[1], height=shape[0])


def _vector(label: str, key: str, prefix: str, space: Any) -> VectorSpec:
    if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
        raise WorldError(f"{label}: {key}: found {space}, expected a one-dimensional Box")
    return VectorSpec(
        tuple(
            Channel(f"{prefix}_{i}", low=float(low), high=float(high))
            for i, (low, high) in enumerate(zip(space.low, space.high, strict=True))
        )
    )
