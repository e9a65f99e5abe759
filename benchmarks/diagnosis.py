"""Is the diagnosis right, and what does it cost?

Scripted drives that fail on purpose (diagnosis_cases.py), on gate scenes; thresholds were set on
train scenes. Cost: the same rollouts with and without traces, metrics and diagnosis, and what the
registry of failure modes costs for each of them, part by part.

python benchmarks/diagnosis.py [--world yard] [--n 10] [--split gate] [--cost-scenes 16]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import diagnosis_corridor
from _record import record
from _registry_cost import registry_cost
from _untrained import untrained
from diagnosis_cases import CASES, Case, Drive, drive
from diagnosis_scripts import pieces
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import SEED_RANGES, Split
from loopyard.evaluation.diagnosis.diagnose import diagnose
from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS, Diagnosis
from loopyard.evaluation.diagnosis.passing import PASSING
from loopyard.evaluation.diagnosis.suite import diagnose_suite
from loopyard.evaluation.evaluate import LOCKSTEP
from loopyard.evaluation.rollout import RolloutJob
from loopyard.evaluation.statistics import wilson
from loopyard.evaluation.suite_folder import SuiteFolder
from loopyard.evaluation.worker import Block, RolloutHandler, WorkerPlan
from loopyard.policies.baselines import ZeroPolicy
from loopyard.policies.policy import Policy
from loopyard.worlds.registry import make_world

SCENES_A_CASE = 200
MOST_TRIES = 5
"""A case that shows itself in less than one of so many scenes is given up."""
NONE = "none"
Judged = tuple[Drive, Diagnosis]
WORLDS = {
    "yard": (CASES, Case("expert", pieces.expert_drives, None)),
    "corridor": (diagnosis_corridor.CASES, diagnosis_corridor.EXPERT),
}
"""By world, scripts that fail and one that does not."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--world", choices=WORLDS, default="yard")
    parser.add_argument("--n", type=int, default=10, help="drives of each case; 0: none")
    parser.add_argument("--split", choices=("train", "gate"), default="gate")
    parser.add_argument("--cost-scenes", type=int, default=16, help="0: not measured")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.n:
        name = "diagnosis" if options.world == "yard" else f"diagnosis_{options.world}"
        name += "" if options.split == "gate" else "_train"
        record(name, judge(options.world, options.n, options.split))
    if options.cost_scenes and options.world == "yard":
        record("diagnosis_cost", cost(options.cost_scenes, options.repeats))


def judge(world: str, n: int, split: Split) -> dict[str, Any]:
    """Every case on its own scenes of a split."""
    begin_s, begin = time.process_time(), SEED_RANGES[split].start + 50_000
    rows, judged = [], []
    cases, as_it_should = WORLDS[world]
    for number, case in enumerate(cases):
        row, drives = run_case(case, n, begin + number * SCENES_A_CASE)
        print(row, flush=True)
        rows.append(row)
        judged += drives
    expert = expert_drives(as_it_should, 3 * n, begin + len(cases) * SCENES_A_CASE)
    cpu_s = round(time.process_time() - begin_s, 1)
    return {"split": split, **tables(judged), "expert": expert, "cases": rows, "cpu_s": cpu_s}


def expert_drives(case: Case, n: int, first: int) -> dict[str, Any]:
    """What is said of drives that do as they should: no pattern is rightly found in them."""
    drives = [drive(case, seed) for seed in range(first, first + n)]
    patterns = Counter(name for made in drives for name in diagnose(made.trace).pattern_names)
    succeeded = sum(made.outcome.success for made in drives)
    return {"n": n, "succeeded": succeeded, "patterns": dict(patterns)}


def run_case(case: Case, n: int, first: int) -> tuple[dict[str, Any], list[Judged]]:
    """n drives that failed and showed what they should, and how many did not."""
    judged: list[Judged] = []
    left_out: Counter[str] = Counter()
    for seed in range(first, first + MOST_TRIES * n):
        if len(judged) == n:
            break
        made = drive(case, seed)
        if made.outcome.success:
            left_out["succeeded"] += 1
        elif not made.shown:
            left_out["did not show it"] += 1
        else:
            judged.append((made, diagnose(made.trace)))
    wrong = [(made.seed, *_wrong(case, found)) for made, found in judged if _wrong(case, found)]
    row = {
        "case": case.name,
        "class": case.failure,
        "patterns": sorted(case.patterns),
        "n": len(judged),
        "right": len(judged) - len(wrong),
        "left_out": dict(left_out),
        "wrong": wrong,
    }
    return row, judged


def _wrong(case: Case, found: Diagnosis) -> list[str]:
    """What is not as the case says: a class in place of another, a pattern missed or invented."""
    wrong = []
    if case.failure not in (None, found.name):
        wrong.append(f"{found.name} for {case.failure}")
    named = set(found.pattern_names) - case.may
    wrong += [f"missed {name}" for name in sorted(case.patterns - named)]
    return wrong + [f"invented {name}" for name in sorted(named - case.patterns)]


