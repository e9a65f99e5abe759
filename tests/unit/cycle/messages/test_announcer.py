"""What happens in a campaign becomes messages of the roles that own its stages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loopyard.cycle.messages.announcer import Announcer, changes
from loopyard.cycle.messages.approval import answer
from loopyard.cycle.messages.reports import ReportingObserver
from loopyard.cycle.observer import Silence
from loopyard.cycle.planning.plan import CyclePlan, Plan

FIRST = CyclePlan(1, 40, 0, 0, 1.0, 3.0, 10)
SECOND = CyclePlan(2, 0, 20, 5, 1.0, 3.0, 10)
PLAN = Plan((FIRST, SECOND), 40, {"budget": 600.0, "used": 0.0}, ("too little time",))


@pytest.fixture
def announce(messenger, clock):
    return lambda **settings: Announcer(messenger(**settings), clock)


@pytest.mark.parametrize(
    ("step", "facts", "made", "told"),
    [
        (
            "measure",
            {"episode_s": 0.1},
            "measure.json",
            ["[DONE] Watcher: measure: 0.10 s an episode (measure.json)"],
        ),
        (
            "cycle-2/expert",
            {"episodes": 40, "frames": 4000, "dataset": "expert", "took_s": 12.4},
            "cycles/02/expert",
            [
                "[DONE] Developer: cycle 2: expert: 40 episodes; 4000 frames; took 12 s "
                "(cycles/02/expert)",
                "[HANDOFF] Training Developer: cycle 2: expert is done, over to you "
                "(cycles/02/expert)",
            ],
        ),
        (
            "cycle-2/audit expert",
            {"verdict": "warn"},
            "cycles/02/audit-expert.json",
            ["[DONE] Training: cycle 2: audit expert: warn (cycles/02/audit-expert.json)"],
        ),
        (
            "cycle-1/train",
            {"final_loss": 0.0123, "steps": 800},
            "cycles/01/checkpoints/last",
            [
                "[DONE] Training: cycle 1: train: 800 steps; loss 0.0123 "
                "(cycles/01/checkpoints/last)",
                "[HANDOFF] Evaluation Training: cycle 1: train is done, over to you "
                "(cycles/01/checkpoints/last)",
            ],
        ),
        (
            "gate-3",
            {"n": 40, "successes": 39, "wilson_95": [0.871, 0.996], "verdict": "promote"},
            "cycles/03/rollouts/gate.jsonl",
            [
                "[DONE] Evaluation: gate of cycle 3: 39 of 40 drives succeeded "
                "(Wilson 95 % 87% to 100%); promote (cycles/03/rollouts/gate.jsonl)",
                "[HANDOFF] Watcher Evaluation: gate of cycle 3 is done, over to you "
                "(cycles/03/rollouts/gate.jsonl)",
            ],
        ),
        (
            "cycle-2/recover",
            {"episodes": 0},
            "",
            ["[REPORT] Developer: cycle 2: recover: 0 episodes"],
        ),
        (
            "cycle-1/something",
            {"took_s": 2},
            "",
            ["[REPORT] Watcher: cycle 1: something: took 2 s"],
        ),
        ("what-ever/1x", {}, "", ["[REPORT] Watcher: what-ever: 1x"]),
        ("plan-2", {"cycles": []}, "", []),
    ],
)
def test_a_stage_that_is_done_is_told_once(tmp_path, announce, heard, step, facts, made, told):
    if made:
        (tmp_path / made).mkdir(parents=True)
    announce().done(step, facts)
    announce().done(step, facts)  # after a restart
    assert heard.lines == told


def test_a_stage_whose_work_is_not_there_is_not_called_done(announce, heard):
    announce().done("cycle-1/train", {"steps": 3})
    assert {kind for kind, _ in heard.events} == {"message_refused"}
    assert "cycles/01/checkpoints/last: found nothing" in heard.lines[0]


def test_plans_and_how_they_change_are_told_before_they_are_used(tmp_path, messenger, clock, heard):
    (tmp_path / "plan.json").touch()
    sender = messenger()
    observer = ReportingObserver(Silence(), sender, Announcer(sender, clock), clock)
    observer.plan(PLAN, None)  # type: ignore[arg-type]
    observer.replan(replace(PLAN, cycles=(SECOND,), warnings=()))
    observer.replan(replace(PLAN, cycles=(replace(SECOND, train_minutes=2.5, rollouts=15),)))
    assert heard.lines == [
        "[DONE] Watcher: 2 cycles in 10 min: too little time (plan.json)",
        "[REPORT] Watcher: cycle 2 is planned anew: rollouts: 20 -> 15; train_minutes: 3 -> 2.5; "
        "too little time",
    ]


def test_a_failed_audit_blocks_names_what_was_found_and_asks_for_new_data(announce, heard):
    checks = [
        {"name": "black", "where": "episode 3", "found": "12 @ dark", "expected": "0"},
        *[{"name": f"more {n}", "where": "", "found": "1", "expected": "0"} for n in range(3)],
    ]
    announce().done("cycle-1/audit", {"verdict": "fail", "failed": checks})
    assert heard.lines == [
        "[BLOCKED] Training: cycle 1: audit: black (episode 3): found 12 (at) dark, expected 0; "
        "more 0: found 1, expected 0; more 1: found 1, expected 0; and 1 more",
        "[REQUEST] Developer Training: cycle 1: audit: generate this data again, with other scenes",
    ]


@pytest.mark.parametrize(
    ("step", "made"),
    [
        ("cycle-1/audit again", "cycles/01/audit.json"),
        ("cycle-2/audit expert again", "cycles/02/audit-expert.json"),
        ("cycle-2/relabel again", "cycles/02/dataset"),
    ],
)
def test_what_is_done_again_is_told_too(tmp_path, announce, heard, step, made):
    (tmp_path / made).mkdir(parents=True)
    announce().done(step, {"verdict": "pass"})
    assert heard.lines[0].startswith("[DONE] ")
    assert heard.lines[0].endswith(f"pass ({made})")


BEFORE = {"train": {"lr": 1e-4, "policy": "act"}, "n": 1}
AFTER = {"train": {"lr": 5e-5, "policy": "act"}, "n": 1, "more": True}


def test_what_differs_is_named_by_section():
    assert changes(BEFORE, AFTER) == ["train.lr: 0.0001 -> 5e-05", "more: None -> True"]
    assert changes(BEFORE, BEFORE) == []


def test_a_change_is_announced_and_made(announce, heard):
    assert announce().change("cycle 2", BEFORE, AFTER, "loss stood still")
    assert heard.lines == [
        "[REPORT] DomainExpert: cycle 2: loss stood still: train.lr: 0.0001 -> 5e-05; "
        "more: None -> True"
    ]
    assert announce().change("cycle 3", BEFORE, BEFORE, "nothing")
    assert len(heard.lines) == 1


@pytest.mark.parametrize(
    ("given", "made", "told"),
    [(True, True, "approved"), (False, False, "declined"), (None, False, "no answer in time")],
)
def test_a_change_may_wait_for_a_person(
    tmp_path, announce, heard, clock, monkeypatch, given, made, told
):
    def beat():
        clock.now_s += 1.0
        if given is not None and clock.now_s == 1010.0:
            answer(tmp_path, yes=given, now_s=clock.now_s)

    monkeypatch.setattr("loopyard.cycle.messages.approval.LOOK_S", 0.0)
    sender = announce(approve="manual", approve_within_minutes=1.0)
    assert sender.change("cycle 2", BEFORE, AFTER, "why", beat) == made
    assert clock.now_s == (1060.0 if given is None else 1010.0)
    request, report = heard.lines
    assert request.startswith("[REQUEST] Watcher DomainExpert: cycle 2: why: train.lr: 0.0001 ->")
    assert f"loopyard approve {tmp_path} (or --no)" in request
    assert "waits until 00:17 UTC" in request
    assert (
        report == f"[REPORT] Watcher: cycle 2: {told}; the change is {'' if made else 'not '}made"
    )
    again = announce(approve="manual")  # a restart asks nobody twice
    assert again.change("cycle 2", BEFORE, AFTER, "why", beat) == made
    assert len(heard.lines) == 2


def test_an_error_is_told_and_a_persons_stop_is_not(announce, heard):
    announce().stopped(KeyboardInterrupt())
    announce().stopped(ValueError("mail @boss"))
    assert heard.lines == ["[BLOCKED] Watcher: stopped: ValueError: mail (at)boss"]
