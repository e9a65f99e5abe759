"""The bottleneck review: each rule speaks when its figures say so, and only then."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loopyard.cycle.accounts.review import review, write_review
from loopyard.cycle.accounts.review_rules import RULES, CycleFacts, Stage
from loopyard.cycle.accounts.usage import Gpu, Usage, UsageRow
from loopyard.cycle.journal import Journal

QUIET = Usage(
    covered_s=100.0,
    cores=2,
    busy=1.9,
    own=1.8,
    idle_share=0.05,
    memory_gib=4.0,
    memory_total_gib=24.0,
    own_memory_gib=2.0,
)
CALM = CycleFacts(
    cycle=2,
    stages=(
        Stage("expert", 30.0, 30.0, QUIET, episodes=100),
        Stage("train", 60.0, 60.0, QUIET),
        Stage("select", 5.0, 5.0, QUIET),
    ),
    usage=QUIET,
    workers=2,
    best_at=1.0,
)


def gpu(name: str = "A100", use: float = 0.3, used: float = 3.4, total: float = 40.0) -> Usage:
    return replace(QUIET, gpu=Gpu(name, use, used, total), gpus=1)


def with_stage(name: str, took_s: float, planned_s: float, usage: Usage = QUIET) -> CycleFacts:
    new = {"took_s": took_s, "planned_s": planned_s, "usage": usage}
    stages = [replace(s, **new) if s.name == name else s for s in CALM.stages]
    return replace(CALM, stages=tuple(stages))


CASES = {
    "crowded": replace(CALM, usage=replace(QUIET, own=1.0)),
    "more_workers": with_stage("expert", 80.0, 80.0),
    "idle_cores": replace(CALM, usage=replace(QUIET, idle_share=0.4)),
    "fewer_epochs": replace(CALM, best_at=0.5),
    "shorter_training": with_stage("train", 90.0, 60.0),
    "fewer_episodes": with_stage("expert", 47.0, 30.0),
    "fewer_rollouts": replace(
        with_stage("select", 90.0, 90.0, replace(QUIET, busy=1.0)), best_at=None
    ),
    "smaller_gpu": replace(CALM, usage=gpu()),
    "gpu_waits": with_stage("train", 60.0, 60.0, gpu(use=0.2)),
    "memory_short": replace(CALM, usage=replace(QUIET, memory_gib=23.0)),
}


def advice_of(facts: CycleFacts) -> dict[str, str]:
    return {row["rule"]: row["advice"] for row in review(facts)["advice"]}


def test_a_calm_cycle_needs_no_advice():
    assert advice_of(CALM) == {}


def test_every_rule_has_a_case():
    assert set(CASES) == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("rule", CASES)
def test_the_case_of_a_rule_is_named_with_its_figures(rule):
    assert rule in advice_of(CASES[rule])


def test_advice_names_the_figures():
    assert advice_of(CASES["smaller_gpu"])["smaller_gpu"] == (
        "3.4 of 40 GB used on the A100, which computed 30% of the time: an L4 (24 GB) is enough"
    )
    assert "64 episodes instead of 100" in advice_of(CASES["fewer_episodes"])["fewer_episodes"]
    slow = replace(CASES["idle_cores"], workers=1)
    assert "1 workers on 2 cores" in advice_of(slow)["idle_cores"]


def test_cores_that_others_took_call_for_no_more_of_them():
    crowd = replace(QUIET, own=0.5)
    assert "more_workers" not in advice_of(with_stage("expert", 80.0, 80.0, crowd))


@pytest.mark.parametrize(
    "usage", [gpu(used=30.0), gpu("L4", total=24.0), gpu(use=0.9)], ids=["full", "small", "busy"]
)
def test_a_gpu_that_is_needed_stays(usage):
    assert "smaller_gpu" not in advice_of(replace(CALM, usage=usage))


def test_drives_made_beside_the_cycle_before_take_none_of_its_time():
    late = CASES["fewer_episodes"]
    ahead = tuple(replace(s, ahead=True, planned_s=None) for s in late.stages[:1])
    beside = replace(late, stages=(*ahead, *late.stages[1:]))
    assert advice_of(beside) == {}
    assert beside.took_s == late.took_s - late.stages[0].took_s


def test_without_samples_only_time_is_judged():
    bare = replace(CALM, usage=None, stages=tuple(replace(s, usage=None) for s in CALM.stages))
    assert advice_of(bare) == {}
    assert review(bare)["usage"] is None


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1e9 + self.now


def test_a_run_folder_is_reviewed_from_its_log_and_its_samples(tmp_path):
    clock = Clock()
    journal = Journal(tmp_path / "events.sqlite", clock)

    def work(took_s: float, **facts):
        def done(*deadline):
            clock.now += took_s
            return facts

        return done

    plan = {
        "cycles": [{"cycle": 1, "episodes": 50, "train_minutes": 1.0, "select": 10}],
        "gate": 0,
        "seconds": {"generate": 20.0, "train": 60.0, "judge": 10.0},
    }
    journal.step("measure", [], work(10.0, workers=2))
    journal.step("plan", [], work(0.0, **plan))
    journal.step("cycle-1/expert", [], work(60.0, episodes=50))
    journal.step("cycle-1/train", [], work(60.0))
    journal.close()
    row = UsageRow(70.0, 70.0, 2, 1.0, 1.0, 3.0, 24.0, 1.0)
    (tmp_path / "usage.jsonl").write_text(row.to_line())
    found = write_review(tmp_path, 1)
    assert json.loads((tmp_path / "cycles/01/review.json").read_text()) == found
    data, train = found["stages"]
    assert (data["took_s"], data["planned_s"], data["idle_share"]) == (60.0, 20.0, 0.5)
    assert (train["took_s"], train["planned_s"], train["busy"]) == (60.0, 60.0, None)
    rules = {row["rule"] for row in found["advice"]}
    assert rules == {"idle_cores", "fewer_episodes"}
