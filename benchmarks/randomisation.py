"""What domain randomisation costs: frames a second of an expert's drives with pictures.

python benchmarks/randomisation.py [--ticks 200] [--rounds 3] [--preset mid]

Each kind of scene is driven alone, in turns, and of the rounds the fastest counts: what else runs
on the machine can only slow a round down.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from _record import record
from loopyard.core.randomisation import GROUPS, Group, Randomisation
from loopyard.core.scenario import Scenario
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.world import YardWorld

MODES: dict[str, dict[str, Any]] = {
    "harsh light": {"light": "harsh"},
    "mirroring floor": {"reflective": True, "floor_friction": 0.2},
    "child": {"mover": "child"},
    "sensor noise": {"noise_position_m": 0.05, "noise_yaw_rad": 0.03, "noise_image": 0.02},
}


def frames_per_s(scenario: Scenario, ticks: int) -> float:
    """One drive, the reset not counted."""
    world, expert = YardWorld(scenario.preset), YardExpert()
    world.reset(seed=900_001, options={"scenario": scenario})
    world.step(expert.act(world.truth()))
    spent_s = 0.0
    for _ in range(ticks):
        action = expert.act(world.truth())
        begin_s = time.perf_counter()
        world.step(action)
        spent_s += time.perf_counter() - begin_s
    world.close()
    return ticks / spent_s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", default="mid")
    options = parser.parse_args()

    def scenario(groups: tuple[Group, ...] | None = None, **params: Any) -> Scenario:
        randomise = None if groups is None else Randomisation(groups=groups)
        return Scenario(world="yard", preset=options.preset, params=params, randomise=randomise)

    kinds = {"general": scenario(), "randomised": scenario(GROUPS)}
    kinds |= {f"randomised, {group}": scenario((group,)) for group in GROUPS}
    kinds |= {name: scenario(None, **params) for name, params in MODES.items()}
    best = dict.fromkeys(kinds, 0.0)
    for _ in range(options.rounds):
        for name, one in kinds.items():
            best[name] = max(best[name], frames_per_s(one, options.ticks))
    plain = best["general"]
    rates = {
        name: {"frames_per_s": round(rate, 1), "step_cost": round(plain / rate, 2)}
        for name, rate in best.items()
    }
    record("randomisation", {"ticks": options.ticks, "preset": options.preset, "kinds": rates})


if __name__ == "__main__":
    main()
