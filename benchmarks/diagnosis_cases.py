"""What each script must be diagnosed as, the scenes it drives, and how a drive is made.

The truth comes from how a script is built. A drive that succeeds by chance is no failure, and one
that did not come to show what it should (`Stage.shown`) proves nothing: both are left out, and
counted. Patterns that a script may or may not show (a slow circle may fit the size of a stall) are
named in `may` and are not judged in its drives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diagnosis_scripts import f1, f2, f3, f4, f5, f6, patterns
from diagnosis_scripts.stage import Stage
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.core.specs import TASK_KEY
from loopyard.evaluation.metrics import VIOLATION_PREFIX
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.rollout import RolloutJob
from loopyard.evaluation.trace import Trace, TraceRecorder
from loopyard.worlds.tally import Tally
from loopyard.worlds.yard.params import PRESETS
from loopyard.worlds.yard.spec import TASK
from loopyard.worlds.yard.world import YardWorld

STARTER: dict[str, Any] = {}
TWO: dict[str, Any] = {"bricks": 2, "bucket_capacity": 1, "time_limit_s": 40.0}
FURNISHED: dict[str, Any] = {"bricks": 3, "furniture": 1, "bucket_capacity": 2, "room_m": 7.0}
MID = PRESETS["mid"]
ANY = (STARTER, TWO, FURNISHED, MID)
SEVERAL = (TWO, FURNISHED, MID)
SOLID = (FURNISHED, MID)
HAZARDS: tuple[dict[str, Any], ...] = (
    {"hazard": "hole", "room_m": 7.0},
    {"hazard": "cliff", "room_m": 7.0},
)
STRIDES = (2, 5, 10, 20)
SHOWS_S = 9.0
"""What a script is about has to last so long, or its drive is left out."""
JITTERS = (0.03, 0.06, 0.09)
"""Standard deviation of what is added to steering and throttle while the loader drives."""


@dataclass(frozen=True)
class Ground:
    """A world that scripts drive. make: of some parameters, one that draws no pictures. stage: how
    scripts see it. drives: 1 for each action channel that moves the robot, where noise is put."""

    world: str
    make: Callable[[dict[str, Any]], Any]
    stage: Callable[[Any, np.random.Generator], Any]
    drives: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """A script and its truth. failure: a class, or None where the script leaves it open.

    chunk_noise: an offset of this size on what drives, another one in each chunk. reason: how the
    world must end the drive, or it does not count.
    """

    name: str
    make: Callable[[Any], Any]
    failure: str | None
    patterns: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    scenes: tuple[dict[str, Any], ...] = ANY
    chunk_noise: float = 0.0
    steady: bool = False
    reason: str | None = None
    ground: Ground = field(default_factory=lambda: YARD)


@dataclass(frozen=True)
class Drive:
    """One scripted drive. shown: it came to show what its case says."""

    case: Case
    seed: int
    scenario: Scenario
    trace: Trace
    outcome: Outcome
    shown: bool


@dataclass
class BlindYard(YardWorld):
    """A yard that draws no pictures: a script needs none."""

    preset: str = "starter"
    params_of_it: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.preset, **self.params_of_it)

    def _observation(self) -> dict[str, Any]:
        return {TASK_KEY: TASK}


YARD = Ground("yard", lambda params: BlindYard(params_of_it=params), Stage, (1.0, 1.0, 0.0, 0.0))


def case(
    make: Callable[[Any], Any], failure: str | None, patterns: str = "", may: str = "", **more: Any
) -> Case:
    name = more.pop("name", make.__name__)
    return Case(name, make, failure, frozenset(patterns.split()), frozenset(may.split()), **more)


LIFT, WALL, STALL = "LIFTING_LOOP_TRAP", "WALL_STUCK", "SEARCH_STALL"
COLLAPSE, JERK, DROPPED = "ACTION_COLLAPSE", "CHUNK_JERK", "DROPPED_IN_TRANSPORT"
GHOST, UNSAFE = "GHOST_TARGET", "UNSAFE"

CASES = (
    case(f1.stands, "F1", f"{STALL} {COLLAPSE}"),
    case(f1.stops_short, "F1", STALL),
    case(f1.wanders, "F1"),
    case(f1.gives_up_after_one, "F1", STALL, scenes=SEVERAL),
    case(f1.wanders_after_one, "F1", scenes=SEVERAL),
    case(f2.pushes, "F2"),
    case(f2.stands_at_brick, "F2"),
    case(f2.curls_early, "F2"),
    case(f2.lifts_open, "F2", LIFT),
    case(f2.lifts_again_and_again, "F2", LIFT),
    case(f2.carries_nothing, "F2", LIFT, may=STALL),
    case(f3.holds_still, "F3"),
    case(f3.tours_with_load, "F3"),
    case(f3.stops_before_box, "F3"),
    case(f3.dumps_midway, "F3", DROPPED),
    case(f3.drops_and_leaves, "F3", DROPPED, may=STALL),
    case(f4.circles, "F4", may=STALL),
    case(f4.spins, "F4", STALL),
    case(f4.back_and_forth, "F4", may=STALL),
    case(f4.dithers, "F4", STALL),
    case(f4.shuttles, "F4"),
    case(f4.carries_in_circles, "F4"),
    case(f5.rams_furniture, "F5", scenes=SOLID),
    case(f5.rams_again_and_again, "F5", scenes=SOLID),
    case(f5.backs_into_furniture, "F5", scenes=SOLID),
    case(f5.pushes_the_box, "F5"),
    case(f6.presses_on_kerb, "F6", WALL),
    case(f6.backs_onto_kerb, "F6", WALL),
    case(f6.presses_with_load, "F6", WALL),
    case(f6.presses_in_corner, "F6", WALL),
    case(patterns.frees_itself, "F1", f"{WALL} {STALL}"),
    case(patterns.lifts_nowhere, "F1", f"{LIFT} {STALL}"),
    case(patterns.transports_nothing, "F1", LIFT),
    case(patterns.one_value, None, COLLAPSE, may=f"{STALL} {WALL} {LIFT}", steady=True),
    case(f1.wanders, "F1", JERK, chunk_noise=0.5, name="wanders_in_jerks"),
    case(f3.tours_with_load, "F3", JERK, chunk_noise=0.5, name="tours_in_jerks"),
    case(patterns.scoops_at_nothing, "F1", GHOST, may=STALL),
    case(patterns.scoops_where_one_was, "F1", GHOST, may=STALL, scenes=(TWO, MID)),
    case(patterns.stops_in_the_zone, "F1", UNSAFE, may=STALL, scenes=HAZARDS),
    case(patterns.drives_over_the_edge, "F1", UNSAFE, may=STALL, scenes=HAZARDS),
)


def drive(what: Case, seed: int) -> Drive:
    """Drives a case on the scene of a seed: always the same drive."""
    rng = stream("diagnosis-case", what.name, seed)
    params = what.scenes[seed % len(what.scenes)]
    scenario = Scenario(world=what.ground.world, preset="starter", params=params)
    world = _world(what.ground, scenario)
    stride = int(rng.choice(STRIDES[1:] if what.chunk_noise else STRIDES))
    moves = _Moves(what, rng, stride)
    recorder, tally = TraceRecorder(stride), Tally(world.params.fps, world.max_steps)
    obs, info = world.reset(seed=seed, options={"scenario": scenario})
    recorder.begin(RolloutJob(scenario, seed), world, obs, info)
    stage = what.ground.stage(world, rng)
    script = what.make(stage)
    tick, ended = 0, False
    while not ended:
        stage.truth, stage.tick = world.truth(), tick
        action = moves.of(tick, next(script))
        recorder.tick(tick, world, obs, action, info)
        obs, _, terminated, truncated, info = world.step(action)
        ended = tally.add(world, action, terminated=terminated, truncated=truncated, info=info)
        tick += 1
    outcome = tally.outcome()
    recorder.end(RolloutRecord(seed, scenario, outcome), world, obs, info)
    # Whether a safety rule was broken is the world's to say: nobody else knows its zones.
    unsafe = any(name.startswith(VIOLATION_PREFIX) for name in outcome.counts)
    lasted = stage.began == 0 or tick - stage.began >= SHOWS_S * world.params.fps
    shown = stage.shown and lasted and (unsafe or UNSAFE not in what.patterns)
    shown = shown and what.reason in (None, outcome.reason)
    return Drive(what, seed, scenario, recorder.trace(), outcome, shown)


_WORLDS: dict[str, Any] = {}


def _world(ground: Ground, scenario: Scenario) -> Any:
    """A world is kept for the next drive: to build one takes as long as many of its ticks."""
    if scenario.digest not in _WORLDS:
        _WORLDS[scenario.digest] = ground.make(scenario.params)
    return _WORLDS[scenario.digest]


class _Moves:
    """What a script wants, as an imperfect policy executes it in chunks."""

    def __init__(self, what: Case, rng: np.random.Generator, stride: int) -> None:
        self._rng, self._stride, self._chunk_noise = rng, stride, what.chunk_noise
        self._jitter = 0.0 if what.steady else float(rng.choice(JITTERS))
        self._drives = np.array(what.ground.drives)
        self._offset = np.zeros(len(self._drives))

    def of(self, tick: int, wanted: np.ndarray) -> np.ndarray:
        """(A,) float32."""
        drives, size = self._drives, len(self._drives)
        if self._chunk_noise and tick % self._stride == 0:
            self._offset = drives * self._rng.uniform(-self._chunk_noise, self._chunk_noise, size)
        jitter = drives * self._rng.normal(0.0, self._jitter, size) if np.any(wanted[:2]) else 0.0
        return np.clip(wanted + self._offset + jitter, -1.0, 1.0).astype(np.float32)
