"""The yard as MuJoCo XML: floor, kerb, box, furniture, loader and bricks.

Geom groups: 0 is drawn in every view, 1 only in the pretty ones (studs, cab, wood), 3 never.
Collision bits: 1 floor, 2 kerb, box and furniture, 4 loader, 8 bricks. The bucket does not touch
the floor (its lower edge hangs 2 cm over it); everything else that meets, meets for real.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from loopyard.worlds.yard import geometry as g
from loopyard.worlds.yard.features.feature import Feature
from loopyard.worlds.yard.params import YardParams
from loopyard.worlds.yard.placing import FURNITURE_HALF_M

ALWAYS, PRETTY, HIDDEN = 0, 1, 3
FLOOR, STATIC, LOADER, BRICK = 1, 2, 4, 8
BRICK_MEETS = FLOOR | STATIC | LOADER | BRICK

_YELLOW = ".95 .73 .05 1"
_STEEL = ".35 .36 .38 1"
_RUBBER = ".10 .10 .11 1"
_BLUE = ".12 .30 .75 1"
_KERB = ".55 .53 .50 1"
_GLASS = ".25 .38 .48 1"
_OAK = ".45 .30 .18 1"


def yard_xml(params: YardParams, features: Sequence[Feature] = ()) -> str:
    """The model's XML. Places, colours and headings are set at each reset, not here."""
    timestep_s = 1.0 / (params.fps * params.substeps)
    buffer_width, buffer_height = max(params.image_width, 1280), max(params.image_height, 960)
    bricks = "".join(_brick(index) for index in range(params.bricks))
    furniture = "".join(_furniture(index) for index in range(count_solids(params, features)))
    floor = "" if any(part.without_floor() for part in features) else _floor(params)
    kerb = _kerb(params, {side for part in features for side in part.open_sides()})
    special = "".join(part.xml() for part in features)
    holds = "".join(_hold(index) for index in range(params.bricks))
    equality = holds + "".join(part.equality() for part in features)
    assets = "".join(part.assets() for part in features)
    return f"""
<mujoco model="yard">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{timestep_s:.9f}" integrator="implicitfast" cone="pyramidal" iterations="30"/>
  <visual>
    <global offwidth="{buffer_width}" offheight="{buffer_height}" fovy="45"/>
    <quality shadowsize="2048" offsamples="4"/>
    <headlight ambient=".32 .32 .32" diffuse=".25 .25 .25" specular="0 0 0"/>
    <map znear="0.005" zfar="12" shadowclip="0.7"/>
  </visual>
  <statistic extent="{params.room_m:.3f}" center="0 0 0.2"/>
  <asset>
    {_wood()}
    <texture name="sky" type="skybox" builtin="gradient" rgb1=".80 .87 .93" rgb2=".96 .96 .94"
             width="64" height="384"/>
    {assets}
  </asset>
  <default>
    <geom condim="3" friction="0.6 0.005 0.0001" solref="0.012 1"/>
    <default class="look"><geom contype="0" conaffinity="0" mass="0"/></default>
    <default class="static"><geom contype="{STATIC}" conaffinity="0"/></default>
    <default class="chassis"><geom contype="{LOADER}" conaffinity="{FLOOR | STATIC}"/></default>
    <default class="bucket">
      <geom contype="{LOADER}" conaffinity="{STATIC}" rgba="{_STEEL}"/>
    </default>
    <default class="brick"><geom contype="{BRICK}" conaffinity="{BRICK_MEETS}"/></default>
  </default>
  <worldbody>
    <light name="sun" pos="-2 -3 7" dir="0.3 0.4 -0.87" directional="true" diffuse=".62 .60 .56"
           specular=".1 .1 .1" castshadow="true"/>
    {floor}{kerb}{_box(params)}{furniture}{special}
    {_cameras(params)}
    {_loader(params)}{bricks}
  </worldbody>
  <equality>{equality}</equality>
  <actuator>
    <velocity name="left" joint="left" kv="5" forcerange="-11 11"/>
    <velocity name="right" joint="right" kv="5" forcerange="-11 11"/>
    <position name="lift" joint="lift" kp="500" dampratio="1.1" forcerange="-160 160"/>
    <position name="bucket" joint="bucket" kp="140" dampratio="1.1" forcerange="-60 60"/>
  </actuator>
</mujoco>"""


def count_solids(params: YardParams, features: Sequence[Feature]) -> int:
    """How many bodies ``furniture_<index>`` the model has."""
    return params.furniture + sum(part.solids() for part in features)


