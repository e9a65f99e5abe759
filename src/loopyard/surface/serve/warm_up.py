"""First passes before the first robot comes: a network's first ones take many times as long."""

from __future__ import annotations

import numpy as np

from loopyard.core.clock import Clock, Stopwatch
from loopyard.core.errors import LoopyardError
from loopyard.core.specs import STATE_KEY, TASK_KEY
from loopyard.policies.policy import Observation, Policy
from loopyard.surface.serve.interface import Interface

BUDGET_S = 2.0
"""A large network is not kept from serving by passes of every size."""


def warm_up(policy: Policy, interface: Interface, largest: int, clock: Clock) -> int:
    """A pass of each size up to `largest`, as far as the time goes; returns how many were run.

    A policy that does not know the instruction of its own world is left cold.
    """
    watch, nothing, rows = Stopwatch(clock), _nothing(interface), 0
    while rows < largest and watch.seconds() < BUDGET_S:
        try:
            policy.predict_chunks([nothing] * (rows + 1))
        except LoopyardError:
            return rows
        rows += 1
    return rows


def _nothing(interface: Interface) -> Observation:
    images = {
        camera.key: np.zeros((camera.height, camera.width, 3), np.uint8)
        for camera in interface.cameras
    }
    state = np.zeros(interface.state.size, np.float32)
    return {**images, STATE_KEY: state, TASK_KEY: interface.task}
