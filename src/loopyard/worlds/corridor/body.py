"""The corridor's body: its physics, what happens in it, and its whole state as a value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from loopyard.core.errors import WorldError
from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.model import BASE, MOST_BOXES, STATIC, corridor_xml
from loopyard.worlds.corridor.params import CorridorParams
from loopyard.worlds.corridor.scene import Scene
from loopyard.worlds.corridor.truth import CorridorTruth

FORWARD, SIDEWAYS, TURN = 0, 1, 2
AWAY_M = 50.0
"""Where a box stands that a scene does not have."""
EVENING = {"sun": (0.30, 0.20, 0.12), "round": 0.45}
"""Diffuse light of a low sun, and the share that is left of what comes from all round."""

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


@dataclass(frozen=True)
class CorridorSnapshot:
    """Everything that `CorridorBody.restore` needs in the same scene."""

    physics: np.ndarray
    tick: int
    touching: tuple[bool, bool]
    ended: str | None


class CorridorBody:
    """One model, one moment. tick: control ticks since the scene was set up.

    ended: why the drive is over, in a word, or None: ``reached``, ``wrong_side``, ``hit_box``,
    ``hit_wall``, ``missed_cup``.
    """

    def __init__(self, params: CorridorParams) -> None:
        self.params = params
        self.model = mujoco.MjModel.from_xml_string(corridor_xml(params))
        self.data = mujoco.MjData(self.model)
        names = self.model
        self._box_body = [names.body(f"box_{index}").id for index in range(MOST_BOXES)]
        self._box_geom = np.array([names.geom(f"box_{index}").id for index in range(MOST_BOXES)])
        self._cup_body = names.body("cup").id
        self._base_geom = names.geom("base").id
        self._look = Look(self.model)
        self.scene: Scene
        self.tick, self.ended = 0, None
        self._touching = (False, False)

    def place(self, scene: Scene) -> None:
        """Everything as the scene has it; nothing moves but, in some scenes, the base."""
        self.scene, model = scene, self.model
        for index, (body, geom) in enumerate(zip(self._box_body, self._box_geom, strict=True)):
            there = index < len(scene.boxes)
            model.body_pos[body] = (AWAY_M, AWAY_M, 0.0)
            model.geom_contype[geom] = STATIC if there else 0
            model.geom_conaffinity[geom] = BASE if there else 0
            if there:
                x, y, _, *half = scene.boxes[index]
                model.body_pos[body] = (x, y, 0.0)
                model.geom_size[geom] = half
                model.geom_pos[geom] = (0.0, 0.0, half[2])
                model.geom_rbound[geom] = float(np.linalg.norm(half))
                model.geom_aabb[geom] = (0.0, 0.0, 0.0, *half)
                model.geom_rgba[geom, :3] = scene.box_rgb[index]
        model.body_pos[self._cup_body, :2] = scene.cup
        self._look.dress(model, evening=scene.evening, drawn=scene.drawn)
        mujoco.mj_resetData(model, self.data)
        self.data.qpos[:2] = scene.base
        self.data.qvel[0] = scene.speed_mps
        self.tick, self.ended, self._touching = 0, None, (False, False)
        mujoco.mj_forward(model, self.data)

    def advance(self, action: np.ndarray) -> dict[str, int]:
        """One control tick under an action in [-1, 1]; what happened in it, counted.

        Raises:
            WorldError: the physics diverged.
        """
        before = self.data.qpos[:2].copy()
        self._send(action)
        mujoco.mj_step(self.model, self.data, self.params.substeps)
        if self.data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
            raise WorldError("corridor: physics: found a non-finite acceleration")
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        self.tick += 1
        events = {**self._touch_events(), **self._passing_events(before)}
        if self.ended is None:
            self.ended = self._end(events)
        if self.ended == "reached":
            events["cup_reached"] = 1
        return events

    @property
    def succeeded(self) -> bool:
        return self.ended == "reached"

    def progress(self) -> float:
        """0..1: how much of the way from the start to the cup is behind, along the corridor."""
        if self.succeeded:
            return 1.0
        start, cup = self.scene.base[0], self.scene.cup[0] - g.REACH_M
        return float(min(max((self.data.qpos[0] - start) / (cup - start), 0.0), 0.99))

    def truth(self) -> CorridorTruth:
        x, y, yaw = self.data.qpos.tolist()
        vx, vy, _ = self.data.qvel.tolist()
        scene = self.scene
        return CorridorTruth(x, y, yaw, vx, vy, scene.boxes, scene.cup, scene.side, self.params)

    @property
    def turn_radps(self) -> float:
        return float(self.data.qvel[2])

    @property
    def touching(self) -> tuple[bool, bool]:
        """A wall; a box."""
        return self._touching

    def snapshot(self) -> CorridorSnapshot:
        physics = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, physics, _STATE)
        return CorridorSnapshot(physics, self.tick, self._touching, self.ended)

    def restore(self, snapshot: CorridorSnapshot) -> None:
        self.tick, self.ended = snapshot.tick, snapshot.ended
        self._touching = snapshot.touching
        mujoco.mj_setState(self.model, self.data, snapshot.physics, _STATE)
        mujoco.mj_forward(self.model, self.data)
        # The forward pass warms the solver anew; a bit-exact future needs the stored start.
        mujoco.mj_setState(self.model, self.data, snapshot.physics, _STATE)

    # -- inside ------------------------------------------------------------------------------

    def _send(self, action: np.ndarray) -> None:
        """Velocities in the base's own frame; it cannot drive backward."""
        params, yaw = self.params, float(self.data.qpos[2])
        gain = float(self.scene.drawn.get("speed_gain", 1.0)) * params.max_speed_mps
        ahead, left = gain * max(float(action[FORWARD]), 0.0), gain * float(action[SIDEWAYS])
        cos, sin = math.cos(yaw), math.sin(yaw)
        turn = params.max_turn_radps * float(action[TURN]) if params.turning else 0.0
        self.data.ctrl[:] = ahead * cos - left * sin, ahead * sin + left * cos, turn

    def _touch_events(self) -> dict[str, int]:
        """A wall or a box that is touched and was not before."""
        pairs = self.data.contact.geom
        wall = box = False
        for first, second in pairs.tolist():
            other = second if first == self._base_geom else first
            box |= other in self._box_geom
            wall |= other not in self._box_geom
        had_wall, had_box = self._touching
        self._touching = wall, box
        events = {"boundary_contact": wall and not had_wall, "box_contact": box and not had_box}
        return {name: 1 for name, happened in events.items() if happened}

    def _passing_events(self, before: np.ndarray) -> dict[str, int]:
        """Boxes whose middle the base's middle has passed in this tick, on which side."""
        boxes, now = self.scene.boxes, self.data.qpos[:2]
        crossed = (before[0] < boxes[:, 0]) & (now[0] >= boxes[:, 0])
        if not crossed.any():
            return {}
        sign = 1.0 if self.scene.side == "left" else -1.0
        right_side = sign * (now[1] - boxes[crossed, 1]) > 0
        counts = {"box_passed": int(right_side.sum()), "wrong_side": int((~right_side).sum())}
        return {name: count for name, count in counts.items() if count}

    def _end(self, events: Mapping[str, int]) -> str | None:
        if "box_contact" in events:
            return "hit_box"
        if "boundary_contact" in events:
            return "hit_wall"
        if "wrong_side" in events:
            return "wrong_side"
        truth = self.truth()
        if truth.to_cup_m < g.REACH_M:
            return "reached" if (truth.x_m >= self.scene.boxes[:, 0]).all() else None
        return "missed_cup" if truth.x_m > truth.cup[0] + g.PAST_CUP_M else None


