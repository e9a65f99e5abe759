"""Generation: the expert drives under noise, in parallel, straight into a dataset."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream, train_seed
from loopyard.core.specs import WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.start import Start, begin, starts_digest
from loopyard.data.video import VideoSettings
from loopyard.executors.executor import Executor
from loopyard.experts.noise import ActionNoise, DartNoise, NoiseSettings, no_noise
from loopyard.experts.registry import make_expert
from loopyard.worlds.registry import make_world
from loopyard.worlds.tally import Tally
from loopyard.worlds.world import spec_of

HOPELESS_SHARE, HOPELESS_AFTER = 0.2, 40
"""An expert that succeeds in less than this share of so many scenes is not worth recording."""


@dataclass(frozen=True)
class DrivePlan:
    """What every expert drive of one dataset has in common.

    expert: ``package.module:ClassName``, or None for the world's own. noise None: clean drives.
    seed: the campaign's; slot i drives its training scene number ``first`` + i.
    starts: slot i begins at the i-th of these, and from the first again after the last; empty for
    the beginning of ``scenario``. All of them have the spec of ``scenario``.
    tries: no more drives than this, even where too few of them succeed; None for no such limit.
    """

    scenario: Scenario
    root: Path
    seed: int = 0
    noise: NoiseSettings | None = field(default_factory=NoiseSettings)
    expert: str | None = None
    video: VideoSettings = field(default_factory=VideoSettings)
    starts: tuple[Start, ...] = ()
    tries: int | None = None
    first: int = 0

    def start_of(self, slot: int) -> tuple[Start, int]:
        """Where this slot's drive begins, and the seed of its scene."""
        start = self.starts[slot % len(self.starts)] if self.starts else Start(self.scenario)
        if start.seed is not None:
            return start, start.seed
        return start, train_seed(self.seed, self.first + slot)


@dataclass(frozen=True)
class Generated:
    """What one call of `generate` did. frames and wall_s are of this call, not of earlier ones."""

    dataset: Dataset
    episodes: int
    failed: int
    frames: int
    wall_s: float

    def facts(self) -> dict[str, Any]:
        """As JSON: the content of ``generate.json``."""
        rate = self.frames / self.wall_s if self.wall_s else 0.0
        return {
            "episodes": self.episodes,
            "failed": self.failed,
            "frames": self.dataset.num_frames,
            "new_frames": self.frames,
            "wall_s": round(self.wall_s, 3),
            "frames_per_s": round(rate, 1),
        }


class ExpertDrive:
    """Drives slots of one plan; world and expert are made once and kept."""

    def __init__(self, plan: DrivePlan) -> None:
        scenario = plan.scenario
        self._plan = plan
        self._world = make_world(scenario.world, preset=scenario.preset, **scenario.params)
        self._spec = spec_of(self._world, scenario.world, scenario.preset)
        self._expert = make_expert(self._world, plan.expert)
        self._phase: Callable[[Any], str] = getattr(self._expert, "phase", _no_phase)

    def __call__(self, slot: int) -> EpisodeRow:
        """Drive one training scene; durable when this returns, apart from the rest if it failed."""
        plan, world = self._plan, self._world
        start, seed = plan.start_of(slot)
        recorder = EpisodeRecorder(plan.root, slot, self._spec, plan.video)
        noise = self._noise(slot, start, seed)
        obs, info = begin(world, start, seed)
        meta = {"noise": None if plan.noise is None else plan.noise.model_dump()}
        meta |= {"drawn": info["drawn"]} if info.get("drawn") else {}
        meta |= {"start_tick": start.ticks} if start.ticks else {}
        limit = int(getattr(world, "max_steps", self._spec.max_steps))
        tally = Tally(self._spec.fps, limit - start.ticks)
        ended = False
        while not ended:
            truth = world.truth()
            label = self._expert.act(truth)
            driven = noise(label)
            recorder.add(obs, label, driven, self._phase(truth))
            obs, _, terminated, truncated, info = world.step(driven)
            ended = tally.add(world, driven, terminated=terminated, truncated=truncated, info=info)
        outcome = tally.outcome()
        return recorder.commit(seed, start.scenario, outcome, kept=outcome.success, meta=meta)

    def close(self) -> None:
        self._world.close()

    def _noise(self, slot: int, start: Start, seed: int) -> ActionNoise:
        if self._plan.noise is None:
            return no_noise
        # A start that is driven again gets other noise, or it would fail in the same way again.
        again = slot // len(self._plan.starts) if start.seed is not None else 0
        names = ("expert-noise", start.scenario.digest, seed, *([again] if again else []))
        return DartNoise(
            self._plan.noise, size=self._spec.action.size, fps=self._spec.fps, rng=stream(*names)
        )


