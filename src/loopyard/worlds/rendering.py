"""Cameras of a MuJoCo world: fast views for learning, pretty ones for people."""

from __future__ import annotations

import mujoco
import numpy as np

from loopyard.worlds.graphics import no_graphics

PLAIN_OFF = (
    mujoco.mjtRndFlag.mjRND_SHADOW,
    mujoco.mjtRndFlag.mjRND_REFLECTION,
    mujoco.mjtRndFlag.mjRND_SKYBOX,
    mujoco.mjtRndFlag.mjRND_FOG,
    mujoco.mjtRndFlag.mjRND_HAZE,
)
"""What a learner's view does without, for speed."""

PLAIN_SHADOWS = 256
"""Side of the shadow map of a plain view that has shadows."""
PLAIN_GROUPS = (0,)
PRETTY_GROUPS = (0, 1)


class CameraView:
    """Draws one size of picture of one model, from any of its cameras.

    Args:
        pretty: shadows, reflections, antialiasing and the geoms of group 1. A plain view has none
            of these and costs about a tenth.
        even: a pretty view without shadows and reflections, for about a fourth of the time.
        shadows, mirrors: a plain or even view with them all the same, where they matter.

    Raises:
        GraphicsError: no GL on this machine.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        width: int,
        height: int,
        *,
        pretty: bool,
        even: bool = False,
        shadows: bool = False,
        mirrors: bool = False,
    ) -> None:
        quality, buffer = model.vis.quality, model.vis.global_
        kept = quality.shadowsize, quality.offsamples, quality.numquads
        kept_size = buffer.offwidth, buffer.offheight
        if not pretty:
            quality.shadowsize, quality.offsamples = PLAIN_SHADOWS if shadows else 0, 0
            if (model.light_type == mujoco.mjtLightType.mjLIGHT_DIRECTIONAL).all():
                # Faces are cut up for lamps that light them unevenly: half of the drawing time.
                quality.numquads = 1
        # Clearing and smoothing work on the whole buffer, however small the picture is.
        buffer.offwidth, buffer.offheight = width, height
        try:
            self._renderer = mujoco.Renderer(model, height, width)
        except Exception as error:
            raise no_graphics(error) from error
        finally:
            quality.shadowsize, quality.offsamples, quality.numquads = kept
            buffer.offwidth, buffer.offheight = kept_size
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[list(PRETTY_GROUPS if pretty else PLAIN_GROUPS)] = 1
        if not pretty:
            for flag in PLAIN_OFF:
                self._renderer.scene.flags[flag] = 0
        if even or not pretty:
            self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = int(shadows)
            self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = int(mirrors)

    def draw(self, data: mujoco.MjData, camera: str) -> np.ndarray:
        """(H, W, 3) uint8 of the scene as ``data`` has it."""
        self._renderer.update_scene(data, camera, self._option)
        return self._renderer.render()

    def close(self) -> None:
        self._renderer.close()
