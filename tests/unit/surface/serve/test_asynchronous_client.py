"""A robot that goes on along its chunk while the server predicts the next one."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import wait

import numpy as np
from telling import CHUNK, LIMIT_S, observation

from loopyard.policies.asynchronous import AsynchronousPolicy


def test_a_slow_server_does_not_hold_the_robot(served, policy):
    with AsynchronousPolicy(served.client(), action_size=3) as robot:
        policy.gate.clear()
        assert [robot.act(observation(0.5)).tolist() for _ in range(2)] == [[0.0, 0.0, 0.0]] * 2
        policy.gate.set()
        assert robot._coming is not None
        assert wait([robot._coming], LIMIT_S).done
        policy.gate.clear()
        driven = [robot.act(observation(0.7)) for _ in range(2, CHUNK + 1)]
        np.testing.assert_allclose(driven, [[0.5, 0, 0.2], [0.5, 0, 0.3], [0, 0, 0]], atol=1e-6)
        policy.gate.set()


def test_it_needs_no_more_on_the_robot_than_the_client():
    code = "import sys; import loopyard.policies.asynchronous; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "mujoco", "gymnasium", "pydantic", "pyarrow"}
    assert {name.split(".")[0] for name in done.stdout.split()}.isdisjoint(heavy)