def generate(
    plan: DrivePlan,
    episodes: int,
    executor: Executor,
    on_episode: Callable[[EpisodeRow], None] | None = None,
    deadline_s: float | None = None,
) -> Generated:
    """Fill a dataset with ``episodes`` successful drives, and seal it.

    Slots are driven in order; for each drive that failed, one more is added at the end, so the
    dataset depends on the plan alone, not on workers or interruptions. Slots that are durable
    already are not driven again: the same call goes on where it was stopped.

    Args:
        deadline_s: ``time.monotonic()`` after which no further drive begins.

    Raises:
        DatasetError: the folder holds another dataset, or the expert nearly always fails.
        NoSpaceError: the disk is full.
    """
    start_s = time.monotonic()
    builder = DatasetBuilder(plan.root, _spec(plan), video=plan.video, lineage=_lineage(plan))
    rows = builder.slots()
    frames = 0
    for slots in iter(lambda: _open_slots(rows, episodes, plan.tries), []):
        for row in executor.map(partial(ExpertDrive, plan), until(deadline_s, slots, len(rows))):
            rows[row.slot] = row
            frames += row.length
            if on_episode is not None:
                on_episode(row)
            _require_hope(plan, rows)
        if deadline_s is not None and time.monotonic() >= deadline_s:
            break
    dataset = builder.seal()
    failed = sum(not row.kept for row in rows.values())
    return Generated(dataset, len(rows) - failed, failed, frames, time.monotonic() - start_s)


def _open_slots(rows: dict[int, EpisodeRow], episodes: int, tries: int | None) -> list[int]:
    """The slots still to drive: the first ``episodes``, and one more for each failed one."""
    most = math.inf if tries is None else tries
    wanted = min(episodes, most)
    while True:
        failed = sum(not row.kept for slot, row in rows.items() if slot < wanted)
        if wanted >= min(episodes + failed, most):
            return [slot for slot in range(int(wanted)) if slot not in rows]
        wanted = min(episodes + failed, most)


def until(deadline_s: float | None, slots: Iterable[int], had: int = 0) -> Iterator[int]:
    """``slots``, none of them after ``time.monotonic()`` has come to ``deadline_s``.

    had: how many there are already; where there are none, the first comes in any case: a dataset
    of nothing helps nobody.
    """
    for number, slot in enumerate(slots, start=had):
        if number and deadline_s is not None and time.monotonic() >= deadline_s:
            return
        yield slot


def _require_hope(plan: DrivePlan, rows: dict[int, EpisodeRow]) -> None:
    if plan.tries is not None:
        return
    kept = sum(row.kept for row in rows.values())
    if len(rows) >= HOPELESS_AFTER and kept < HOPELESS_SHARE * len(rows):
        raise DatasetError(
            expected(
                f"{plan.scenario.world} ({plan.scenario.preset})",
                "expert",
                f"{kept} successes in {len(rows)} drives",
                f"at least {HOPELESS_SHARE:.0%}; the failed drives are under {plan.root}/failed",
            )
        )


def _spec(plan: DrivePlan) -> WorldSpec:
    scenario = plan.scenario
    world = make_world(scenario.world, preset=scenario.preset, **scenario.params)
    try:
        return spec_of(world, scenario.world, scenario.preset)
    finally:
        world.close()


def _lineage(plan: DrivePlan) -> dict[str, Any]:
    return {
        "made_by": "generate",
        "scenario": plan.scenario.model_dump(),
        "seed": plan.seed,
        "noise": None if plan.noise is None else plan.noise.model_dump(),
        "expert": plan.expert,
        **({"first": plan.first} if plan.first else {}),
        **({"starts": starts_digest(plan.starts)} if plan.starts else {}),
    }


def _no_phase(truth: Any) -> str:
    return ""
