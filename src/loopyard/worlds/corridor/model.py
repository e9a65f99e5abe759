"""The corridor as MuJoCo XML: floor, walls, two boxes, a cup and the base.

Geom groups: 0 is drawn in every view, 1 only in the pretty ones. The base moves on two slides and a
hinge, as a holonomic base's wheels let it; what it meets, it meets for real.
"""

from __future__ import annotations

import math

from loopyard.worlds.corridor import geometry as g
from loopyard.worlds.corridor.params import CorridorParams
from loopyard.worlds.corridor.scene import CUP_RGB

MOST_BOXES = 2
BASE, STATIC = 1, 2


def corridor_xml(params: CorridorParams) -> str:
    """The model's XML. Places, sizes and colours of the boxes are set at each reset, not here."""
    timestep_s = 1.0 / (params.fps * params.substeps)
    width, height = max(params.image_width, 1280), max(params.image_height, 960)
    boxes = "".join(
        f'<body name="box_{index}"><geom class="static" name="box_{index}" type="box" '
        f'size=".1 .1 .1" rgba=".5 .4 .3 1"/></body>'
        for index in range(MOST_BOXES)
    )
    gain = g.BASE_MASS_KG / g.LAG_S
    return f"""
<mujoco model="corridor">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{timestep_s:.9f}" integrator="implicitfast" cone="pyramidal" gravity="0 0 0"/>
  <visual>
    <global offwidth="{width}" offheight="{height}" fovy="45"/>
    <quality shadowsize="2048" offsamples="4"/>
    <headlight ambient=".34 .34 .34" diffuse=".25 .25 .25" specular="0 0 0"/>
    <map znear="0.01" zfar="20"/>
  </visual>
  <statistic extent="4" center="2.5 0 0.2"/>
  <asset>
    <texture name="sky" type="skybox" builtin="gradient" rgb1=".80 .87 .93" rgb2=".96 .96 .94"
             width="64" height="384"/>
    <texture name="tiles" type="2d" builtin="checker" rgb1=".66 .66 .64" rgb2=".60 .60 .58"
             width="128" height="128"/>
    <material name="tiles" texture="tiles" texrepeat="2 2" texuniform="true"/>
  </asset>
  <default>
    <geom condim="1" solref="0.02 1"/>
    <default class="look"><geom contype="0" conaffinity="0" mass="0"/></default>
    <default class="static"><geom contype="{STATIC}" conaffinity="{BASE}"/></default>
    <default class="base"><geom contype="{BASE}" conaffinity="{STATIC}"/></default>
  </default>
  <worldbody>
    <light name="sun" pos="1 -2 5" dir="0.25 0.35 -0.9" directional="true" diffuse=".62 .60 .56"
           specular=".05 .05 .05" castshadow="true"/>
    {_room(params)}{boxes}
    <body name="cup">
      <geom class="look" name="cup" type="cylinder" pos="0 0 {g.CUP_HALF_HEIGHT_M}"
            size="{g.CUP_RADIUS_M} {g.CUP_HALF_HEIGHT_M}"
            rgba="{CUP_RGB[0]} {CUP_RGB[1]} {CUP_RGB[2]} 1"/>
    </body>
    {_base()}
    <camera name="birds_eye" pos="2.4 0 6.4" fovy="45" xyaxes="0 -1 0 1 0 0"/>
  </worldbody>
  <actuator>
    <velocity name="x" joint="x" kv="{gain:.6f}"/>
    <velocity name="y" joint="y" kv="{gain:.6f}"/>
    <velocity name="yaw" joint="yaw" kv="{0.2 / g.LAG_S:.6f}"/>
  </actuator>
</mujoco>"""


def _room(params: CorridorParams) -> str:
    middle, half = (g.BEYOND_M - g.BEHIND_M) / 2, (g.BEYOND_M + g.BEHIND_M) / 2
    wide, tall = params.half_width_m, g.WALL_HEIGHT_M / 2
    size = f'pos="{middle} 0 0" size="{half} {wide} 20"'
    walls = "".join(
        f'<geom class="static" name="wall_{name}" type="box" rgba=".80 .78 .74 1" '
        f'pos="{x} {y} {tall}" size="{half_x} {half_y} {tall}"/>'
        for name, x, y, half_x, half_y in (
            ("left", middle, wide + 0.05, half, 0.05),
            ("right", middle, -wide - 0.05, half, 0.05),
            ("end", g.BEYOND_M + 0.05, 0.0, 0.05, wide + 0.1),
            ("rear", -g.BEHIND_M - 0.05, 0.0, 0.05, wide + 0.1),
        )
    )
    return (
        f'<geom class="look" name="floor" type="plane" {size} rgba=".63 .63 .61 1"/>'
        f'<geom class="look" name="tiles" type="plane" {size.replace(" 0 0", " 0 .001", 1)} '
        f'material="tiles" group="1"/>{walls}'
    )


def _base() -> str:
    sin, cos = (f(math.radians(g.EGO_PITCH_DEG)) for f in (math.sin, math.cos))
    x, y, z = g.EGO_POSITION_M
    half = g.BASE_HEIGHT_M / 2
    return f"""
    <body name="base">
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="y" type="slide" axis="0 1 0"/>
      <joint name="yaw" type="hinge" axis="0 0 1"/>
      <geom class="base" name="base" type="cylinder" pos="0 0 {half}"
            size="{g.BASE_RADIUS_M} {half}" mass="{g.BASE_MASS_KG}" rgba=".15 .16 .18 1"/>
      <geom class="look" name="nose" type="box" pos=".12 0 {g.BASE_HEIGHT_M + 0.01}"
            size=".05 .02 .01" rgba=".95 .75 .10 1"/>
      <camera name="ego" pos="{x} {y} {z}" fovy="{g.EGO_FOVY_DEG}"
              xyaxes="0 -1 0 {sin} 0 {cos}"/>
      <camera name="follow" pos="-1.6 0 1.5" fovy="50" xyaxes="0 -1 0 .55 0 .84"/>
    </body>"""