def _wood() -> str:
    return (
        '<texture name="wood" type="2d" builtin="checker" rgb1=".72 .56 .38" rgb2=".67 .51 .34" '
        'mark="edge" markrgb=".50 .37 .24" width="256" height="256"/>'
        '<material name="wood" texture="wood" texrepeat="2 .5" texuniform="true" specular=".15" '
        'shininess=".2" reflectance=".04"/>'
    )


def _floor(params: YardParams) -> str:
    half = params.room_m / 2
    bits = f'contype="{FLOOR}" conaffinity="0"'
    return (
        f'<geom name="floor" type="plane" size="{half} {half} 20" {bits} rgba=".70 .54 .36 1"/>'
        f'<geom class="look" name="planks" type="plane" size="{half} {half} 20" pos="0 0 .001" '
        f'material="wood" group="{PRETTY}"/>'
    )


def _kerb(params: YardParams, without: set[str]) -> str:
    at, half, thick, tall = params.half_m, params.half_m, g.KERB_M / 2, g.KERB_HEIGHT_M / 2
    sides = {"east": (1, 0), "west": (-1, 0), "north": (0, 1), "south": (0, -1)}
    long = half + g.KERB_M
    return "".join(
        f'<geom class="static" name="kerb_{name}" type="box" rgba="{_KERB}" '
        f'pos="{x * (at + thick)} {y * (at + thick)} {tall}" '
        f'size="{thick if x else long} {thick if y else long} {tall}"/>'
        for name, (x, y) in sides.items()
        if name not in without
    )


def _box(params: YardParams) -> str:
    half, wall, tall = params.box_side_m / 2, g.BOX_WALL_M / 2, g.BOX_WALL_HEIGHT_M / 2
    walls = "".join(
        f'<geom class="static" name="box_{name}" type="box" rgba="{_BLUE}" '
        f'pos="{x * (half - wall)} {y * (half - wall)} {tall}" '
        f'size="{wall if x else half} {wall if y else half} {tall}"/>'
        for name, (x, y) in {"e": (1, 0), "w": (-1, 0), "n": (0, 1), "s": (0, -1)}.items()
    )
    return (
        f'<body name="box" pos="{params.box_centre_m} {params.box_centre_m} 0">{walls}'
        f'<geom class="look" name="box_floor" type="box" pos="0 0 .004" rgba=".08 .20 .52 1" '
        f'size="{half} {half} .004"/></body>'
    )


def _furniture(index: int) -> str:
    x, y, z = FURNITURE_HALF_M[0]
    return (
        f'<body name="furniture_{index}"><geom class="static" name="furniture_{index}" type="box" '
        f'pos="0 0 {z}" size="{x} {y} {z}" rgba="{_OAK}"/></body>'
    )


def _cameras(params: YardParams) -> str:
    room = params.room_m
    return (
        f'<camera name="birds_eye" pos="0 0 {1.28 * room}" fovy="45" xyaxes="1 0 0 0 1 0"/>'
        f'<camera name="side" pos="0 {-0.95 * room} {0.42 * room}" fovy="45" '
        f'xyaxes="1 0 0 0 .41 .91"/>'
        f'<camera name="front" pos="{0.95 * room} 0 {0.42 * room}" fovy="45" '
        f'xyaxes="0 1 0 -.41 0 .91"/>'
    )


def _loader(params: YardParams) -> str:
    front, rear, wide = g.CHASSIS_FRONT_M, g.CHASSIS_REAR_M, g.CHASSIS_HALF_WIDTH_M
    middle, half = (front - rear) / 2, (front + rear) / 2
    sin, cos = math.sin(g.EGO_PITCH_RAD), math.cos(g.EGO_PITCH_RAD)
    ex, ey, ez = g.EGO_POSITION_M
    return f"""
    <body name="loader">
      <freejoint name="loader"/>
      <geom class="chassis" name="chassis" type="box" pos="{middle} 0 .19" size="{half} {wide} .12"
            mass="26" friction=".3 .005 .0001" rgba="{_YELLOW}"/>
      {_caster("left", 1)}{_caster("right", -1)}
      {_cab()}
      <camera name="ego" pos="{ex} {ey} {ez}" fovy="{g.EGO_FOVY_DEG}"
              xyaxes="0 -1 0 {sin} 0 {cos}"/>
      <camera name="follow" pos="-2.3 0 1.9" fovy="50" xyaxes="0 -1 0 .53 0 .85"/>
      {_wheel("left", 1)}{_wheel("right", -1)}
      <body name="boom" pos="{g.BOOM_PIVOT_X_M} 0 {g.BOOM_PIVOT_Z_M}">
        <joint name="lift" type="hinge" axis="0 -1 0" range="-.75 .35" damping="6" armature=".3"/>
        <geom class="look" name="boom" type="box" mass="2" pos="{g.BOOM_LENGTH_M / 2} 0 0"
              size="{g.BOOM_LENGTH_M / 2} .045 .03" rgba="{_YELLOW}"/>
        {_bucket()}
      </body>
    </body>"""


