"""How long a policy thinks, on one core, for one robot: whether it can run on board."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from loopyard.core.clock import Clock, SystemClock
from loopyard.policies.policy import Observation, Policy

PASSES = 200
WARM_UP = 20


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one ``predict_chunk``: median, 99th percentile, worst.

    tick_mean_ms: the mean share of a control tick when every chunk gives `n_action_steps` actions.
    """

    p50_ms: float
    p99_ms: float
    max_ms: float
    tick_mean_ms: float
    n_action_steps: int
    passes: int
    threads: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_latency(
    policy: Policy,
    observation: Observation,
    *,
    passes: int = PASSES,
    warm_up: int = WARM_UP,
    clock: Clock | None = None,
) -> Latency:
    """Times `passes` chunks for one observation, one at a time, on one thread."""
    clock = clock or SystemClock()
    times_ms = np.empty(passes)
    with one_thread():
        for _ in range(warm_up):
            policy.predict_chunk(observation)
        for number in range(passes):
            start_s = clock.monotonic()
            policy.predict_chunk(observation)
            times_ms[number] = 1e3 * (clock.monotonic() - start_s)
    p50_ms, p99_ms = np.percentile(times_ms, (50, 99))
    steps = policy.n_action_steps
    return Latency(
        round(float(p50_ms), 3),
        round(float(p99_ms), 3),
        round(float(times_ms.max()), 3),
        round(float(times_ms.mean() / steps), 3),
        steps,
        passes,
        threads=1,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread inside, where it is loaded at all."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
