"""Milliseconds from a world's picture to an action, tick by tick in closed loop.

Each policy on one thread, on as many as there are cores, and on a GPU where there is one; networks
are untrained, which costs the same. Then in real time: a policy that computes for 150 ms drives at
10 Hz, alone and as an `AsynchronousPolicy`.

    python benchmarks/latency.py [--predictions 200]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

from _record import record
from _untrained import SEEDS, untrained
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.evaluation.latency import Latency, measure_latency
from loopyard.policies.asynchronous import AsynchronousPolicy
from loopyard.policies.baselines import ZeroPolicy
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.policy import Policy
from loopyard.worlds.registry import make_world
from loopyard.worlds.world import World, spec_of

POLICIES = {"zero": "yard", "act-nano": "yard", "act": "yard", "vla-nano": "corridor"}
SLOW_S = 0.15
REAL_TICKS = 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=int, default=200)
    predictions = parser.parse_args().predictions
    found = []
    for kind, name in POLICIES.items():
        world = make_world(name)
        for device, threads in places(kind):
            policy = made(kind, world, device)
            latency = measure_latency(
                policy, world, scenes(name), predictions=predictions, threads=threads
            )
            found.append({"policy": kind, "world": name, **latency.to_dict()})
        world.close()
    record("latency", {"policies": found, "real_time": real_time()})


def places(kind: str) -> list[tuple[str, int]]:
    """(device, torch's threads) to measure on."""
    if kind == "zero":
        return [("cpu", 1)]
    cores = usable_cores()
    places = [("cpu", threads) for threads in sorted({1, cores})]
    return [*places, ("cuda", cores)] if torch.cuda.is_available() else places


def scenes(world: str) -> list[tuple[Scenario, int]]:
    return [(Scenario(world=world), seed) for seed in SEEDS]


def made(kind: str, world: World, device: str) -> Policy:
    if kind == "zero":
        return ZeroPolicy(spec_of(world).action.size)
    return untrained(kind, world).to(device)


class Slow:
    """A policy that computes again and again, until its prediction has taken `SLOW_S`."""

    def __init__(self, policy: ChunkedPolicy) -> None:
        self.chunk_size, self.n_action_steps = policy.chunk_size, policy.n_action_steps
        self._policy = policy
        self._running: list[np.ndarray] = []

    def reset(self) -> None:
        self._running = []

    def act(self, obs: dict[str, Any]) -> np.ndarray:
        if not self._running:
            self._running = list(self.predict_chunk(obs)[: self.n_action_steps])
        return self._running.pop(0)

    def predict_chunk(self, obs: dict[str, Any]) -> np.ndarray:
        end_s = time.perf_counter() + SLOW_S
        while True:
            chunk = self._policy.predict_chunk(obs)
            if time.perf_counter() >= end_s:
                return chunk

    def predict_chunks(self, observations: Any) -> np.ndarray:
        return np.stack([self.predict_chunk(obs) for obs in observations])


def real_time() -> dict[str, Any]:
    """Late ticks of `REAL_TICKS` at the corridor's 10 Hz, by a policy that takes 150 ms."""
    world = make_world("corridor")
    policy = untrained("vla-nano", world)
    steps = policy.n_action_steps

    def drive(driven: Policy) -> Latency:
        chunks = REAL_TICKS // steps
        return measure_latency(
            driven, world, scenes("corridor"), predictions=chunks, warm_up=5, paced=True, threads=1
        )

    blocking = drive(Slow(policy))
    with AsynchronousPolicy(Slow(policy), spec_of(world).action.size) as wrapped:
        asynchronous = drive(wrapped)
    world.close()
    return {
        "prediction_ms": 1e3 * SLOW_S,
        "n_action_steps": steps,
        "blocking": blocking.to_dict(),
        "asynchronous": asynchronous.to_dict(),
    }


if __name__ == "__main__":
    main()
