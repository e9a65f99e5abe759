"""What the expert and a policy reach in the full yard, with 3 and with 10 bricks, and the speed.

loopyard run configs/yard-full-nano.yaml
python benchmarks/full_yard.py runs/yard-full-nano/best [--n 20] [--films 4] [--out runs/full-yard]

The policy is any checkpoint of that campaign; the scenes are the first gate scenes of the
campaign's yard, the number of bricks apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median
from typing import Any

from _record import record
from loopyard.cycle.config import Campaign, load_campaign
from loopyard.cycle.planning.measure import measure
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.expert_policy import EXPERT
from loopyard.evaluation.result import Evaluation
from loopyard.scenarios.suites import suite_seeds

BRICKS = (3, 10)


def drive(
    policy: str, campaign: Campaign, bricks: int, n: int, out: Path, films: int
) -> dict[str, Any]:
    """One driver on the first ``n`` gate scenes with so many bricks."""
    name = "expert" if policy == EXPERT else "policy"
    result = evaluate(
        policy,
        campaign.world,
        campaign.preset,
        suite_seeds("gate", n),
        params={**campaign.params, "bricks": bricks},
        out=out / f"{name}-{bricks}-bricks",
        suite="gate",
        videos=films,
        n_action_steps=None if policy == EXPERT else campaign.n_action_steps,
    )
    return facts_of(result, bricks)


def facts_of(result: Evaluation, bricks: int) -> dict[str, Any]:
    """Success with its interval, bricks, time. seconds_a_brick: all time driven / delivered."""
    outcomes = [row.outcome for row in result.records]
    delivered = round(sum(outcome.progress for outcome in outcomes) * bricks)
    cleared_s = [outcome.seconds for outcome in outcomes if outcome.success]
    counts = {name for outcome in outcomes for name in outcome.counts}
    return {
        "n": result.n,
        "successes": result.successes,
        "rate": round(result.success_rate, 4),
        "wilson_95": [round(end, 4) for end in result.wilson_95],
        "bricks": bricks * result.n,
        "bricks_delivered": delivered,
        "bricks_share": round(delivered / (bricks * result.n), 4),
        "seconds_a_brick": round(sum(outcome.seconds for outcome in outcomes) / delivered, 2)
        if delivered
        else None,
        "median_s_to_clear": round(median(cleared_s), 1) if cleared_s else None,
        "counts": {name: sum(o.counts.get(name, 0) for o in outcomes) for name in sorted(counts)},
        "not_cleared": {
            row.seed: round(row.outcome.progress * bricks)
            for row in result.records
            if not row.outcome.success
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy", help="a checkpoint of the campaign")
    parser.add_argument("--config", type=Path, default=Path("configs/yard-full-nano.yaml"))
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument(
        "--films", type=int, default=4, help="of the policy, for each number of bricks"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/full-yard"))
    options = parser.parse_args()
    campaign = load_campaign(options.config)
    drives = {
        f"{name}_{bricks}_bricks": drive(
            policy,
            campaign,
            bricks,
            options.n,
            options.out,
            0 if policy == EXPERT else options.films,
        )
        for name, policy in (("expert", EXPERT), ("policy", options.policy))
        for bricks in BRICKS
    }
    speed = measure(campaign).to_dict()
    record("full_yard", {"policy": options.policy, **drives, "speed": speed})


if __name__ == "__main__":
    main()
