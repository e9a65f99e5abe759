"""Defects of health and memorising: data that holds together and teaches the wrong thing.

The base is a dataset of wandering drives; a defect rewrites its labels or states.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from defects.bases import picture
from defects.defect import DATA, ROWS, Defect, change_column, change_table
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder

EPISODES, FRAMES, FPS = 24, 90, 10
ACTION, STATE = "action", "observation.state"
PATTERN = "{boxes}box_{orientation}_{side}_{core}_{distance}[_evening]"
WORLD = WorldSpec(
    world="toy",
    preset="moving",
    fps=FPS,
    max_steps=FRAMES,
    task="go to the target",
    state=VectorSpec((Channel("x"), Channel("y"), Channel("speed"))),
    action=VectorSpec((Channel("steering"), Channel("throttle"))),
    cameras=(CameraSpec("ego", 16, 16),),
)


def moving_drive(seed: int, frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) states and (T, 2) actions: x and y follow the actions, which go to targets that only
    the picture would show, a new one every two seconds or so."""
    rng = np.random.default_rng([11, seed])
    place, target = rng.uniform(-0.8, 0.8, 2), rng.uniform(-0.9, 0.9, 2)
    states, actions, speed = [], [], 0.0
    for _ in range(frames):
        if rng.random() < 0.05:
            target = rng.uniform(-0.9, 0.9, 2)
        action = np.clip(3.0 * (target - place) + rng.normal(0, 0.03, 2), -1, 1)
        states.append([*place, speed])
        actions.append(action)
        place = np.clip(place + 0.1 * action, -1, 1)
        speed = float(np.linalg.norm(0.1 * action))
    return np.array(states, np.float32), np.array(actions, np.float32)


def make_moving(
    root: Path,
    name: Callable[[int], str] = lambda slot: f"episode_{slot}",
    task: Callable[[int], str | None] = lambda slot: None,
    spec: WorldSpec = WORLD,
    episodes: int = EPISODES,
) -> Path:
    """name and task: of each slot, as an importer tells them in meta."""
    builder = DatasetBuilder(root, spec)
    for slot in range(episodes):
        recorder = builder.recorder(slot)
        states, actions = moving_drive(slot, FRAMES - slot % 7)
        for state, action in zip(states, actions, strict=True):
            image = picture(state, spec.cameras[0])
            recorder.add({spec.cameras[0].key: image, STATE: state}, action, action)
        steps = len(states)
        meta = {"name": name(slot)} | ({"task": task(slot)} if task(slot) else {})
        outcome = Outcome(True, 1.0, steps, steps / spec.fps, "success")
        recorder.commit(slot, Scenario(world="toy"), outcome, meta=meta)
    return builder.seal().root


Change = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(actions, states, episode, tick) -> actions."""


def relabel(change: Change) -> Callable[[Path], None]:
    """Plants other actions, in the label and in what drove alike."""

    def plant(root: Path) -> None:
        table = pq.ParquetFile(root / DATA).read()
        state, episode, tick = (
            np.array(table[name].to_pylist()) for name in (STATE, "episode_index", "frame_index")
        )
        for column in (ACTION, "executed_action"):
            change_column(root, column, lambda v: change(v, state, episode, tick))

    return plant


def restate(change: Callable[[np.ndarray, np.ndarray], None]) -> Callable[[Path], None]:
    """Plants other states: ``change`` writes to (states, episode)."""

    def plant(root: Path) -> None:
        episode = np.array(pq.ParquetFile(root / DATA).read()["episode_index"].to_pylist())
        change_column(root, STATE, lambda values: change(values, episode))

    return plant


def _shifted(ticks: int) -> Change:
    def change(
        actions: np.ndarray, states: np.ndarray, episode: np.ndarray, tick: np.ndarray
    ) -> np.ndarray:
        moved = np.roll(actions, -ticks, axis=0)
        for one in np.unique(episode):
            rows = np.flatnonzero(episode == one)
            moved[rows] = actions[np.clip(rows + ticks, rows[0], rows[-1])]
        return moved

    return change


def _held(actions: np.ndarray, episode: np.ndarray) -> np.ndarray:
    """Each episode keeps the action that it begins with, but for a little noise."""
    first = np.searchsorted(episode, episode)
    return actions[first] + np.random.default_rng(0).normal(0, 0.02, actions.shape)


def _taped(tick: np.ndarray) -> np.ndarray:
    """The same tape in every episode: labels that follow the frame index."""
    return np.stack([0.8 * np.sin(tick / 5), 0.8 * np.cos(tick / 7)], axis=1)


def _five_only(actions: np.ndarray) -> np.ndarray:
    """The predecessor's: five combinations, such as forward and two ways of turning."""
    table = np.array([[0, 0.8], [0.6, 0.8], [-0.6, 0.8], [0.6, 0.2], [0, 0]])
    return table[((actions - table[:, None]) ** 2).sum(axis=2).argmin(axis=0)]


