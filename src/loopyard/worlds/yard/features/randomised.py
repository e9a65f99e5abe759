"""Domain randomisation as a feature of the yard: puts into the model what a scene has drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from loopyard.core.seeds import stream
from loopyard.worlds.yard import model as m
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.features.light import FLOOR_RGB
from loopyard.worlds.yard.features.noise import speckle
from loopyard.worlds.yard.friction import FLOOR_FRICTION, Friction
from loopyard.worlds.yard.lamps import Lamps
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.randomise import (
    DAMPING,
    FLOORS,
    SUN_AZIMUTH_DEG,
    SUN_ELEVATION_DEG,
    yard_table,
)

if TYPE_CHECKING:
    from loopyard.worlds.yard.body import YardBody
    from loopyard.worlds.yard.placing import Placer
    from loopyard.worlds.yard.scene import Scene

SOFT_LIGHT = 0.6
"""Share of the sun's light that comes from all round where shadows are softest."""
DRIVEN_JOINTS = ("left", "right", "lift", "bucket")
_TEXTURES = {
    "tile": 'builtin="checker" rgb1=".80 .80 .78" rgb2=".74 .75 .74" mark="edge" '
    'markrgb=".52 .52 .50"',
    "concrete": 'builtin="flat" rgb1=".56 .56 .55" mark="random" markrgb=".46 .46 .45" random=".3"',
    "carpet": 'builtin="flat" rgb1=".32 .22 .34" mark="random" markrgb=".22 .15 .26" random=".5"',
    "laminate": 'builtin="checker" rgb1=".64 .58 .50" rgb2=".58 .52 .44" mark="edge" '
    'markrgb=".44 .38 .32"',
}
_REPEATS = {"tile": "1 1", "concrete": ".5 .5", "carpet": "1 1", "laminate": ".8 2.4"}


