"""The yard's physics: MuJoCo model and data, the hold on bricks, and the events of a tick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from loopyard.core.errors import WorldError
from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.catalogue import features_of
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.scene import Scene
from loopyard.worlds.yard.shapes import resize_box
from loopyard.worlds.yard.signals import yard_signals
from loopyard.worlds.yard.truth import YardTruth

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
STEERING, THROTTLE, BUCKET, LIFT = range(4)
TOUCHING = ("boundary_contact", "furniture_contact", "box_contact")
"""Events that are counted when the touch begins, not while it lasts."""


@dataclass(frozen=True)
class YardSnapshot:
    """All that a later tick depends on, within one scene."""

    physics: np.ndarray
    levers: np.ndarray
    slots: np.ndarray
    delivered: np.ndarray
    touching: np.ndarray
    tries: np.ndarray
    tick: int
    ended: str | None
    features: tuple[Any, ...]


class YardBody:
    """One model, one moment. Of the model's bricks, those that a scene lacks are not there.

    slots: (N,) int, each brick's place in the bucket, or -1. tries: (N,) int, how often the bucket
    closed on it in vain. tick: control ticks since the scene was set up. ended: why the drive is
    over before its time, in a word, or None.
    """

    def __init__(self, params: YardParams, *, randomised: bool = False) -> None:
        self.params = params
        self.features = features_of(params, randomised=randomised)
        self.model = mujoco.MjModel.from_xml_string(m.yard_xml(params, self.features))
        self.data = mujoco.MjData(self.model)
        names = self.model
        self._loader_q = names.joint("loader").qposadr[0]
        self._loader_v = names.joint("loader").dofadr[0]
        self._lift_q = names.joint("lift").qposadr[0]
        self._bucket_q = names.joint("bucket").qposadr[0]
        bricks = range(params.bricks)
        self._every_brick_q = np.array([names.joint(f"brick_{i}").qposadr[0] for i in bricks])
        self._every_brick_v = np.array([names.joint(f"brick_{i}").dofadr[0] for i in bricks])
        self._box_body = names.body("box").id
        self._bucket_body = names.body("bucket").id
        self._brick_geom = np.array([names.geom(f"brick_{i}").id for i in bricks])
        self._brick_body = np.array([names.body(f"brick_{i}").id for i in bricks])
        self._stud_geom = [
            np.array([names.geom(f"stud_{i}_{k}").id for k in range(8)]) for i in bricks
        ]
        self._hold = np.array([names.equality(f"hold_{i}").id for i in bricks])
        solids = range(m.count_solids(params, self.features))
        self._solid_body = [names.body(f"furniture_{i}").id for i in solids]
        self._solid_geom = [names.geom(f"furniture_{i}").id for i in solids]
        self._touch_kind = self._touch_kinds()
        self._is_loader = self.model.geom_contype == m.LOADER
        self.view_half_rad = self.half_view(g.EGO_FOVY_DEG)
        self.delay_substeps = 0
        self.levers = np.zeros(2)
        self.slots = np.full(params.bricks, -1)
        self.delivered = np.zeros(params.bricks, dtype=bool)
        self._touching = np.zeros(len(TOUCHING), dtype=bool)
        self.tries = np.zeros(params.bricks, dtype=int)
        self.tick = 0
        self.ended: str | None = None
        for feature in self.features:
            feature.bind(self)

    def place(self, scene: Scene, key: tuple[str, int]) -> None:
        """Everything as the scene has it, and at rest. key: scenario digest and scene seed."""
        self.scene = scene
        self.model.body_pos[self._box_body, :2] = scene.box
        mujoco.mj_resetData(self.model, self.data)
        self._set_out(len(scene.bricks))
        qpos = self.data.qpos
        qpos[self._loader_q : self._loader_q + 7] = _pose(*scene.loader, z=0.0)
        qpos[self._lift_q] = g.LIFT_LOW_RAD
        qpos[self._bucket_q] = -g.LIFT_LOW_RAD
        for index, (x, y, yaw) in enumerate(scene.bricks):
            at = self._brick_q[index]
            qpos[at : at + 7] = _pose(x, y, yaw, z=scene.brick_half_m[index, 2])
            colour = scene.brick_rgb[index]
            self.model.geom_rgba[self._brick_geom[index], :3] = colour
            self.model.geom_rgba[self._stud_geom[index], :3] = colour
            self.model.geom_rgba[self._stud_geom[index], 3] = 1.0
        self._fits = scene.brick_half_m[:, 1] < g.MOUTH_HALF_WIDTH_M
        self._place_solids(scene)
        self.tick, self.ended = 0, None
        self.tries = np.zeros(len(scene.bricks), dtype=int)
        self.levers = np.zeros(2)
        self.slots = np.full(len(scene.bricks), -1)
        self.delivered = np.zeros(len(scene.bricks), dtype=bool)
        self._touching = np.zeros(len(TOUCHING), dtype=bool)
        self._apply_holds()
        self._send_levers()
        for feature in self.features:
            feature.place(self, scene, key)
        mujoco.mj_forward(self.model, self.data)

    def advance(self, action: np.ndarray) -> dict[str, int]:
        """One control tick under an action (4,) in [-1, 1]; what happened in it, counted.

        Raises:
            WorldError: the physics diverged.
        """
        tick_s = 1.0 / self.params.fps
        rates = np.array([g.LIFT_RATE_PER_S, g.BUCKET_RATE_PER_S])
        self.levers = np.clip(self.levers + action[[LIFT, BUCKET]] * rates * tick_s, 0.0, 1.0)
        self._sent_before = self.data.ctrl.copy()
        self._send_levers()
        self._send_wheels(action[STEERING], action[THROTTLE])
        for feature in self.features:
            feature.before(self)
        self._run()
        if self.data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
            raise WorldError("yard: physics: found a non-finite acceleration")
        # Positions have moved on since the last forward pass: the cameras and the hold need theirs.
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        # Delivery first: a brick let go in this very tick has not begun to fall.
        events = {**self._delivery_events(), **self._hold_events(), **self._touch_events()}
        for feature in self.features:
            events |= feature.after(self)
        self.tick += 1
        return events

    def truth(self) -> YardTruth:
        qpos = self.data.qpos
        x, y, _, qw, qx, qy, qz = qpos[self._loader_q : self._loader_q + 7].tolist()
        lift, bucket = self._lift_and_bucket()
        fields: dict[str, Any] = dict(
            x_m=x,
            y_m=y,
            yaw_rad=math.atan2(2 * (qw * qz + qx * qy), 1 - 2 * (qy * qy + qz * qz)),
            lift=lift,
            bucket=bucket,
            lift_target=float(self.levers[0]),
            bucket_target=float(self.levers[1]),
            bricks=self._brick_places(),
            held=self.slots >= 0,
            delivered=self.delivered.copy(),
            furniture=self.scene.solids[:, :5],
            view_half_rad=self.view_half_rad,
            params=self.params,
            box_m=self.scene.box,
            required=self.scene.required,
            fits=self._fits,
            tries=self.tries.copy(),
        )
        for feature in self.features:
            feature.tell(fields)
        return YardTruth(**fields)

    def signals(self, truth: YardTruth) -> dict[str, float]:
        """truth: of this very moment."""
        moving = self.data.qvel[self._loader_v : self._loader_v + 6].tolist()
        return yard_signals(truth, self._touching, (moving[0], moving[1]), moving[5])

    def half_view(self, fovy_deg: float) -> float:
        """Half of the ego camera's horizontal view, from its vertical one."""
        aspect = self.params.image_width / self.params.image_height
        return math.atan(math.tan(math.radians(fovy_deg) / 2) * aspect)

    def snapshot(self) -> YardSnapshot:
        physics = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, physics, _STATE)
        return YardSnapshot(
            physics,
            self.levers.copy(),
            self.slots.copy(),
            self.delivered.copy(),
            self._touching.copy(),
            self.tries.copy(),
            self.tick,
            self.ended,
            tuple(feature.state() for feature in self.features),
        )

    def restore(self, snapshot: YardSnapshot) -> None:
        self.levers = snapshot.levers.copy()
        self.slots = snapshot.slots.copy()
        self.delivered = snapshot.delivered.copy()
        self._touching = snapshot.touching.copy()
        self.tries = snapshot.tries.copy()
        self.tick, self.ended = snapshot.tick, snapshot.ended
        self._apply_holds()
        for feature, state in zip(self.features, snapshot.features, strict=True):
            feature.set_state(state, self)
        mujoco.mj_setState(self.model, self.data, snapshot.physics, _STATE)
        mujoco.mj_forward(self.model, self.data)
        # The forward pass warms the solver anew; a bit-exact future needs the stored start.
        mujoco.mj_setState(self.model, self.data, snapshot.physics, _STATE)

    # -- actuators ---------------------------------------------------------------------------

    def _run(self) -> None:
        """The tick's physics; motors that are slow do what they did before for some of it."""
        late, sent = self.delay_substeps, self.data.ctrl.copy()
        if late:
            self.data.ctrl[:] = self._sent_before
            mujoco.mj_step(self.model, self.data, late)
            self.data.ctrl[:] = sent
        mujoco.mj_step(self.model, self.data, self.params.substeps - late)

    def _send_levers(self) -> None:
        lift_rad = g.LIFT_LOW_RAD + self.levers[0] * (g.LIFT_HIGH_RAD - g.LIFT_LOW_RAD)
        # The linkage keeps the bucket's tilt to the ground while the boom swings.
        self.data.ctrl[2:] = lift_rad, self.levers[1] * g.CURL_RAD - lift_rad

    def _send_wheels(self, steering: float, throttle: float) -> None:
        turn = steering * self.params.max_turn_radps * g.WHEEL_TRACK_M / 2
        speed = throttle * self.params.max_speed_mps
        self.data.ctrl[:2] = np.array([speed - turn, speed + turn]) / g.WHEEL_RADIUS_M

    def _lift_and_bucket(self) -> tuple[float, float]:
        boom, tilt = self.data.qpos[self._lift_q], self.data.qpos[self._bucket_q]
        lift = (boom - g.LIFT_LOW_RAD) / (g.LIFT_HIGH_RAD - g.LIFT_LOW_RAD)
        return float(lift), float((boom + tilt) / g.CURL_RAD)

    # -- holding bricks ----------------------------------------------------------------------

    def _hold_events(self) -> dict[str, int]:
        lift, bucket = self._lift_and_bucket()
        if g.HOLD_ABOVE < bucket < g.HOLD_UNTIL and lift < g.HOLD_LIFT:
            return self._take()
        if bucket < g.RELEASE_BELOW and lift > g.RELEASE_LIFT and (self.slots >= 0).any():
            return self._let_go()
        return {}

    def _take(self) -> dict[str, int]:
        free_slots = sorted(set(range(self.params.bucket_capacity)) - set(self.slots.tolist()))
        if not free_slots:
            return {}
        taken = 0
        for index in np.flatnonzero(self.truth().in_mouth() & ~self.scene.stuck)[: len(free_slots)]:
            self.slots[index] = free_slots[taken]
            taken += 1
        if taken:
            self._apply_holds()
        return {"brick_held": taken} if taken else {}

    def _let_go(self) -> dict[str, int]:
        over_box = self._inside_box(self._brick_places()) & (self.slots >= 0)
        dropped = int((self.slots >= 0).sum() - over_box.sum())
        self.slots[:] = -1
        self._apply_holds()
        return {"brick_dropped": dropped} if dropped else {}

    def _apply_holds(self) -> None:
        """Make the model say what ``slots`` says. A held brick touches nothing but its weld."""
        for index, slot in enumerate(self.slots):
            equality, geom = self._hold[index], self._brick_geom[index]
            held = slot >= 0
            self.data.eq_active[equality] = held
            self.model.geom_contype[geom] = 0 if held else m.BRICK
            self.model.geom_conaffinity[geom] = 0 if held else m.BRICK_MEETS
            if held:
                # eq_data of a weld: anchor (3), relative position (3), relative quaternion (4),
                # torque scale (1).
                relative = (0.0, 0.0, 0.0, *g.SLOTS_M[slot], 1.0, 0.0, 0.0, 0.0, 1.0)
                self.model.eq_data[equality, : len(relative)] = relative

    # -- events ------------------------------------------------------------------------------

    def _brick_places(self) -> np.ndarray:
        return self.data.qpos[self._brick_xyz]

    def _inside_box(self, places: np.ndarray) -> np.ndarray:
        reach = self.params.box_side_m / 2 - g.BOX_WALL_M
        outside = np.abs(places[:, :2] - self.scene.box) >= reach
        return ~(outside[:, 0] | outside[:, 1])

    def _delivery_events(self) -> dict[str, int]:
        places = self._brick_places()
        new = self._inside_box(places) & ~self.delivered
        if not new.any():
            return {}
        falling = np.abs(self.data.qvel[self._brick_v + 2]) > g.AT_REST_MPS
        bucket_off_m = np.abs(places[:, :2] - self.data.xpos[self._bucket_body, :2]).max(axis=1)
        lies = (places[:, 2] < g.BOX_HEAP_M) | (bucket_off_m > g.BUCKET_AWAY_M)
        new &= lies & ~falling & (self.slots < 0)
        self.delivered |= new
        return {"brick_delivered": int(new.sum())} if new.any() else {}

    def _touch_kinds(self) -> np.ndarray:
        """(ngeom,) int: index into TOUCHING of what a geom counts as, -1 for nothing."""
        kinds = np.full(self.model.ngeom, -1)
        for geom in range(self.model.ngeom):
            name = self.model.geom(geom).name
            for prefix, kind in (("kerb_", 0), ("furniture_", 1), ("box_", 2)):
                if name.startswith(prefix):
                    kinds[geom] = kind
        return kinds

    def _touch_events(self) -> dict[str, int]:
        pairs = self.data.contact.geom
        touching = np.zeros(len(TOUCHING), dtype=bool)
        if len(pairs):
            kinds = self._touch_kind[pairs].max(axis=1)
            kinds = kinds[(kinds >= 0) & self._is_loader[pairs].any(axis=1)]
            touching[kinds] = True
        begun = touching & ~self._touching
        self._touching = touching
        return {TOUCHING[kind]: 1 for kind in np.flatnonzero(begun)}

    def _set_out(self, count: int) -> None:
        """Only the first ``count`` bricks are there. The others touch nothing and are not drawn:
        they fall out of the world, which costs nothing."""
        self._brick_q, self._brick_v = self._every_brick_q[:count], self._every_brick_v[:count]
        self._brick_xyz = self._brick_q[:, None] + np.arange(3)
        geoms, absent = self._brick_geom, self._brick_geom[count:]
        self.model.geom_rgba[geoms[:count], 3] = 1.0
        self.model.geom_rgba[absent, 3] = 0.0
        for studs in self._stud_geom[count:]:
            self.model.geom_rgba[studs, 3] = 0.0
        self.model.geom_contype[absent] = self.model.geom_conaffinity[absent] = 0

    def _place_solids(self, scene: Scene) -> None:
        for index, (x, y, yaw, *half) in enumerate(scene.solids):
            body, geom = self._solid_body[index], self._solid_geom[index]
            self.model.body_pos[body] = (x, y, 0.0)
            self.model.body_quat[body] = _pose(x, y, yaw, z=0.0)[3:]
            self.model.geom_pos[geom] = (0.0, 0.0, half[2])
            resize_box(self.model, geom, half)


def _pose(x: float, y: float, yaw: float, *, z: float) -> tuple[float, ...]:
    """x, y, z and the quaternion of a turn about z: a free joint's seven numbers."""
    return x, y, z, math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)