def _caster(name: str, side: int) -> str:
    # Priority makes the caster's own frictionless contact win over the floor's friction.
    tyre = (
        f'type="cylinder" size=".10 .04" zaxis="0 1 0" pos="-.34 {side * 0.21} .10" '
        f'rgba="{_RUBBER}" group="{PRETTY}"'
    )
    return (
        f'<geom class="chassis" name="caster_{name}" type="sphere" size=".06" condim="1" '
        f'priority="1" pos="-.34 {side * 0.14} .06" mass=".5" group="{HIDDEN}"/>'
        f'<geom class="look" {tyre}/>'
    )


def _cab() -> str:
    return (
        f'<geom class="look" type="box" pos="-.14 0 .44" size=".13 .15 .13" rgba="{_GLASS}" '
        f'group="{PRETTY}"/>'
        f'<geom class="look" type="box" pos="-.14 0 .585" size=".15 .17 .015" rgba="{_YELLOW}" '
        f'group="{PRETTY}"/>'
        f'<geom class="look" type="box" pos="-.37 0 .36" size=".09 .17 .05" rgba="{_YELLOW}" '
        f'group="{PRETTY}"/>'
        f'<geom class="look" type="cylinder" pos="-.42 .08 .46" size=".02 .06" rgba="{_STEEL}" '
        f'group="{PRETTY}"/>'
    )


def _wheel(name: str, side: int) -> str:
    half_track = side * g.WHEEL_TRACK_M / 2
    return (
        f'<body name="{name}" pos="0 {half_track} {g.WHEEL_RADIUS_M}">'
        f'<joint name="{name}" type="hinge" axis="0 1 0" damping=".05" armature=".02"/>'
        f'<geom class="chassis" name="wheel_{name}" type="sphere" size="{g.WHEEL_RADIUS_M}" '
        f'mass="2" friction="1.1 .005 .0001" group="{HIDDEN}"/>'
        f'<geom class="look" type="cylinder" size="{g.WHEEL_RADIUS_M} .055" zaxis="0 1 0" '
        f'rgba="{_RUBBER}" group="{PRETTY}"/>'
        f'<geom class="look" type="cylinder" size=".07 .058" zaxis="0 1 0" rgba="{_YELLOW}" '
        f'group="{PRETTY}"/>'
        f"</body>"
    )


def _bucket() -> str:
    deep, wide, tall = g.BUCKET_DEPTH_M / 2, g.BUCKET_HALF_WIDTH_M, g.BUCKET_HALF_HEIGHT_M
    cheeks = "".join(
        f'<geom class="bucket" name="cheek_{name}" type="box" mass=".4" '
        f'pos="{deep} {side * (wide + 0.012)} -.01" size="{deep} .012 {tall - 0.01}"/>'
        for name, side in (("left", 1), ("right", -1))
    )
    teeth = "".join(
        f'<geom class="look" type="box" pos=".012 {y} {-tall}" size=".02 .02 .008" '
        f'rgba=".75 .75 .76 1" group="{PRETTY}"/>'
        for y in (-0.2, -0.1, 0.0, 0.1, 0.2)
    )
    return f"""
        <body name="bucket" pos="{g.BOOM_LENGTH_M} 0 0">
          <joint name="bucket" type="hinge" axis="0 -1 0" range="-1.2 2.4" damping="2"
                 armature=".08"/>
          <geom class="bucket" name="back_plate" type="box" mass="1" pos="-.012 0 0"
                size=".012 {wide + 0.024} {tall}"/>
          {cheeks}{teeth}
        </body>"""


def _brick(index: int) -> str:
    x, y, z = g.BRICK.x_m, g.BRICK.y_m, g.BRICK.z_m
    studs = "".join(
        f'<geom class="look" name="stud_{index}_{number}" type="cylinder" size=".018 .010" '
        f'pos="{(column - 1.5) * x / 2:.4f} {(row - 0.5) * y:.4f} {z + 0.010:.4f}" '
        f'group="{PRETTY}"/>'
        for number, (column, row) in enumerate((c, r) for c in range(4) for r in range(2))
    )
    return (
        f'<body name="brick_{index}"><freejoint name="brick_{index}"/>'
        f'<geom class="brick" name="brick_{index}" type="box" size="{x} {y} {z}" '
        f'mass="{g.BRICK_MASS_KG}"/>{studs}</body>'
    )


def _hold(index: int) -> str:
    return (
        f'<weld name="hold_{index}" body1="bucket" body2="brick_{index}" active="false" '
        f'solref=".02 1"/>'
    )