def _teleport(states: np.ndarray, episode: np.ndarray) -> None:
    rows = np.flatnonzero(episode == 5)
    states[rows[40:], 0] = np.clip(states[rows[40:], 0] * 0.2 + 0.8, -1, 1)
    states[rows[:40], 0] = states[rows[:40], 0] * 0.2 - 0.8


def _part(column: int, share: float, value: float) -> Change:
    def change(
        actions: np.ndarray, states: np.ndarray, episode: np.ndarray, tick: np.ndarray
    ) -> np.ndarray:
        rows = np.random.default_rng(0).random(len(actions)) < share
        actions[rows, column] = value
        return actions

    return change


def _evening(root: Path) -> None:
    """As an importer tells strata."""
    path = root / "meta/loopyard_episodes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for place, row in enumerate(rows):
        row["meta"]["strata"] = {"light": "evening" if place == 3 else "day"}
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def _idle_words(root: Path) -> None:
    words = [[f"pass on the {('left', 'right')[place % 2]}"] for place in range(EPISODES)]

    def told(table: pa.Table) -> pa.Table:
        place = table.column_names.index("tasks")
        return table.set_column(place, table.schema.field("tasks"), pa.array(words))

    change_table(root, told, ROWS)


_PLANTED: list[Defect] = [
    Defect("robot left standing", "idle", relabel(lambda a, s, e, t: a * (t < 5)[:, None]), "fail"),
    Defect("a channel that is hardly used", "zero: throttle", relabel(_part(1, 0.8, 0.0)), "warn"),
    Defect("a channel at its stop", "saturated: steering", relabel(_part(0, 0.8, 1.0)), "warn"),
    Defect(
        "labels recorded at a tenth of the rate",
        "constant: steering",
        relabel(lambda a, s, e, t: a[np.arange(len(a)) // 10 * 10]),
        "warn",
    ),
    Defect(
        "five action combinations",
        "distinct actions",
        relabel(lambda a, s, e, t: _five_only(a)),
        "warn",
    ),
    Defect(
        "always the same line",
        "coverage",
        restate(lambda v, e: v.__setitem__((slice(None), slice(1, 3)), v[:, :1] * [0.5, 0.1])),
        "warn",
    ),
    Defect("a reset within an episode", "jumps: x", restate(_teleport), "warn"),
    Defect(
        "noise for labels",
        "jerk: steering",
        relabel(lambda a, s, e, t: np.random.default_rng(0).uniform(-0.9, 0.9, a.shape)),
        "warn",
    ),
    Defect("actions three ticks early", "lag", relabel(_shifted(3)), "warn"),
    Defect("actions four ticks late", "lag", relabel(_shifted(-4)), "warn"),
    Defect(
        "only ever to one side",
        "asymmetry: steering",
        relabel(lambda a, s, e, t: np.abs(a) * [1, 1]),
        "warn",
    ),
    Defect(
        "a driver who gets slower",
        "drift: action.throttle",
        relabel(lambda a, s, e, t: np.clip(a + [0, 0.6] * (0.5 - e / EPISODES)[:, None], -1, 1)),
        "warn",
    ),
    Defect(
        "a sensor that wanders",
        "drift: observation.state.y",
        restate(lambda v, e: v.__setitem__((slice(None), 1), v[:, 1] + 0.1 * e)),
        "warn",
    ),
    Defect(
        "labels that follow the frame index",
        "frame index",
        relabel(lambda a, s, e, t: _taped(t)),
        "warn",
    ),
    Defect(
        "each episode one action",
        "previous action",
        relabel(lambda a, s, e, t: _held(a, e)),
        "warn",
    ),
    Defect(
        "labels that need no image",
        "state alone",
        relabel(lambda a, s, e, t: np.clip(-1.5 * s[:, :2] + 0.3 * s[:, 1::-1] ** 2, -1, 1)),
        "warn",
    ),
    Defect("one evening drive among 24", "imbalance: light", _evening, "warn"),
    Defect("words that nobody followed", "instruction", _idle_words, "warn"),
]

HEALTH = [replace(defect, base="moving") for defect in _PLANTED]
