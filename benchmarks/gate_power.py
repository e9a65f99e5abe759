"""How often the sequential gates are wrong, how often they promote the good, what they save.

Without any drive: results are drawn. What a success rate alone decides is computed exactly, and
drawn as well; the comparison of two policies is drawn.

python benchmarks/gate_power.py [--reps 20000]
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from _gate_runs import absolute_runs, paired_runs
from _record import record
from loopyard.core.scenario import Scenario
from loopyard.evaluation.gate import ALPHA, FLOOR, TARGET, judge
from loopyard.evaluation.paired import FUTILE
from loopyard.evaluation.sequential_boundary import (
    Boundaries,
    absolute_boundaries,
    chances,
    least_counts,
)
from loopyard.evaluation.sequential_run import spread_evenly
from loopyard.evaluation.statistics import confidence_sequence, mcnemar_exact, wilson

N = 200
QUESTIONS = ((0.90, 0.95), (0.80, 0.90), (0.95, 0.99), (0.50, 0.70))
"""(floor, target)"""

RATES = (0.0, 0.5, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1.0)
DIFFERENT = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Share of scenes on which two equally good policies differ."""

BETTER = ((0.05, 0.0), (0.1, 0.0), (0.1, 0.02), (0.15, 0.05), (0.2, 0.02), (0.3, 0.1), (0.4, 0.02))
WORSE = ((0.0, 0.1), (0.02, 0.2), (0.1, 0.3), (0.02, 0.4))
"""Shares of scenes that the challenger wins and loses."""

FUTILITY = (0.0, FUTILE, 0.05)


def shown(count: int, reps: int) -> dict[str, Any]:
    low, high = wilson(count, reps)
    return {"rate": round(count / reps, 5), "wilson_95": [round(low, 5), round(high, 5)]}


