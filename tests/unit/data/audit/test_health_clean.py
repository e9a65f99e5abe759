"""No false alarm of health or memorising: twenty clean datasets of four kinds of robot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from defects.health import moving_drive

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.audit import Thresholds, audit
from loopyard.data.builder import DatasetBuilder
from loopyard.data.importers.importer import unlimited

EPISODES = 40
LIMITS = Thresholds(episodes_warn=EPISODES, frames_a_parameter_warn=0)
Drive = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
"""(generator, ticks) -> (T, S) states and (T, A) actions."""


def follower_arm(rng: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Joints that follow position targets from home by way of four places and back."""
    home = np.linspace(-0.4, 0.4, 6)
    way = np.vstack([home, home + rng.normal(0, 0.5, (4, 6)), home])
    place = np.linspace(0, 5, ticks)
    leg = np.minimum(place.astype(int), 4)
    part = (place - leg)[:, None]
    part = part**2 * (3 - 2 * part)
    target = way[leg] * (1 - part) + way[leg + 1] * part
    joints = target.copy()
    for tick in range(1, ticks):
        joints[tick] = joints[tick - 1] + 0.6 * (target[tick - 1] - joints[tick - 1])
    return joints + rng.normal(0, 1e-3, joints.shape), target


def hand(rng: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """A hand by velocity, with a gripper that opens or shuts at each place it reaches."""
    place, goal = rng.uniform(-0.5, 0.5, (2, 3))
    shut, grip, states, actions = 0.0, 0.0, [], []
    for _ in range(ticks):
        speed = np.clip(4 * (goal - place), -1, 1)
        if np.linalg.norm(goal - place) < 0.05:
            shut, goal = 1.0 - shut, rng.uniform(-0.5, 0.5, 3)
        states.append([*place, grip])
        actions.append([*speed, 2 * shut - 1])
        place, grip = place + 0.05 * speed, grip + 0.3 * (shut - grip)
    return np.array(states), np.array(actions)


def base(rng: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """A turning base that drives to one place after another; its yaw begins anew at pi."""
    place, goal, yaw = rng.uniform(-3, 3, 2), rng.uniform(-3, 3, 2), rng.uniform(-np.pi, np.pi)
    states, actions = [], []
    for _ in range(ticks):
        away = goal - place
        turn = (np.arctan2(away[1], away[0]) - yaw + np.pi) % (2 * np.pi) - np.pi
        speed = min(1.0, float(np.linalg.norm(away))) * max(0.0, np.cos(turn))
        states.append([*place, yaw])
        actions.append([speed, np.clip(1.5 * turn, -1, 1)])
        place = place + 0.1 * speed * np.array([np.cos(yaw), np.sin(yaw)])
        yaw = (yaw + 0.2 * actions[-1][1] + np.pi) % (2 * np.pi) - np.pi
        if np.linalg.norm(away) < 0.2:
            goal = rng.uniform(-3, 3, 2)
    return np.array(states), np.array(actions)


def slider(rng: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    return moving_drive(int(rng.integers(1 << 30)), ticks)


ROBOTS: dict[str, tuple[Drive, int, VectorSpec, VectorSpec]] = {
    "follower arm": (
        follower_arm,
        50,
        unlimited([f"joint_{i}" for i in range(6)]),
        unlimited([f"joint_{i}" for i in range(6)]),
    ),
    "hand with a gripper": (
        hand,
        20,
        unlimited(["x", "y", "z", "grip"]),
        VectorSpec(tuple(Channel(name) for name in ("dx", "dy", "dz", "gripper"))),
    ),
    "turning base": (
        base,
        10,
        unlimited(["x", "y", "yaw"]),
        VectorSpec((Channel("linear_x"), Channel("angular_z"))),
    ),
    "slider": (
        slider,
        30,
        unlimited(["x", "y", "speed"]),
        VectorSpec((Channel("steering"), Channel("throttle"))),
    ),
}


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_clean_data_raises_no_alarm(tmp_path: Path, robot: str, seed: int) -> None:
    drive, fps, state, action = ROBOTS[robot]
    spec = WorldSpec("toy", robot, fps, 999, "do it", state, action, ())
    builder, rng = DatasetBuilder(tmp_path, spec), np.random.default_rng(seed)
    for slot in range(EPISODES):
        recorder = builder.recorder(slot)
        states, actions = drive(rng, int(rng.integers(90, 130)))
        for observed, label in zip(states, actions, strict=True):
            recorder.add({"observation.state": observed}, label, label)
        steps = len(states)
        outcome = Outcome(True, 1.0, steps, steps / fps, "success")
        recorder.commit(slot, Scenario(world="toy"), outcome)
    report = audit(builder.seal().root, thresholds=LIMITS)
    assert [check for check in report.checks if check.verdict != "pass"] == []
    assert not [check for check in report.checks if "too little to say" in check.found]
    assert next(check for check in report.checks if check.name == "lag").found.startswith("+")
