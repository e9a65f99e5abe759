"""The yard: a wheel loader clears bricks into a box, with real contact, as a Gymnasium world."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.specs import (
    STATE_KEY,
    TASK_KEY,
)
from loopyard.worlds.randomisation import plain
from loopyard.worlds.yard.body import YardBody, YardSnapshot
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.randomise import built_params, drawn_for, scene_digest
from loopyard.worlds.yard.scene import draw_scene
from loopyard.worlds.yard.signals import yard_layout
from loopyard.worlds.yard.spec import INTERFACE, TASK, limits, observation_space, yard_spec
from loopyard.worlds.yard.stage import Stages
from loopyard.worlds.yard.truth import YardTruth

ACTIONS = ("steering", "throttle", "bucket", "lift")
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
        self.world_spec = yard_spec(self.params, preset)
        self.max_steps = self.params.max_steps
        self.task = TASK
        self.observation_space = observation_space(self.world_spec)
        self.action_space = spaces.Box(-1.0, 1.0, (len(ACTIONS),), np.float32)
        self._stages = Stages()
        self._stage = self._stages.of(self.params)
        self._ready = False
        self._limits = limits(self.world_spec.state)
        self._seen: YardTruth | None = None  # the truth behind the last observation, while it holds

    # -- Gymnasium ---------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set up the scene of ``seed`` and ``options["scenario"]`` (default: this world's own).

        Without a seed, one is drawn from the environment's own generator. ``info["drawn"]`` holds
        what domain randomisation drew, {} without it.

        Raises:
            WorldError: the scenario is another world's, or asks for other cameras, action or
                state than this instance was made with.
        """
        super().reset(seed=seed)
        scene_seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self._adopt((options or {}).get("scenario") or self.scenario())
        key = self._digest, scene_seed
        drawn = drawn_for(self._scenario, self.params, key)
        self._body.place(draw_scene(self.params, *key, self._body.features, drawn), key)
        self._ready = True
        return self._observation(), {**self._info({}), "drawn": plain(drawn)}

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One control tick. Raises WorldError before the first reset or for a malformed action."""
        if not self._ready:
            raise WorldError("yard: step: called before reset")
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (len(ACTIONS),) or not np.isfinite(action).all():
            raise WorldError(f"yard: action: found {action!r}, expected 4 finite numbers")
        events = self._body.advance(np.clip(action, -1.0, 1.0))
        info = self._info(events)
        terminated = info["success"] or self._body.ended is not None
        truncated = self._body.tick >= self.max_steps and not terminated
        reward = float(events.get("brick_delivered", 0))
        return self._observation(), reward, terminated, truncated, info

    def render(self) -> np.ndarray:  # type: ignore[override]
        """(480, 640, 3) uint8: the pretty bird's-eye view."""
        return self.camera_image("birds_eye", *PRETTY_SIZE)

    def close(self) -> None:
        self._stages.close()

    # -- the world protocol ------------------------------------------------------------------

    def scenario(self) -> Scenario:
        """The general scenario of this world's preset and overrides."""
        return Scenario(world="yard", preset=self.preset, params=self._base_overrides)

    def truth(self) -> YardTruth:
        return self._body.truth()

    def signals(self) -> dict[str, float]:
        return self._body.signals(self._seen or self._body.truth())

    def layout(self) -> dict[str, np.ndarray]:
        return yard_layout(self._body.truth())

    def snapshot(self) -> YardSnapshot:
        """The whole state as a value; `restore` in the same scene is exact to the bit."""
        return self._body.snapshot()

    def restore(self, snapshot: YardSnapshot) -> None:
        self._seen = None
        self._body.restore(snapshot)

    @property
    def outcome_reason(self) -> str | None:
        """Why the drive ended before its time (``fell``), or None."""
        return self._body.ended

    def observe(self) -> dict[str, Any]:
        """The observation of this moment, drawn anew."""
        return self._observation()

    def step_blind(self, action: np.ndarray) -> bool:
        """`step` without drawing the cameras, for forked rollouts of an expert.

        Returns True when the episode is over.
        """
        self._seen = None
        self._body.advance(np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0))
        over = self._info({})["success"] or self._body.ended is not None
        return over or self._body.tick >= self.max_steps

    def camera_image(self, name: str, width: int, height: int, *, even: bool = False) -> np.ndarray:
        """(height, width, 3) uint8: a pretty picture from any of the five cameras.

        even: without shadows and reflections, but where the scene is about them: much quicker.
        """
        return self._stage.view(width, height, pretty=True, even=even).draw(self._body.data, name)

    # -- inside ------------------------------------------------------------------------------

    def _adopt(self, scenario: Scenario) -> None:
        """Take a scenario's parameters, and the model that goes with them."""
        if scenario.world != "yard":
            raise WorldError(f"yard: scenario: found one of world '{scenario.world}'")
        params = yard_params(scenario.preset, scenario.params)
        spec = yard_spec(params, scenario.preset)
        for part, of in INTERFACE.items():
            if of(spec) != of(self.world_spec):
                raise WorldError(
                    f"yard: scenario: {part}: found {of(spec)}, "
                    f"expected {of(self.world_spec)} as this world was made"
                )
        randomise = scenario.randomise
        built = built_params(params, randomise)
        self._stage = self._stages.of(built, randomised=randomise is not None)
        self.params, self._scenario = params, scenario
        self._digest = scene_digest(scenario)
        within_s = scenario.success.within_s
        self.max_steps = params.max_steps
        if within_s is not None:
            self.max_steps = min(params.max_steps, round(within_s * params.fps))

    @property
    def _body(self) -> YardBody:
        return self._stage.body

    def _observation(self) -> dict[str, Any]:
        size = self.params.image_width, self.params.image_height
        view = self._stage.view(*size, pretty=self.params.pretty)
        images = {
            camera.key: view.draw(self._body.data, camera.name)
            for camera in self.world_spec.cameras
        }
        observation = {**images, STATE_KEY: self._state(), TASK_KEY: TASK}
        for feature in self._body.features:
            feature.perceive(observation, self._body.tick)
        return observation

    def _state(self) -> np.ndarray:
        truth, params = self._body.truth(), self.params
        self._seen = truth
        bricks = len(truth.held)
        x, y = truth.x_m / params.half_m, truth.y_m / params.half_m
        if params.state == "predecessor":
            values = [x, y, truth.yaw_rad / math.pi, truth.bricks_left / bricks]
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
                truth.bricks_on_floor / bricks,
            ]
        return np.clip(np.array(values, dtype=np.float32), *self._limits)

    def _info(self, events: dict[str, int]) -> dict[str, Any]:
        collected = self._collected()
        success = collected >= self._scenario.success.share
        return {"success": success, "progress": collected, "events": events}

    def _collected(self) -> float:
        """Share of the bricks that success asks for that lie in the box."""
        wanted = self._body.scene.required
        asked = int(np.count_nonzero(wanted))
        return int(np.count_nonzero(self._body.delivered & wanted)) / asked if asked else 1.0
