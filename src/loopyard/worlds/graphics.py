"""What to say where a camera cannot render."""

from __future__ import annotations

import os

from loopyard.core.errors import GraphicsError


def no_graphics(error: Exception) -> GraphicsError:
    """Names how rendering was asked for, what came of it, and what to install."""
    reason = str(error).rstrip(". ") or type(error).__name__
    return GraphicsError(
        f"cannot render a camera with MUJOCO_GL={os.environ.get('MUJOCO_GL')}: {reason}. "
        "Expected egl, and its libraries: on Debian or Ubuntu, "
        "apt-get install libegl1 libgl1 libgl1-mesa-dri"
    )