def absolute_errors(reps: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """False promotions at the floor and false rejections at the target."""
    rows = []
    for floor, target in QUESTIONS:
        bounds = absolute_boundaries(N, target, floor, ALPHA, ALPHA)
        at_floor = absolute_runs(rng.random((reps, N)) < floor, bounds)
        at_target = absolute_runs(rng.random((reps, N)) < target, bounds)
        rows.append(
            {
                "floor": floor,
                "target": target,
                "n_max": N,
                "promoted_at_floor": shown(at_floor.promoted, reps),
                "promoted_at_floor_exact": round(chances(bounds, floor).promote, 5),
                "rejected_at_target": shown(at_target.rejected, reps),
                "rejected_at_target_exact": round(chances(bounds, target).reject, 5),
                "scenes_at_floor": round(at_floor.mean_scenes, 1),
            }
        )
    return rows


def mixed_errors(reps: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Scenes of modes that differ in difficulty, with a mean rate that is the floor."""
    bounds = absolute_boundaries(N, TARGET, FLOOR, ALPHA, ALPHA)
    rows = []
    for name, rates in (
        ("10 modes, one always failed", [1.0] * 9 + [0.0]),
        ("8 modes from 0.80 to 1.00", list(np.linspace(0.8, 1.0, 8))),
        ("4 modes, one failed two times of five", [1.0, 1.0, 1.0, 0.6]),
    ):
        modes = [Scenario(world="yard", mode=f"FM-A{k + 1:02d}") for k in range(len(rates))]
        scenes = [(mode, k) for mode in modes for k in range(N // len(modes))]
        ordered = [modes.index(mode) for mode, _ in spread_evenly(scenes)]
        blocked = [modes.index(mode) for mode, _ in scenes]
        row: dict[str, Any] = {"modes": name, "n_max": N}
        for order, places in (("spread", ordered), ("mode_after_mode", blocked)):
            drawn = rng.random((reps, N)) < np.array(rates)[places]
            row[f"promoted_{order}"] = shown(absolute_runs(drawn, bounds).promoted, reps)
        rows.append(row)
    return rows


def peeking(reps: int, rng: np.random.Generator) -> dict[str, Any]:
    """What the rules for a fixed number of scenes do when they are asked after every scene."""
    promote = [
        next(
            (k for k in range(n + 1) if k >= TARGET * n - 1e-9 and wilson(k, n)[0] >= FLOOR),
            n + 1,
        )
        for n in range(1, N + 1)
    ]
    naive = Boundaries(tuple(promote), tuple(range(2, N + 2)))
    differ = rng.random((reps, N)) < 0.2
    won = differ & (rng.random((reps, N)) < 0.5)
    wins, seen = won.cumsum(1), differ.cumsum(1)
    least = np.array([_least_wins(d) for d in range(N + 1)])
    early = int((wins >= least[seen]).any(axis=1).sum())
    return {
        "wilson_rule_promoted_at_floor": round(chances(naive, FLOOR).promote, 4),
        "mcnemar_promoted_when_equal": shown(early, reps),
    }


def _least_wins(different: int) -> int:
    """For p < 0.05 of the exact McNemar test and more wins than losses."""
    for wins in range(different // 2 + 1, different + 1):
        if mcnemar_exact(wins, different - wins) < ALPHA:
            return wins
    return different + 1


def designs() -> dict[str, Any]:
    """Ways to stop early that hold the same error, exactly: promotions and mean scenes."""
    found = {name: _oc(bounds) for name, bounds in _candidates().items()}
    fixed: dict[str, Any] = {}
    for rate in RATES:
        tail = _binomial(rate)
        yes = sum(tail[k] for k in range(N + 1) if judge(k, N).promoted)
        no = sum(tail[k] for k in range(N + 1) if judge(k, N).verdict == "reject")
        fixed[f"{rate:g}"] = {"promote": round(yes, 4), "reject": round(no, 4), "scenes": N}
    return {"fixed n (Wilson rule)": fixed, **found}


def _candidates() -> dict[str, Boundaries]:
    share = np.arange(1, N + 1) / N
    reach = [math.ceil(TARGET * n - 1e-9) for n in range(1, N + 1)]
    found = {}
    for name, power in (("linear spending (chosen)", 1), ("quadratic", 2), ("cubic", 3)):
        allowed = ALPHA * share**power
        up = least_counts(FLOOR, allowed, reach)
        down = least_counts(1 - TARGET, allowed, [1] * N)
        found[name] = Boundaries(tuple(up), tuple(down))
    assert found["linear spending (chosen)"] == absolute_boundaries(N, TARGET, FLOOR, ALPHA, ALPHA)
    up_step, down_step = math.log(TARGET / FLOOR), math.log((1 - TARGET) / (1 - FLOOR))
    wall = math.log((1 - ALPHA) / ALPHA)

    def score(successes: int, n: int) -> float:
        return successes * up_step + (n - successes) * down_step

    found["Wald's SPRT, cut off"] = _walls(
        lambda k, n: score(k, n) >= wall and k >= reach[n - 1], lambda k, n: score(k, n) <= -wall
    )
    found["confidence sequence"] = _walls(
        lambda k, n: confidence_sequence(k, n, 1 - 2 * ALPHA)[0] >= FLOOR and k >= reach[n - 1],
        lambda k, n: confidence_sequence(k, n, 1 - 2 * ALPHA)[1] <= TARGET,
    )
    return found


def _walls(promotes: Any, rejects: Any) -> Boundaries:
    """From rules that are monotone in the successes."""
    up, down = [], []
    for n in range(1, N + 1):
        up.append(next((k for k in range(n + 1) if promotes(k, n)), n + 1))
        down.append(next((f for f in range(n + 1) if rejects(n - f, n)), n + 1))
    return Boundaries(tuple(up), tuple(down))


def _oc(bounds: Boundaries) -> dict[str, Any]:
    rows = {}
    for rate in RATES:
        found = chances(bounds, rate)
        rows[f"{rate:g}"] = {
            "promote": round(found.promote, 4),
            "reject": round(found.reject, 4),
            "scenes": round(found.mean_scenes, 1),
        }
    return rows


def _binomial(rate: float) -> list[float]:
    return [math.comb(N, k) * rate**k * (1 - rate) ** (N - k) for k in range(N + 1)]


def paired(reps: int, rng: np.random.Generator) -> dict[str, Any]:
    """Errors when equal; promotions, rejections and scenes when not; and what giving up costs."""
    rows: dict[str, list[dict[str, Any]]] = {"equal": [], "better": [], "worse": []}
    equal = [(different / 2, different / 2) for different in DIFFERENT]
    for name, pairs in (("equal", equal), ("better", BETTER), ("worse", WORSE)):
        for win, loss in pairs:
            drawn = rng.random((reps, N))
            won, lost = drawn < win, (drawn >= win) & (drawn < win + loss)
            runs = paired_runs(won, lost, ALPHA, FUTILITY)
            wins, losses = won.sum(1), lost.sum(1)
            fixed = sum(
                mcnemar_exact(int(w), int(f)) < ALPHA and w > f
                for w, f in zip(wins, losses, strict=True)
            )
            chosen = runs[FUTILE]
            rows[name].append(
                {
                    "wins": win,
                    "losses": loss,
                    "n_max": N,
                    "promoted": shown(chosen.promoted, reps),
                    "rejected": shown(chosen.rejected, reps),
                    "scenes": round(chosen.mean_scenes, 1),
                    "promoted_at_fixed_n": shown(fixed, reps),
                    "by_futility": {
                        f"{futile:g}": {
                            "promoted": round(found.promoted / reps, 4),
                            "scenes": round(found.mean_scenes, 1),
                        }
                        for futile, found in runs.items()
                    },
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reps", type=int, default=20_000)
    reps = parser.parse_args().reps
    rng = np.random.default_rng(20_260)
    record(
        "gate_power",
        {
            "reps": reps,
            "alpha": ALPHA,
            "futile": FUTILE,
            "absolute_errors": absolute_errors(reps, rng),
            "modes_of_different_difficulty": mixed_errors(reps, rng),
            "fixed_rules_asked_after_every_scene": peeking(reps, rng),
            "absolute_by_true_rate": designs(),
            "paired": paired(reps, rng),
        },
    )


if __name__ == "__main__":
    main()
