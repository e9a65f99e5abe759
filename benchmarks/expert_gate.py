"""The expert's own gate: how many unseen scenes it clears, clean and under noise.

python benchmarks/expert_gate.py [--starter 200] [--full 50] [--workers 2]
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np

from _expert_drives import BlindExpert, Drive
from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.evaluation.statistics import wilson
from loopyard.executors.local import LocalExecutor
from loopyard.experts.noise import NoiseSettings
from loopyard.scenarios.suites import suite_seeds


def gate(scenario: Scenario, n: int, workers: int, noise: NoiseSettings | None) -> dict[str, Any]:
    """The first ``n`` gate scenes of a scenario."""
    seeds, begin_s = suite_seeds("gate", n), time.monotonic()
    make = partial(BlindExpert, scenario, noise)
    drives: list[Drive] = sorted(
        LocalExecutor(workers).map(make, seeds), key=lambda drive: drive.seed
    )
    cleared = sum(drive.success for drive in drives)
    bricks = sum(drive.bricks for drive in drives)
    delivered = sum(drive.delivered for drive in drives)
    seconds = [drive.seconds for drive in drives if drive.success]
    return {
        "seeds": [seeds[0], seeds[-1]],
        "n": n,
        "cleared": cleared,
        "rate": round(cleared / n, 4),
        "wilson_95": _rounded(wilson(cleared, n)),
        "bricks": bricks,
        "bricks_delivered": delivered,
        "bricks_rate": round(delivered / bricks, 4),
        # Bricks of one scene are not independent: this interval is a little too narrow.
        "bricks_wilson_95": _rounded(wilson(delivered, bricks)),
        "median_s_to_clear": round(float(np.median(seconds)), 1) if seconds else None,
        "not_cleared": {drive.seed: drive.delivered for drive in drives if not drive.success},
        "noise": None if noise is None else noise.model_dump(),
        "wall_s": round(time.monotonic() - begin_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--starter", type=int, default=200)
    parser.add_argument("--full", type=int, default=50)
    parser.add_argument("--workers", type=int, default=usable_cores())
    options = parser.parse_args()
    starter, full = Scenario(world="yard"), Scenario(world="yard", preset="full")
    record(
        "expert_gate",
        {
            "starter": gate(starter, options.starter, options.workers, None),
            "starter_with_noise": gate(starter, options.starter, options.workers, NoiseSettings()),
            "full_10_bricks": gate(full, options.full, options.workers, None),
        },
    )


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in interval]


if __name__ == "__main__":
    main()
