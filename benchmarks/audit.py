"""How long an audit takes, and how much memory: 100,000 frames of 96 x 96, all of them decoded; the
same without video; and rows alone, ten times as many, where memory must stay what it was.

    python benchmarks/audit.py [--frames 100000] [--workers 2] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.builder import DatasetBuilder
from loopyard.executors.local import LocalExecutor

SIDE, LENGTH, STATES, ACTIONS = 96, 250, 12, 4


def world(cameras: int) -> WorldSpec:
    return WorldSpec(
        world="synthetic",
        preset="",
        fps=10,
        max_steps=LENGTH,
        task="go",
        state=VectorSpec(tuple(Channel(f"s{number}") for number in range(STATES))),
        action=VectorSpec(tuple(Channel(f"a{number}") for number in range(ACTIONS))),
        cameras=tuple(CameraSpec("ego", SIDE, SIDE) for _ in range(cameras)),
    )


class Recorder:
    """Records one episode a call: a square that moves over a textured floor."""

    def __init__(self, root: Path, cameras: int) -> None:
        self._builder = DatasetBuilder(root, world(cameras))
        self._floor = np.random.default_rng(0).integers(60, 180, (SIDE, SIDE, 3), np.uint8)

    def __call__(self, slot: int) -> int:
        rng = np.random.default_rng(slot)
        recorder = self._builder.recorder(slot)
        state = rng.uniform(-0.5, 0.5, STATES)
        for _ in range(LENGTH):
            action = np.clip(rng.normal(0, 0.5, ACTIONS), -1, 1).astype(np.float32)
            state = np.clip(0.98 * state + 0.05 * np.resize(action, STATES), -1, 1)
            frame = self._floor.copy()
            top, left = ((state[:2] + 1) / 2 * (SIDE - 12)).astype(int)
            frame[top : top + 12, left : left + 12] = (230, 30, 30)
            images = {camera.key: frame for camera in self._builder.spec.cameras}
            recorder.add(images | {"observation.state": state.astype(np.float32)}, action, action)
        outcome = Outcome(True, 1.0, LENGTH, LENGTH / 10, "success")
        recorder.commit(slot, Scenario(world="synthetic"), outcome)
        return slot


class Maker:
    """Pickles; a worker calls it for its own recorder."""

    def __init__(self, root: Path, cameras: int) -> None:
        self._arguments = (root, cameras)

    def __call__(self) -> Recorder:
        return Recorder(*self._arguments)


def make(root: Path, frames: int, cameras: int) -> Path:
    slots = range(frames // LENGTH)
    for _ in LocalExecutor(0).map(Maker(root, cameras), slots):
        pass
    DatasetBuilder(root, world(cameras)).seal()
    shutil.rmtree(root / ".shards")
    return root


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from loopyard.data.audit import Thresholds
from loopyard.data.audit.apart import AuditJob, audit_apart
path, thorough, video, workers = json.loads(sys.argv[1])
start = time.monotonic()
report = audit_apart(AuditJob(Path(path), Thresholds(), thorough, video, workers))
seconds = time.monotonic() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": round(seconds, 1), "verdict": report.verdict,
    "checks": len(report.checks), "largest_process_mb": round(peak.ru_maxrss / 1024),
    "processor_seconds": round(peak.ru_utime + peak.ru_stime, 1),
    "not_passed": sorted({c.name for c in report.checks if c.verdict != "pass"})}))
"""


def measure(root: Path, *, thorough: bool, video: bool, workers: int) -> dict[str, Any]:
    """In an interpreter of its own, so that memory is the audit's. largest_process_mb: of all."""
    arguments = json.dumps([str(root), thorough, video, workers])
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=usable_cores())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = make(Path(folder) / "seen", options.frames, cameras=1)
        facts: dict[str, Any] = {"frames": options.frames, "workers": options.workers}
        facts["thorough"] = measure(seen, thorough=True, video=True, workers=options.workers)
        facts["sampled"] = measure(seen, thorough=False, video=True, workers=0)
        facts["no_video"] = measure(seen, thorough=False, video=False, workers=0)
        if options.rows:
            many = make(Path(folder) / "rows", options.rows, cameras=0)
            facts["rows"] = options.rows
            facts["rows_only"] = measure(many, thorough=False, video=False, workers=0)
    record("audit", facts)


if __name__ == "__main__":
    main()
