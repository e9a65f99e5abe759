"""An observation of a client that may be shown to a policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from loopyard.core.errors import ServeError, expected
from loopyard.core.specs import STATE_KEY, TASK_KEY, CameraSpec
from loopyard.surface.serve.interface import Interface
from loopyard.surface.serve.wire import array_of

WHERE = "observation"


def read_observation(value: Any, interface: Interface) -> dict[str, Any]:
    """What the policy looks at, checked; what it does not look at is left out.

    Raises:
        ServeError: a camera or the state is missing, of another size or type, or not finite; the
            instruction is missing or empty.
    """
    if not isinstance(value, dict):
        raise ServeError(expected(WHERE, "observation", type(value).__name__, "a map"))
    obs: dict[str, Any] = {camera.key: _image(value, camera) for camera in interface.cameras}
    if interface.state.size:
        obs[STATE_KEY] = _state(value, interface.state.size)
    task = value.get(TASK_KEY, "")
    if not isinstance(task, str):
        raise ServeError(expected(WHERE, TASK_KEY, type(task).__name__, "a text"))
    if interface.reads_task and not task.strip():
        raise ServeError(expected(WHERE, TASK_KEY, task, "an instruction"))
    obs[TASK_KEY] = task
    return obs


def read_history(value: Any, interface: Interface) -> tuple[dict[str, Any], ...]:
    """The observations of the ticks before, oldest first; of too many the newest.

    Raises:
        ServeError: it is no list, or as `read_observation`.
    """
    if not isinstance(value, list):
        raise ServeError(expected(WHERE, "history", type(value).__name__, "a list"))
    most = interface.n_obs_steps - 1
    return tuple(read_observation(one, interface) for one in value[max(0, len(value) - most) :])


def _image(value: dict[str, Any], camera: CameraSpec) -> np.ndarray:
    image = array_of(WHERE, camera.key, _part(value, camera.key))
    wanted = (camera.height, camera.width, 3)
    if image.shape != wanted or image.dtype != np.uint8:
        found = f"{image.shape} {image.dtype}"
        raise ServeError(expected(WHERE, camera.key, found, f"{wanted} uint8"))
    return image


def _state(value: dict[str, Any], size: int) -> np.ndarray:
    state = array_of(WHERE, STATE_KEY, _part(value, STATE_KEY))
    if state.shape != (size,) or state.dtype != np.float32:
        found = f"{state.shape} {state.dtype}"
        raise ServeError(expected(WHERE, STATE_KEY, found, f"({size},) float32"))
    finite = np.isfinite(state)
    if not finite.all():
        place = int(np.argmin(finite))
        found = float(state[place])
        raise ServeError(expected(WHERE, f"{STATE_KEY}[{place}]", found, "a finite number"))
    return state


def _part(value: dict[str, Any], key: str) -> Any:
    if key not in value:
        has = sorted(name[:40] for name in value if isinstance(name, str))[:8]
        raise ServeError(expected(WHERE, key, has, "this too"))
    return value[key]
