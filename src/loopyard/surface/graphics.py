"""Can a camera render here? Asked in a process of its own: a broken driver may end it.

``python -m loopyard.surface.graphics`` renders one frame and exits 0, or says why not and exits 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

GL_ADVICE = "sudo apt-get install -y --no-install-recommends libegl1 libgl1 libgl1-mesa-dri"
LIMIT_S = 60.0
SIZE_PX = 64

SCENE = """
<mujoco>
  <worldbody>
    <light pos="0 0 3"/>
    <camera name="eye" pos="0 0 2"/>
    <geom type="box" size=".3 .3 .3" rgba="1 .8 0 1"/>
  </worldbody>
</mujoco>
"""


@dataclass(frozen=True)
class Probe:
    """What a child process found. renderer, vendor: OpenGL's own names of itself, empty where it
    failed."""

    works: bool
    renderer: str
    seconds: float
    error: str
    vendor: str = ""

    @property
    def software(self) -> bool:
        """Whether the processor draws: these are the names of Mesa's and Google's drawers."""
        name = self.renderer.lower()
        return any(word in name for word in ("llvmpipe", "softpipe", "swrast", "swiftshader"))


def probe() -> Probe:
    """Render one frame in a child process with the environment that workers get."""
    from loopyard.executors.local import worker_environment

    start = time.monotonic()
    try:
        child = subprocess.run(
            [sys.executable, "-m", __name__],
            env=worker_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe(False, "", LIMIT_S, f"no frame within {LIMIT_S:.0f} s")
    seconds = time.monotonic() - start
    if child.returncode == 0:
        renderer, _, vendor = child.stdout.strip().partition("\t")
        return Probe(True, renderer, seconds, "", vendor)
    last = (child.stderr.strip() or child.stdout.strip()).splitlines()[-1:]
    error = last[0] if last else f"the process ended with code {child.returncode}"
    return Probe(False, "", seconds, error)


def render_one_frame() -> str:
    """Draw a yellow box and look for its colour; returns the names of renderer and vendor.

    Raises:
        Exception: whatever MuJoCo or the driver raises where there is no way to render.
        RuntimeError: the frame came back without the box.
    """
    import mujoco

    model = mujoco.MjModel.from_xml_string(SCENE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer = mujoco.Renderer(model, SIZE_PX, SIZE_PX)
    try:
        renderer.update_scene(data, camera="eye")
        red, _, blue = (int(value) for value in renderer.render()[SIZE_PX // 2, SIZE_PX // 2])
        if red <= blue + 20:
            raise RuntimeError(f"the frame shows no yellow box: red {red}, blue {blue}")
        return f"{_name('GL_RENDERER')}\t{_name('GL_VENDOR')}"
    finally:
        renderer.close()


def _name(which: str) -> str:
    try:
        from OpenGL import GL

        name: Any = GL.glGetString(getattr(GL, which))
        return name.decode()
    except Exception:  # a name is nice to have, whatever is wrong with it
        return "unnamed"


def main() -> int:
    if sys.platform == "linux":
        os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        print(render_one_frame())
    except Exception as error:
        print(f"{type(error).__name__}: {error}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # before a half-made GL context complains of its end