class Look:
    """What of the picture a scene changes, and the model's own values to begin from."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._sun, self._ego = model.light("sun").id, model.camera("ego").id
        self._floor = model.geom("floor").id
        self._walls = [model.geom(f"wall_{n}").id for n in ("left", "right", "end", "rear")]
        self._own = {
            "diffuse": model.light_diffuse[self._sun].copy(),
            "dir": model.light_dir[self._sun].copy(),
            "ambient": model.vis.headlight.ambient.copy(),
            "round": model.vis.headlight.diffuse.copy(),
            "fovy": float(model.cam_fovy[self._ego]),
            "camera": model.cam_pos[self._ego].copy(),
            "floor": model.geom_rgba[self._floor].copy(),
            "wall": model.geom_rgba[self._walls[0]].copy(),
        }

    def dress(self, model: mujoco.MjModel, *, evening: bool, drawn: Mapping[str, Any]) -> None:
        """Light, colours and camera of one scene."""
        own, ambient = self._own, float(drawn.get("ambient", 1.0))
        level = ambient * (EVENING["round"] if evening else 1.0)
        model.light_diffuse[self._sun] = EVENING["sun"] if evening else own["diffuse"]
        model.vis.headlight.ambient[:] = level * own["ambient"]
        model.vis.headlight.diffuse[:] = level * own["round"]
        azimuth = math.radians(float(drawn.get("light_azimuth_deg", 0.0)))
        x, y, z = own["dir"]
        cos, sin = math.cos(azimuth), math.sin(azimuth)
        model.light_dir[self._sun] = (x * cos - y * sin, x * sin + y * cos, z)
        tints = {"floor_colour": [self._floor], "wall_colour": self._walls}
        for name, geoms in tints.items():
            factor = np.array(drawn.get(name, (1.0, 1.0, 1.0)))
            base = own["floor" if name == "floor_colour" else "wall"][:3]
            model.geom_rgba[geoms, :3] = np.clip(base * factor, 0.0, 1.0)
        model.cam_fovy[self._ego] = own["fovy"] + float(drawn.get("fov_deg", 0.0))
        model.cam_pos[self._ego] = own["camera"] + np.array(drawn.get("camera_m", (0.0, 0.0, 0.0)))
