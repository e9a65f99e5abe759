"""What a prediction that takes some ticks does to a policy's success in closed loop.

The same scenes at each delay: the robot waits for each chunk, holding its last action, or goes on
along the running chunk while the next one is predicted.

    python benchmarks/delay.py CHECKPOINT [--world corridor] [--n 100] [--delays 0 1 3 5]
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _record import record
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.execution import LatencyModel
from loopyard.evaluation.result import Evaluation
from loopyard.evaluation.statistics import compare

FIRST_SEED = 900_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--world", default="corridor")
    parser.add_argument("--preset", default="starter")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 1, 3, 5])
    args = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + args.n)
    rows = []
    for delay in args.delays:
        waiting, going_on = (
            evaluate(args.checkpoint, args.world, args.preset, seeds, latency=model)
            for model in (LatencyModel(delay, asynchronous=False), LatencyModel(delay))
        )
        paired = asdict(compare(going_on.by_seed, waiting.by_seed))
        rows.append({"waiting": row(waiting), "asynchronous": row(going_on), "paired": paired})
        print(delay, rows[-1], flush=True)
    record("delay", {"world": args.world, "preset": args.preset, "n": args.n, "rows": rows})


def row(result: Evaluation) -> dict[str, Any]:
    summary = result.summary()
    means = {
        name: summary["metrics"][name]["mean"]
        for name in ("starting_ticks", "late_ticks", "observation_age_ticks")
    }
    return {
        **summary["simulated_latency"],
        "successes": result.successes,
        "n": result.n,
        "wilson_95": [round(end, 3) for end in result.wilson_95],
        "failures": summary["failures"],
        "success_seconds_median": summary["success_seconds_median"],
        **means,
    }


if __name__ == "__main__":
    main()
