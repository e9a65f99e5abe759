"""Samples a second of a training step, batch 64 at 96 x 96, through the real loop's own step.

`act-nano`: on one core, on all of them with a part of the batch each, and with torch splitting
every operation over them; each alone and beside another busy process. `act`: against LeRobot
0.4.4's ACT of the same architecture, 21 samples/s on this class of machine (3.0 s a step).

    python benchmarks/training.py [--seconds 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.training.config import TrainConfig
from loopyard.training.setup import prepare
from loopyard.training.sources import Source, Sources
from loopyard.training.state import Progress
from loopyard.training.trainer import Trainer

LEROBOT_ACT_SAMPLES_PER_S = 21.0
FRAMES, SIDE, BATCH = 2_000, 96, 64
SPEC = WorldSpec(
    "bench",
    "random",
    10,
    250,
    "task",
    VectorSpec(tuple(Channel(f"state_{i}") for i in range(10))),
    VectorSpec(tuple(Channel(f"action_{i}") for i in range(4))),
    (CameraSpec("ego", SIDE, SIDE),),
)


class RandomSamples:
    """Frames of noise: a step costs the same as on real ones."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.images = {"ego": rng.integers(0, 256, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)}
        self.state = rng.normal(size=(FRAMES, 10)).astype(np.float32)
        self.action = rng.uniform(-1, 1, (FRAMES, 4)).astype(np.float32)
        self.usable = np.arange(FRAMES)
        self.features = None
        self.tasks, self.task = ["go"], np.zeros(FRAMES, np.int64)

    def before(self, indices: np.ndarray, ticks: int) -> np.ndarray:
        return np.maximum(indices - ticks, 0)

    def targets(self, indices: np.ndarray, chunk_size: int) -> tuple[np.ndarray, np.ndarray]:
        chunks = np.repeat(self.action[indices][:, None], chunk_size, axis=1)
        return chunks, np.zeros(chunks.shape[:2], bool)


def samples_per_s(policy: str, shards: int, threads: int, seconds: float) -> dict[str, float]:
    """Median step over ``seconds``. shards: parts of a batch. threads: of each operation."""
    config = TrainConfig(steps=10**6, policy=policy, threads=shards, batch_size=BATCH)
    torch.set_num_threads(threads)
    setup = prepare(config, Sources(SPEC, [Source(RandomSamples(), None)]), None)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(setup, Path(folder), Progress())
        trainer.step(0.0)
        walls, cpu_s, begin_s = [], time.process_time(), time.monotonic()
        while len(walls) < 3 or time.monotonic() - begin_s < seconds:
            step_s = time.perf_counter()
            trainer.step(0.0)
            walls.append(time.perf_counter() - step_s)
        cpu_ms = (time.process_time() - cpu_s) / len(walls) * 1e3
        trainer.close()
    step_s = statistics.median(walls)
    return {
        "samples_per_s": round(BATCH / step_s, 1),
        "step_ms": round(step_s * 1e3, 1),
        "cpu_ms": round(cpu_ms, 1),
    }


def burn() -> None:
    """Another process that wants a core."""
    while True:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    cores = usable_cores()
    found = {}
    for beside in (False, True):
        other = multiprocessing.get_context("spawn").Process(target=burn, daemon=True)
        if beside:
            other.start()
        found["beside_a_busy_process" if beside else "alone"] = {
            "one_core": samples_per_s("act-nano", 1, 1, seconds),
            "a_part_each": samples_per_s("act-nano", cores, 1, seconds),
            "every_operation_split": samples_per_s("act-nano", 1, cores, seconds),
        }
        if beside:
            other.kill()
            other.join()
    act = samples_per_s("act", 1, cores, seconds)
    record(
        "training",
        {
            "cores": cores,
            "batch": BATCH,
            "image": [SIDE, SIDE],
            "act_nano": found,
            "act": act,
            "lerobot_act_samples_per_s": LEROBOT_ACT_SAMPLES_PER_S,
            "act_over_lerobot": round(act["samples_per_s"] / LEROBOT_ACT_SAMPLES_PER_S, 2),
        },
    )


if __name__ == "__main__":
    main()
