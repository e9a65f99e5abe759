"""Milliseconds from an observation to a chunk of actions, on one core, one observation at a time.

python benchmarks/inference.py [--chunks 2000]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from _record import record
from loopyard.policies.catalogue import make_config, make_model
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.config import features_of
from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of
from training import SPEC, RandomSamples


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=2_000)
    chunks = parser.parse_args().chunks
    torch.set_num_threads(1)
    record(
        "inference",
        {"cores": 1, "act_nano": latency("act-nano", chunks), "act": latency("act", chunks // 10)},
    )


def untrained(kind: str, samples: RandomSamples) -> ChunkedPolicy:
    """A policy that costs what a trained one does: of the starter yard's sizes, for one camera."""
    config = make_config(
        kind,
        "bench",
        {"type": kind, **features_of(SPEC, ["ego"], samples.images["ego"].shape[1:3])},
    )
    processing = Processing(
        ProcessingConfig(
            cameras=("ego",),
            image_size=config.image_size,
            state_names=tuple(SPEC.state.names),
            action_names=tuple(SPEC.action.names),
        ),
        statistics_of({"ego": samples.images["ego"][:100]}, samples.state, samples.action),
    )
    return ChunkedPolicy(make_model(config), processing)


def latency(kind: str, chunks: int) -> dict[str, float]:
    """Milliseconds at the median and the 99th percentile, processing included."""
    samples = RandomSamples()
    policy = untrained(kind, samples)
    took_ms = []
    for index in range(chunks + 20):
        row = index % len(samples.state)
        obs = {
            "observation.images.ego": samples.images["ego"][row],
            "observation.state": samples.state[row],
        }
        begin_s = time.perf_counter()
        policy.predict_chunk(obs)
        took_ms.append((time.perf_counter() - begin_s) * 1e3)
    p50, p99 = np.percentile(took_ms[20:], [50, 99])
    return {"chunks": chunks, "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)}


if __name__ == "__main__":
    main()