def tables(judged: list[Judged]) -> dict[str, Any]:
    """The confusion matrix of the classes, the four counts of each pattern, and what is right."""
    of_class = [(made.case.failure, found.name) for made, found in judged if made.case.failure]
    confusion = {true: {told: of_class.count((true, told)) for told in CLASSES} for true in CLASSES}
    looked_for = {name for _, found in judged for name in found.looked_for}
    patterns = {name: _four(judged, name) for name in PATTERNS if name in looked_for}
    decisions = sum(sum(four.values()) for four in patterns.values())
    right = sum(four["found"] + four["rightly_quiet"] for four in patterns.values())
    return {
        **({"classes": confusion, "classes_right": _alike(of_class)} if of_class else {}),
        **(_main_pattern(judged) if set(PASSING) <= looked_for else {}),
        "patterns": patterns,
        "patterns_right": _share(right, decisions),
        "all_right": _share(
            sum(not _wrong(made.case, found) for made, found in judged), len(judged)
        ),
    }


def _main_pattern(judged: list[Judged]) -> dict[str, Any]:
    """The confusion matrix of what explains the most: the first of a corridor's own patterns."""
    names = [*PASSING, NONE]

    def first(of: Iterable[str]) -> str:
        return next((name for name in PASSING if name in set(of)), NONE)

    pairs = [(first(made.case.patterns), first(found.pattern_names)) for made, found in judged]
    matrix = {true: {told: pairs.count((true, told)) for told in names} for true in names}
    return {"main": matrix, "main_right": _alike(pairs)}


def _alike(pairs: Sequence[tuple[str | None, str | None]]) -> dict[str, Any]:
    return _share(sum(true == told for true, told in pairs), len(pairs))


def _four(judged: list[Judged], name: str) -> dict[str, int]:
    seen = [
        (name in made.case.patterns, name in found.pattern_names)
        for made, found in judged
        if name not in made.case.may
    ]
    keys = ("found", "missed", "invented", "rightly_quiet")
    pairs = itertools.product((True, False), (True, False))
    return dict(zip(keys, (seen.count(pair) for pair in pairs), strict=True))


def _share(right: int, n: int) -> dict[str, Any]:
    low, high = wilson(right, n)
    return {
        "right": right,
        "n": n,
        "rate": round(right / n, 4) if n else None,
        "wilson_95": [round(low, 4), round(high, 4)],
    }


def cost(scenes: int, repeats: int) -> dict[str, Any]:
    """Seconds of this process for the same rollouts without and with everything a diagnosis needs:
    signals, metrics, trace files, and the diagnosis of every failure; and those of the registry."""
    found = {
        name: _cost(policy, scenes, repeats)
        for name, policy in (
            ("zero", ZeroPolicy()),
            ("act-nano", untrained("act-nano", make_world("yard"))),
        )
    }
    return {**found, "registry": registry_cost(min(found["zero"]["cpu_s_without"]) / scenes)}


def _cost(policy: Policy, scenes: int, repeats: int) -> dict[str, Any]:
    """CPU seconds (elapsed ones count what else is running); worlds and policy are there before."""
    scenario, begin = Scenario(world="yard"), SEED_RANGES["train"].start
    block = tuple(RolloutJob(scenario, begin + index, index) for index in range(scenes))
    plan = WorkerPlan(policy, "cost", scenario, LOCKSTEP)
    handlers = {flag: RolloutHandler(replace(plan, traces=flag)) for flag in (False, True)}
    took: dict[bool, list[float]] = {False: [], True: []}
    for handler in handlers.values():
        handler(block[:1])
    for _ in range(repeats):
        for traces, handler in handlers.items():
            took[traces].append(_rollouts(handler, block, traces=traces))
    for handler in handlers.values():
        handler.close()
    without, with_ = min(took[False]), min(took[True])
    return {
        "rollouts": scenes,
        "cpu_s_without": [round(seconds, 3) for seconds in took[False]],
        "cpu_s_with": [round(seconds, 3) for seconds in took[True]],
        "added": round(with_ / without - 1.0, 4),
    }


def _rollouts(handler: RolloutHandler, block: Block, *, traces: bool) -> float:
    """Drives the block and keeps it; with traces, every failure is diagnosed too."""
    with tempfile.TemporaryDirectory() as root:
        folder = SuiteFolder(Path(root), "cost", "cost")
        begin_s = time.process_time()
        folder.keep(handler(block))
        if traces:
            diagnose_suite(Path(root), "cost")
        return time.process_time() - begin_s


if __name__ == "__main__":
    main()
