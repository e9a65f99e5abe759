"""What `loopyard serve` adds to a policy, and whether it keeps 24 robots at 10 Hz in time.

The server is the real command in a process of its own, on one processor thread, and predicts at
every tick (`--n-action-steps 1`), the hardest case. Untrained networks: they cost what trained ones
do. Robots show frames that an expert's drive down the corridor gave (96 x 96): two processes with
half of the robots each, no worlds, so that two cores suffice.

overhead: the same observation to the policy in this process and to the server, in turns.
robots: `spread`, their ticks evenly over the 100 ms, and `together`, all at the same moment. A tick
is late where its action is not there 100 ms after the client was asked, or is the safe one.

    python benchmarks/serve.py [--pairs 5000] [--seconds 30] [--robots 24]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from _record import record
from loopyard.client import PolicyClient

KINDS = ("act-nano", "vla-nano")
FRAMES = 200
PROCESSES = 2
TICK_S = 0.1
WARM_UP_S = 2.0
"""Left out at the begin of a drive: threads start, caches fill."""
IMAGE = "observation.images.ego"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--robots", type=int, default=24)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = record_frames(folder / "frames.npz")
        found = {kind: measure(kind, spec, folder, args) for kind in KINDS}
    settings = {"image": "96 x 96", "fps": 10, "robots": args.robots, "server_threads": 1}
    record("serve", {**settings, **found})


def measure(kind: str, spec: Any, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    frames = folder / "frames.npz"
    checkpoint = untrained(kind, spec, frames, folder / kind)
    with serving(checkpoint) as url:
        found: dict[str, Any] = {"overhead": overhead(checkpoint, url, frames, args.pairs)}
        for phases in ("spread", "together"):
            found[phases] = robots(url, frames, args.robots, args.seconds, phases)
    return found


def record_frames(path: Path) -> Any:
    """The expert's drives down the corridor, until there are enough frames; the world's spec."""
    from loopyard.experts.registry import make_expert
    from loopyard.worlds.registry import make_world
    from loopyard.worlds.world import spec_of

    world = make_world("corridor")
    expert = make_expert(world)
    images, tasks, seed = [], [], 0
    while len(images) < FRAMES:
        obs, _ = world.reset(seed=seed)
        over = False
        while not over and len(images) < FRAMES:
            images.append(obs[IMAGE].copy())
            tasks.append(obs["task"])
            obs, _, ended, truncated, _ = world.step(expert.act(world.truth()))
            over = ended or truncated
        seed += 1
    spec = spec_of(world)
    world.close()
    np.savez(path, images=np.stack(images), tasks=np.array(tasks))
    return spec


def observations(path: Path) -> list[dict[str, Any]]:
    with np.load(path) as held:
        return [
            {IMAGE: image, "task": str(task)}
            for image, task in zip(held["images"], held["tasks"], strict=True)
        ]


def untrained(kind: str, spec: Any, frames: Path, folder: Path) -> Path:
    """A checkpoint with fresh weights that sees the corridor."""
    from loopyard.policies.catalogue import make_config, make_model
    from loopyard.policies.checkpoint import save_checkpoint
    from loopyard.policies.config import features_of
    from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of
    from loopyard.policies.words import vocabulary_of

    seen = observations(frames)
    images = np.stack([obs[IMAGE] for obs in seen])
    config = make_config(
        kind, "bench", {"type": kind, **features_of(spec, ["ego"], images.shape[1:3])}
    )
    processing = Processing(
        ProcessingConfig(
            cameras=("ego",),
            image_size=config.image_size,
            state_names=(),
            action_names=tuple(spec.action.names),
            vocabulary=vocabulary_of(obs["task"] for obs in seen),
        ),
        statistics_of(
            {"ego": images},
            np.zeros((2, 0), np.float32),
            np.random.default_rng(0).uniform(-1, 1, (100, spec.action.size)),
        ),
    )
    return save_checkpoint(
        folder,
        config=config,
        weights=make_model(config).state_dict(),
        processing=processing,
        facts={"world_spec": spec.to_dict()},
    )


@contextmanager
def serving(checkpoint: Path) -> Iterator[str]:
    """The real command; its address."""
    words = ["serve", str(checkpoint), "--port", "0", "--n-action-steps", "1", "--threads", "1"]
    server = subprocess.Popen(
        [sys.executable, "-m", "loopyard.surface.cli", *words, "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.terminate()
        server.communicate()


def overhead(checkpoint: Path, url: str, frames: Path, pairs: int) -> dict[str, Any]:
    """Milliseconds of an action, straight from the policy and from the server, in turns."""
    import torch

    from loopyard.policies.checkpoint import load_policy

    torch.set_num_threads(1)
    policy, seen = load_policy(checkpoint, n_action_steps=1), observations(frames)
    took_ms: dict[str, list[float]] = {"direct": [], "served": []}
    with PolicyClient(url, deadline_s=10.0) as client:
        for number in range(pairs + 100):
            obs = seen[number % len(seen)]
            turns = [("direct", policy.act), ("served", client.act)]
            for name, act in turns if number % 2 else turns[::-1]:
                begun_s = time.perf_counter()
                act(obs)
                took_ms[name].append(1e3 * (time.perf_counter() - begun_s))
            assert client.last is not None
            assert not client.last.safe, client.last.reason
    direct, served = (quantiles_ms(took_ms[name][100:]) for name in ("direct", "served"))
    added = {name: round(served[name] - direct[name], 3) for name in ("p50", "p95", "p99")}
    return {"pairs": pairs, "direct_ms": direct, "served_ms": served, "added_ms": added}


def robots(url: str, frames: Path, count: int, seconds: float, phases: str) -> dict[str, Any]:
    """Ticks of so many robots, and how many of them were late."""
    context = multiprocessing.get_context("spawn")
    begin_s = time.monotonic() + 5.0
    with context.Pool(PROCESSES) as pool:
        shares = [range(count)[part::PROCESSES] for part in range(PROCESSES)]
        offsets = [
            [TICK_S * robot / count if phases == "spread" else 0.0 for robot in share]
            for share in shares
        ]
        work = [(url, frames, share, begin_s, seconds) for share in offsets]
        ticks = [tick for part in pool.starmap(robots_of_one_process, work) for tick in part]
    assert len(ticks) == count * round(seconds / TICK_S), "a robot broke down"
    with PolicyClient(url) as client:
        told = client.metrics()
    late = sum(safe or took_s > TICK_S for took_s, safe, _ in ticks)
    return {
        "seconds": seconds,
        "ticks": len(ticks),
        "late": late,
        "round_trip_ms": quantiles_ms([1e3 * took_s for took_s, _, _ in ticks]),
        "begun_late_ms": quantiles_ms([1e3 * behind_s for _, _, behind_s in ticks]),
        "batch_mean_so_far": told["batch_mean"],
        "batch_max_so_far": told["batch_max"],
    }


def robots_of_one_process(
    url: str, frames: Path, offsets: list[float], begin_s: float, seconds: float
) -> list[tuple[float, bool, float]]:
    """(seconds that the action took, safe, seconds that the tick began too late) of each tick."""
    seen, ticks = observations(frames), []

    def drive(number: int, offset_s: float) -> None:
        with PolicyClient(url) as client:
            for tick in range(round(WARM_UP_S / TICK_S) + round(seconds / TICK_S)):
                due_s = begin_s + offset_s + tick * TICK_S
                time.sleep(max(0.0, due_s - time.monotonic()))
                behind_s = time.monotonic() - due_s
                client.act(seen[(number * 17 + tick) % len(seen)])
                assert client.last is not None
                if tick >= round(WARM_UP_S / TICK_S):
                    ticks.append((client.last.seconds, client.last.safe, behind_s))

    threads = [
        threading.Thread(target=drive, args=(number, offset_s))
        for number, offset_s in enumerate(offsets)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ticks


def quantiles_ms(values: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    found = {"p50": p50, "p95": p95, "p99": p99, "max": max(values)}
    return {name: round(float(value), 3) for name, value in found.items()}


if __name__ == "__main__":
    main()
