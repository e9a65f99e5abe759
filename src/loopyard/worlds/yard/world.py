"""The yard: a wheel loader clears bricks into a box, with real contact, as a Gymnasium world."""

from __future__ import annotations

import math
import string
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import (
    STATE_KEY,
    TASK_KEY,
    CameraSpec,
    Channel,
    VectorSpec,
    WorldSpec,
)
from loopyard.worlds.rendering import CameraView
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.body import YardBody, YardSnapshot
from loopyard.worlds.yard.params import YardParams, yard_params
from loopyard.worlds.yard.scene import draw_scene
from loopyard.worlds.yard.signals import yard_layout
from loopyard.worlds.yard.truth import YardTruth

TASK = "Clear every brick into the blue box."
ACTIONS = ("steering", "throttle", "bucket", "lift")
IDLE_SPEED_MPS = 0.0
PRETTY_SIZE = (640, 480)


class YardWorld(gymnasium.Env[dict[str, Any], np.ndarray]):
    """A loader, bricks, a box in the corner, a kerb around, and furniture if asked for.

    Action (4,) float32 in [-1, 1]: steering (left positive, of ``max_turn_radps``), throttle
    (forward positive, of ``max_speed_mps``), bucket and lift levers (up positive; a lever moves a
    target at ``BUCKET_RATE_PER_S`` and ``LIFT_RATE_PER_S`` of its travel a second).

    Observation: ``observation.images.<camera>`` (H, W, 3) uint8 for each of ``params.cameras``,
    ``observation.state`` (S,) float32 as ``world_spec.state`` names it, ``task`` str.

    Reward: bricks delivered in this tick. The episode ends in success when every brick lies in the
    box, and is truncated after ``time_limit_s``.

    How a brick is held: explicitly. Curling the bucket past half takes hold of the bricks between
    its cheeks (a weld to a place in the bucket, up to its capacity); opening it while the lift is
    up lets go, and the brick falls. Pushing, driving, kerb, box and furniture are contact.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, preset: str = "starter", render_mode: str | None = "rgb_array", **overrides: Any
    ) -> None:
        """Raises ConfigError for an unknown preset or parameter."""
        self.preset = preset
        self.render_mode = render_mode
        self._base_overrides = overrides
        self.params = yard_params(preset, overrides)
        self.metadata = {**type(self).metadata, "render_fps": self.params.fps}
        self.world_spec = _spec(self.params, preset)
        self.max_steps = self.params.max_steps
        self.task = TASK
        self.observation_space = _observation_space(self.world_spec)
        self.action_space = spaces.Box(-1.0, 1.0, (len(ACTIONS),), np.float32)
        self._view: CameraView | None = None
        self._pretty_views: dict[tuple[int, int], CameraView] = {}
        self._body = YardBody(self.params)
        self._tick = 0
        self._ready = False

    # -- Gymnasium ---------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set up the scene of ``seed`` and ``options["scenario"]`` (default: this world's own).

        Without a seed, one is drawn from the environment's own generator.

        Raises:
            WorldError: the scenario is another world's, or asks for other cameras, action or
                state than this instance was made with.
        """
        super().reset(seed=seed)
        scene_seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self._adopt((options or {}).get("scenario") or self.scenario())
        scene = draw_scene(self.params, self._scenario.digest, scene_seed)
        self._body.place(scene)
        self._tick = 0
        self._ready = True
        return self._observation(), self._info({})

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One control tick. Raises WorldError before the first reset or for a malformed action."""
        if not self._ready:
            raise WorldError("yard: step: called before reset")
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (len(ACTIONS),) or not np.isfinite(action).all():
            raise WorldError(f"yard: action: found {action!r}, expected 4 finite numbers")
        events = self._body.advance(np.clip(action, -1.0, 1.0))
        self._tick += 1
        terminated = bool(self._body.delivered.all())
        truncated = self._tick >= self.max_steps and not terminated
        reward = float(events.get("brick_delivered", 0))
        return self._observation(), reward, terminated, truncated, self._info(events)

    def render(self) -> np.ndarray:  # type: ignore[override]
        """(480, 640, 3) uint8: the pretty bird's-eye view."""
        return self.camera_image("birds_eye", *PRETTY_SIZE)

    def close(self) -> None:
        for view in (self._view, *self._pretty_views.values()):
            if view is not None:
                view.close()
        self._view, self._pretty_views = None, {}

    # -- the world protocol ------------------------------------------------------------------

    def scenario(self) -> Scenario:
        """The general scenario of this world's preset and overrides."""
        return Scenario(world="yard", preset=self.preset, params=self._base_overrides)

    def truth(self) -> YardTruth:
        return self._body.truth()

    def signals(self) -> dict[str, float]:
        return self._body.signals()

    def layout(self) -> dict[str, np.ndarray]:
        return yard_layout(self._body.truth())

    def snapshot(self) -> tuple[int, YardSnapshot]:
        """The whole state as a value; `restore` in the same scene is exact to the bit."""
        return self._tick, self._body.snapshot()

    def restore(self, snapshot: tuple[int, YardSnapshot]) -> None:
        self._tick, body = snapshot
        self._body.restore(body)

    def observe(self) -> dict[str, Any]:
        """The observation of this moment, drawn anew."""
        return self._observation()

    def step_blind(self, action: np.ndarray) -> bool:
        """`step` without drawing the cameras, for forked rollouts of an expert.

        Returns True when the episode is over.
        """
        self._body.advance(np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0))
        self._tick += 1
        return bool(self._body.delivered.all()) or self._tick >= self.max_steps

    def camera_image(self, name: str, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8: a pretty picture from any of the five cameras."""
        view = self._pretty_views.get((width, height))
        if view is None:
            view = CameraView(self._body.model, width, height, pretty=True)
            self._pretty_views[width, height] = view
        return view.draw(self._body.data, name)

    # -- inside ------------------------------------------------------------------------------

    def _adopt(self, scenario: Scenario) -> None:
        """Take a scenario's parameters; rebuild the model only where they differ."""
        if scenario.world != "yard":
            raise WorldError(f"yard: scenario: found one of world '{scenario.world}'")
        params = yard_params(scenario.preset, scenario.params)
        spec = _spec(params, scenario.preset)
        for part in ("cameras", "state", "action", "fps"):
            if getattr(spec, part) != getattr(self.world_spec, part):
                raise WorldError(
                    f"yard: scenario: {part}: found {getattr(spec, part)}, "
                    f"expected {getattr(self.world_spec, part)} as this world was made"
                )
        if params != self.params:
            self.close()
            self.params, self.max_steps = params, params.max_steps
            self._body = YardBody(params)
        self._scenario = scenario

    def _observation(self) -> dict[str, Any]:
        if self._view is None:
            size = self.params.image_width, self.params.image_height
            self._view = CameraView(self._body.model, *size, pretty=self.params.pretty)
        images = {
            camera.key: self._view.draw(self._body.data, camera.name)
            for camera in self.world_spec.cameras
        }
        return {**images, STATE_KEY: self._state(), TASK_KEY: TASK}

    def _state(self) -> np.ndarray:
        truth, params = self._body.truth(), self.params
        x, y = truth.x_m / params.half_m, truth.y_m / params.half_m
        if params.state == "predecessor":
            values = [x, y, truth.yaw_rad / math.pi, truth.bricks_left / params.bricks]
        else:
            values = [
                x,
                y,
                math.cos(truth.yaw_rad),
                math.sin(truth.yaw_rad),
                truth.lift,
                truth.bucket,
                truth.lift_target,
                truth.bucket_target,
                truth.load / params.bucket_capacity,
                truth.bricks_on_floor / params.bricks,
            ]
        return np.clip(np.array(values, dtype=np.float32), *_limits(self.world_spec.state))

    def _info(self, events: dict[str, int]) -> dict[str, Any]:
        delivered = self._body.delivered
        return {
            "success": bool(delivered.all()),
            "progress": float(delivered.mean()),
            "events": events,
        }


@lru_cache(maxsize=8)
def _limits(vector: VectorSpec) -> tuple[np.ndarray, np.ndarray]:
    low = np.array([channel.low for channel in vector.channels], dtype=np.float32)
    high = np.array([channel.high for channel in vector.channels], dtype=np.float32)
    return low, high


def _state_vector(params: YardParams) -> VectorSpec:
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


def _action_vector(params: YardParams) -> VectorSpec:
    return VectorSpec(
        (
            Channel("steering", f"{params.max_turn_radps:g} rad/s"),
            Channel("throttle", f"{params.max_speed_mps:g} m/s"),
            Channel("bucket", f"{g.BUCKET_RATE_PER_S:g} travel/s"),
            Channel("lift", f"{g.LIFT_RATE_PER_S:g} travel/s"),
        )
    )


def _spec(params: YardParams, preset: str) -> WorldSpec:
    return WorldSpec(
        world="yard",
        preset=preset,
        fps=params.fps,
        max_steps=params.max_steps,
        task=TASK,
        state=_state_vector(params),
        action=_action_vector(params),
        cameras=tuple(
            CameraSpec(name, params.image_width, params.image_height) for name in params.cameras
        ),
    )


def _observation_space(spec: WorldSpec) -> spaces.Dict:
    images = {
        camera.key: spaces.Box(0, 255, (camera.height, camera.width, 3), np.uint8)
        for camera in spec.cameras
    }
    return spaces.Dict(
        {
            **images,
            STATE_KEY: spaces.Box(*_limits(spec.state), dtype=np.float32),
            TASK_KEY: spaces.Text(120, charset=string.printable),
        }
    )