class Randomised(Feature):
    """The last feature of a randomised yard. What a scene has not drawn stays as it was built, to
    the bit; every scene sets all of it."""

    name = "randomised"

    def assets(self) -> str:
        return "".join(
            f'<texture name="floor_{look}" type="2d" width="128" height="128" {texture}/>'
            f'<material name="floor_{look}" texture="floor_{look}" texrepeat="{_REPEATS[look]}" '
            f'texuniform="true"/>'
            for look, texture in _TEXTURES.items()
        )

    def bind(self, body: YardBody) -> None:
        model = body.model
        self._nominal = {part.name: part.at_rest for part in yard_table(YardParams())}
        self._lamps, self._friction = Lamps(model), Friction(model)
        self._sun = model.light("sun").id
        self._ego = model.camera("ego").id
        self._fovy, self._eye = float(model.cam_fovy[self._ego]), model.cam_pos[self._ego].copy()
        floors = (model.geom_contype == m.FLOOR) & np.isclose(
            model.geom_rgba[:, :3], FLOOR_RGB, atol=1e-3
        ).all(axis=1)
        planks = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "planks")
        self._floors = [*np.flatnonzero(floors).tolist(), *([planks] if planks >= 0 else [])]
        self._floor_mat = model.geom_matid[self._floors].copy()
        self._floor_rgba = model.geom_rgba[self._floors].copy()
        self._joints = np.array([model.joint(name).dofadr[0] for name in DRIVEN_JOINTS])
        self._damping = model.dof_damping[self._joints].copy()
        self._gravity = model.opt.gravity.copy()
        bricks = range(self.params.bricks)
        self._bricks = np.array([model.body(f"brick_{index}").id for index in bricks])
        dofs = np.array([model.joint(f"brick_{index}").dofadr[0] for index in bricks])
        self._brick_dofs = (dofs[:, None] + np.arange(6)).ravel()
        self._heavier = [
            (values, at, values[at].copy())
            for values, at in (
                (model.body_mass, self._bricks),
                (model.body_subtreemass, self._bricks),
                (model.body_inertia, self._bricks),
                (model.dof_M0, self._brick_dofs),
            )
        ]
        self._lighter = [
            (values, at, values[at].copy())
            for values, at in (
                (model.body_invweight0, self._bricks),
                (model.dof_invweight0, self._brick_dofs),
            )
        ]

    def dress(self, scene: Scene, placer: Placer, rng: np.random.Generator) -> Scene:
        factors = scene.drawn.get("brick_colour")
        if factors is None or factors == (1.0, 1.0, 1.0):
            return scene
        colours = np.clip(scene.brick_rgb * np.array(factors), 0.0, 1.0)
        return replace(scene, brick_rgb=colours.astype(np.float32))

    def place(self, body: YardBody, scene: Scene, key: tuple[str, int]) -> None:
        self._key = key
        drawn = {**self._nominal, **scene.drawn}
        self._grain = float(drawn["image_noise"])
        self._box_known = "box_corner" not in scene.drawn
        if self.params.light == "normal":  # else the light is the scenario's own matter
            self._light(body.model, drawn)
        self._lay_floor(body.model, drawn["floor"])
        self._look(body, drawn)
        self._rub(body.model, drawn)
        if self.params.brick_sizes == "same":  # else the sizes tell the masses
            self._weigh(drawn["brick_mass"])
        body.model.dof_damping[self._joints] = self._damping
        if drawn["damping"] != DAMPING:
            body.model.dof_damping[self._joints] *= drawn["damping"] / DAMPING
        self._tilt(body.model, drawn)
        step_ms = 1e3 * body.model.opt.timestep
        body.delay_substeps = round(drawn["motor_delay_ms"] / step_ms)

    def tell(self, fields: dict[str, Any]) -> None:
        fields["box_known"] = self._box_known

    def perceive(self, observation: dict[str, Any], tick: int) -> None:
        if self._grain > 0:
            speckle(observation, self._grain, stream("yard-grain", *self._key, tick))

    # -- what is seen ------------------------------------------------------------------------

    def _light(self, model: mujoco.MjModel, drawn: Mapping[str, Any]) -> None:
        self._lamps.reset(model)
        azimuth, elevation = drawn["light_azimuth_deg"], drawn["light_elevation_deg"]
        if (azimuth, elevation) != (SUN_AZIMUTH_DEG, SUN_ELEVATION_DEG):
            self._lamps.stand(model, azimuth, elevation)
        soft, ambient = SOFT_LIGHT * drawn["shadow_softness"], drawn["ambient"]
        if soft or ambient != 1.0:
            self._lamps.shine(model, sun=1.0 - soft, ambient=ambient)
            model.vis.headlight.ambient[:] += soft * model.light_diffuse[self._sun]

    def _lay_floor(self, model: mujoco.MjModel, look: str) -> None:
        model.geom_matid[self._floors] = self._floor_mat
        model.geom_rgba[self._floors] = self._floor_rgba
        if look != FLOORS[0]:
            model.geom_matid[self._floors] = model.mat(f"floor_{look}").id
            model.geom_rgba[self._floors] = 1.0

    def _look(self, body: YardBody, drawn: Mapping[str, Any]) -> None:
        model = body.model
        model.cam_fovy[self._ego] = self._fovy + drawn["fov_deg"]
        model.cam_pos[self._ego] = self._eye + np.array(drawn["camera_m"])
        body.view_half_rad = body.half_view(float(model.cam_fovy[self._ego]))

    # -- what is felt ------------------------------------------------------------------------

    def _rub(self, model: mujoco.MjModel, drawn: Mapping[str, Any]) -> None:
        self._friction.reset(model)
        if drawn["floor_friction"] != FLOOR_FRICTION:
            self._friction.floor(model, drawn["floor_friction"])
        if drawn["bucket_friction"] != FLOOR_FRICTION:
            self._friction.bucket(model, drawn["bucket_friction"])

    def _weigh(self, factor: float) -> None:
        for values, at, built in self._heavier:
            values[at] = built * factor
        for values, at, built in self._lighter:
            values[at] = built / factor

    def _tilt(self, model: mujoco.MjModel, drawn: Mapping[str, Any]) -> None:
        model.opt.gravity[:] = self._gravity
        tilt = math.radians(drawn["floor_tilt_deg"])
        if tilt:
            towards, down = math.radians(drawn["floor_tilt_to_deg"]), float(-self._gravity[2])
            along = down * math.sin(tilt)
            model.opt.gravity[:] = (
                along * math.cos(towards),
                along * math.sin(towards),
                -down * math.cos(tilt),
            )
