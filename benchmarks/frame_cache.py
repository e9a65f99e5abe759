"""Samples a second that the frame cache delivers, beside what training consumes and what decoding
the video anew would give. All in this call, on one dataset.

    python benchmarks/frame_cache.py [--episodes 60]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.data.generate import DrivePlan, generate
from loopyard.data.samples import Samples
from loopyard.executors.local import LocalExecutor
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

BATCH, SECONDS, CHUNK, STEPS = 64, 3.0, 10, 200


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plan = DrivePlan(Scenario(world="yard"), root / "dataset")
        dataset = generate(plan, options.episodes, LocalExecutor(usable_cores())).dataset
        begin_s = time.monotonic()
        samples = Samples(dataset)
        build_s = time.monotonic() - begin_s
        rng, gathered, begin_s = np.random.default_rng(0), 0, time.monotonic()
        while time.monotonic() - begin_s < SECONDS:
            frames = rng.choice(samples.usable, BATCH)
            _ = samples.images["ego"][frames], samples.state[frames]
            samples.targets(frames, CHUNK)
            gathered += BATCH
        cache_per_s = gathered / (time.monotonic() - begin_s)
        begin_s, decoded, episode = time.monotonic(), 0, 0
        while time.monotonic() - begin_s < SECONDS:
            decoded += len(dataset.decode("ego", episode % dataset.num_episodes))
            episode += 1
        decode_per_s = decoded / (time.monotonic() - begin_s)
        trained = train(TrainConfig(steps=STEPS), [root / "dataset"], root / "checkpoints")
    record(
        "frame_cache",
        {
            "frames": dataset.num_frames,
            "build_s": round(build_s, 2),
            "cache_samples_per_s": round(cache_per_s),
            "decode_in_order_frames_per_s": round(decode_per_s),
            "training_samples_per_s": round(trained.samples_per_s),
            "cache_over_training": round(cache_per_s / trained.samples_per_s, 1),
        },
    )


if __name__ == "__main__":
    main()
