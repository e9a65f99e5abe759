"""The corridor: a base goes round boxes on the side it is told, to a cup, as a Gymnasium world."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.core.specs import STATE_KEY, TASK_KEY
from loopyard.worlds.corridor.body import CorridorBody, CorridorSnapshot
from loopyard.worlds.corridor.cases import other_side, validation_cases
from loopyard.worlds.corridor.instructions import TASK
from loopyard.worlds.corridor.params import corridor_params
from loopyard.worlds.corridor.randomise import drawn_for
from loopyard.worlds.corridor.scene import draw_scene, scene_digest
from loopyard.worlds.corridor.signals import corridor_layout, corridor_signals
from loopyard.worlds.corridor.spec import (
    INTERFACE,
    LONG_M,
    WIDE_M,
    box,
    corridor_spec,
    observation_space,
)
from loopyard.worlds.corridor.truth import CorridorTruth
from loopyard.worlds.randomisation import plain
from loopyard.worlds.rendering import CameraView
from loopyard.worlds.world import ValidationCase

PRETTY_SIZE = (640, 480)


class CorridorWorld(gymnasium.Env[dict[str, Any], np.ndarray]):
    """A holonomic base, one or two boxes before it, and a cup beyond them.

    Action (2,) float32: linear_x in [0, 1] (ahead) and linear_y in [-1, 1] (left positive), both of
    ``max_speed_mps``; with ``turning`` a third, angular_z, of ``max_turn_radps``. The base looks
    ahead and cannot drive backward.

    Observation: ``observation.images.<camera>`` (H, W, 3) uint8, ``task``, the instruction, and
    ``observation.state`` float32: (6,) with ``state: pose``, by default (0,): image and instruction
    are all there is. The picture does not tell the side: the same scene exists with both.

    The drive ends when the cup is reached (success), a box is passed on the wrong side, anything
    is touched, or the cup is missed; ``outcome_reason`` says which. Reward 1 for success.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, preset: str = "starter", render_mode: str | None = "rgb_array", **overrides: Any
    ) -> None:
        """Raises ConfigError for an unknown preset or parameter."""
        self.preset, self.render_mode = preset, render_mode
        self._base_overrides = overrides
        self.params = corridor_params(preset, overrides)
        self.metadata = {**type(self).metadata, "render_fps": self.params.fps}
        self.world_spec = corridor_spec(self.params, preset)
        self.max_steps, self.task = self.params.max_steps, TASK
        self.observation_space = observation_space(self.world_spec)
        self.action_space = box(self.world_spec.action)
        self._body = CorridorBody(self.params)
        self._views: dict[tuple[int, int, bool, bool], CameraView] = {}
        self._ready = False

    # -- Gymnasium ---------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set up the scene of ``seed`` and ``options["scenario"]`` (default: this world's own).

        Without a seed, one is drawn from the environment's own generator. ``info["drawn"]`` holds
        the scene's stratum by name and by its parts (``strata``), and what domain randomisation
        drew.

        Raises:
            WorldError: the scenario is another world's, or asks for other cameras, action or
                state than this instance was made with.
        """
        super().reset(seed=seed)
        scene_seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self._adopt((options or {}).get("scenario") or self.scenario())
        self._key = scene_digest(self._scenario), scene_seed
        drawn = drawn_for(self._scenario, self._key)
        self._body.params = self.params
        self._body.place(draw_scene(self.params, *self._key, drawn))
        self._ready = True
        scene = self._body.scene
        told = {"stratum": scene.stratum, "strata": dict(scene.strata), **plain(drawn)}
        return self.observe(), {**self._info({}), "drawn": told}

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One control tick. Raises WorldError before the first reset or for a malformed action."""
        over = self._advance(action)
        terminated = self._body.ended is not None
        info = self._info(self._events)
        return self.observe(), float(info["success"]), terminated, over and not terminated, info

    def render(self) -> np.ndarray:  # type: ignore[override]
        """(480, 640, 3) uint8: the pretty view from behind."""
        return self.camera_image("follow", *PRETTY_SIZE)

    def close(self) -> None:
        for view in self._views.values():
            view.close()
        self._views = {}

    # -- the world protocol ------------------------------------------------------------------

    def scenario(self) -> Scenario:
        """The general scenario of this world's preset and overrides."""
        return Scenario(
            world="corridor",
            preset=self.preset,
            params=self._base_overrides,
            expected="reach_the_cup",
        )

    def swapped(self, scenario: Scenario, seed: int) -> Scenario:
        """See `loopyard.worlds.world.Instructed`."""
        params = corridor_params(scenario.preset, scenario.params)
        return other_side(scenario, draw_scene(params, scene_digest(scenario), seed).side)

    def validation_cases(self, scenario: Scenario) -> tuple[ValidationCase, ...]:
        """See `loopyard.worlds.world.Instructed`."""
        return validation_cases(scenario)

    def truth(self) -> CorridorTruth:
        return self._body.truth()

    def signals(self) -> dict[str, float]:
        body = self._body
        return corridor_signals(
            body.truth(), body.turn_radps, body.touching, reached=body.succeeded
        )

    def layout(self) -> dict[str, np.ndarray]:
        return corridor_layout(self._body.truth())

    def snapshot(self) -> CorridorSnapshot:
        """The whole state as a value; `restore` in the same scene is exact to the bit."""
        return self._body.snapshot()

    def restore(self, snapshot: CorridorSnapshot) -> None:
        self._body.restore(snapshot)

    @property
    def instruction(self) -> str:
        """What the base is told in this scene."""
        return self._body.scene.instruction

    @property
    def outcome_reason(self) -> str | None:
        """Why the drive ended before its time, or None."""
        return None if self._body.succeeded else self._body.ended

    def observe(self) -> dict[str, Any]:
        """The observation of this moment, drawn anew."""
        size = self.params.image_width, self.params.image_height
        seen: dict[str, Any] = {
            camera.key: self._noisy(self._view(*size, pretty=self.params.pretty), camera.name)
            for camera in self.world_spec.cameras
        }
        return {**seen, STATE_KEY: self._state(), TASK_KEY: self.instruction}

    def step_blind(self, action: np.ndarray) -> bool:
        """`step` without drawing the cameras, for forked rollouts of an expert.

        Returns True when the episode is over.
        """
        return self._advance(action)

    def camera_image(self, name: str, width: int, height: int, *, even: bool = False) -> np.ndarray:
        """(height, width, 3) uint8: a pretty picture from any of the three cameras."""
        return self._view(width, height, pretty=True, even=even).draw(self._body.data, name)

    # -- inside ------------------------------------------------------------------------------

    def _adopt(self, scenario: Scenario) -> None:
        """Take a scenario's parameters; the model is the same for all that may differ."""
        if scenario.world != "corridor":
            raise WorldError(f"corridor: scenario: found one of world '{scenario.world}'")
        params = corridor_params(scenario.preset, scenario.params)
        spec = corridor_spec(params, scenario.preset)
        for part, of in INTERFACE.items():
            if of(spec) != of(self.world_spec):
                raise WorldError(
                    f"corridor: scenario: {part}: found {of(spec)}, "
                    f"expected {of(self.world_spec)} as this world was made"
                )
        self.params, self._scenario = params, scenario
        within_s = scenario.success.within_s
        self.max_steps = params.max_steps
        if within_s is not None:
            self.max_steps = min(params.max_steps, round(within_s * params.fps))

    def _advance(self, action: np.ndarray) -> bool:
        if not self._ready:
            raise WorldError("corridor: step: called before reset")
        action = np.asarray(action, dtype=np.float64)
        size = self.world_spec.action.size
        if action.shape != (size,) or not np.isfinite(action).all():
            raise WorldError(f"corridor: action: found {action!r}, expected {size} finite numbers")
        self._events = self._body.advance(np.clip(action, -1.0, 1.0))
        return self._body.ended is not None or self._body.tick >= self.max_steps

    def _view(self, width: int, height: int, *, pretty: bool, even: bool = False) -> CameraView:
        key = width, height, pretty, even
        if key not in self._views:
            self._views[key] = CameraView(self._body.model, width, height, pretty=pretty, even=even)
        return self._views[key]

    def _noisy(self, view: CameraView, camera: str) -> np.ndarray:
        picture = view.draw(self._body.data, camera)
        sigma = float(self._body.scene.drawn.get("image_noise", 0.0))
        if not sigma:
            return picture
        rng = stream("corridor-noise", *self._key, self._body.tick)
        grain = rng.normal(0.0, 255.0 * sigma, picture.shape)
        return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)

    def _state(self) -> np.ndarray:
        if self.params.state == "none":
            return np.zeros(0, np.float32)
        truth, limits = self._body.truth(), box(self.world_spec.state)
        speed = self.params.max_speed_mps
        values = (
            truth.x_m / LONG_M,
            truth.y_m / WIDE_M,
            math.cos(truth.yaw_rad),
            math.sin(truth.yaw_rad),
            truth.vx_mps / speed,
            truth.vy_mps / speed,
        )
        return np.clip(np.array(values, np.float32), limits.low, limits.high)

    def _info(self, events: dict[str, int]) -> dict[str, Any]:
        body = self._body
        return {"success": body.succeeded, "progress": body.progress(), "events": events}
