"""The state of a campaign is a function of its events, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopyard.core.errors import ConfigError
from loopyard.cycle.journal import Journal
from loopyard.cycle.state import CampaignState, read_state, state_of
from loopyard.cycle.step_name import stage_of
from loopyard.store.events import Event, EventLog

PLAN = {"seconds": {"budget": 600.0}, "cycles": [{"cycle": 1}, {"cycle": 2}], "took_s": 0.1}
VERDICT = {"verdict": "reject", "reason": "3 of 10", "took_s": 4.0}


def log_of(*rows: tuple[str, float, dict[str, Any]]) -> list[Event]:
    """Events of (kind, used_s, the rest)."""
    return [
        Event(seq, 1000.0 + used_s, kind, {**data, "used_s": used_s})
        for seq, (kind, used_s, data) in enumerate(rows, 1)
    ]


def begun(step: str, used_s: float) -> tuple[str, float, dict[str, Any]]:
    return "step_begun", used_s, {"step": step, "key": "k"}


def done(step: str, used_s: float, **facts: Any) -> tuple[str, float, dict[str, Any]]:
    return "step_done", used_s, {"step": step, "key": "k", "facts": facts}


def stopped(used_s: float) -> tuple[str, float, dict[str, Any]]:
    return "stopped", used_s, {"reason": "KeyboardInterrupt: "}


CAMPAIGN = log_of(
    begun("plan", 1.0),
    done("plan", 1.1, **PLAN),
    begun("cycle-1/train", 2.0),
    ("alive", 7.0, {}),
    stopped(9.0),
    begun("cycle-1/train", 9.5),
    begun("cycle-2/expert", 9.6),
    done("cycle-1/train", 20.0, took_s=18.0),
    begun("cycle-1/select", 20.1),
    done("cycle-1/select", 24.0),
    begun("gate-1", 24.1),
    done("gate-1", 28.1, **VERDICT),
)


def test_before_the_first_event_nothing_is_known():
    assert state_of([]) == CampaignState()
    assert CampaignState().left_s is None


def test_done_in_progress_time_and_budget():
    state = state_of(CAMPAIGN[:9])
    assert [(step.name, step.took_s) for step in state.done] == [
        ("plan", 0.1),
        ("cycle-1/train", 18.0),
    ]
    assert [(step.name, step.running) for step in state.open] == [
        ("cycle-2/expert", True),
        ("cycle-1/select", True),
    ]
    assert (state.used_s, state.budget_s, state.left_s) == (20.1, 600.0, pytest.approx(579.9))
    assert (state.cycles, state.verdict, state.stopped) == (2, None, None)
    assert (state.began_wall_s, state.alive_wall_s) == (1001.0, 1020.1)


def test_what_was_stopped_waits_until_it_is_begun_again():
    state = state_of(CAMPAIGN[:5])
    assert state.stopped == "KeyboardInterrupt: "
    assert [(step.name, step.running) for step in state.open] == [("cycle-1/train", False)]
    again = state_of(CAMPAIGN[:6])
    assert again.stopped is None
    assert [(step.began_s, step.tries, step.running) for step in again.open] == [(2.0, 2, True)]


def test_after_a_kill_only_what_was_begun_again_is_in_progress():
    killed = log_of(begun("cycle-1/train", 1.0), begun("cycle-2/expert", 2.0))
    state = state_of([*killed, *log_of(begun("cycle-1/train", 3.0))])
    assert {step.name: step.running for step in state.open} == {
        "cycle-1/train": True,
        "cycle-2/expert": False,
    }


def test_a_gate_that_rejects_an_early_cycle_is_not_the_end():
    state = state_of(CAMPAIGN)
    assert state.verdict == VERDICT
    assert not state.finished
    last = log_of(
        begun("cycle-2/select", 30.0),
        done("cycle-2/select", 31.0),
        begun("gate-2", 32.0),
        done("gate-2", 33.0, verdict="inconclusive"),
    )
    assert state_of([*CAMPAIGN, *last]).finished
    assert not state_of([*CAMPAIGN, *last[:3]]).finished


def test_a_promoted_policy_ends_it():
    assert state_of([*CAMPAIGN[:11], *log_of(done("gate-1", 3.0, verdict="promote"))]).finished


def test_names_of_steps():
    assert stage_of("cycle-12/train") == ("train", 12)
    assert stage_of("gate-2") == ("gate", 2)
    assert stage_of("plan") == ("plan", None)


# A machine that has other things to do is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
names = st.sampled_from(["plan", "plan-2", "cycle-1/train", "cycle-1/select", "gate-1", "odd/-x"])
facts = st.sampled_from([PLAN, VERDICT, {}, {"took_s": 3.0}, {"seconds": 3}, None])
rows = st.fixed_dictionaries(
    {},
    optional={
        "step": names,
        "key": st.sampled_from(["k", "l"]),
        "facts": facts,
        "reason": st.sampled_from(["", "Ctrl-C"]),
        "used_s": st.floats(0, 1e6),
    },
)
kinds = st.sampled_from(["step_begun", "step_done", "stopped", "alive", "message", "from-a-later"])
logs = st.lists(st.tuples(kinds, rows), max_size=30).map(
    lambda log: [Event(seq, float(seq), kind, data) for seq, (kind, data) in enumerate(log, 1)]
)


@patient
@given(logs, st.integers(0, 30))
def test_any_beginning_of_any_log_gives_a_valid_state_and_always_the_same(log, length):
    prefix = log[:length]
    state = state_of(prefix)
    assert state_of(iter(prefix)) == state
    assert {*state.done} | {*state.open} == {*state.steps}
    assert all(step.tries >= 1 and not (step.done and step.running) for step in state.steps)
    begun_steps = {event.data.get("step", "") for event in prefix if event.kind == "step_begun"}
    assert {step.name for step in state.open} <= begun_steps
    if state.finished:
        assert state.verdict is not None
    if state.stopped is not None:
        assert not any(step.running for step in state.steps)


@patient
@given(logs, logs)
def test_kinds_that_are_not_known_change_nothing(log, other):
    known = [event for event in log if event.kind not in ("message", "from-a-later")]
    assert state_of(known) == state_of(log)
    assert state_of([*log, *(e for e in other if e.kind == "message")]) == state_of(log)


def test_the_state_of_a_run_is_that_of_its_log(tmp_path: Path, clock):
    journal = Journal(tmp_path / "events.sqlite", clock)
    for _ in range(5):
        clock.pass_s(6.0)
        journal.alive()
    journal.close()
    with EventLog(tmp_path / "events.sqlite") as log:
        for event in CAMPAIGN:
            log.append(event.kind, **event.data)
        log.append("alive", used_s=30.0)
        log.append("alive", used_s=35.0)
        log.append("message", text="hello")
        state = read_state(tmp_path)
        assert state.steps == state_of(log.events()).steps
        assert state.used_s == 35.0
        assert state.alive_wall_s == log.events("alive")[-1].wall_s


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_no_run_is_named(tmp_path: Path, there):
    folder = tmp_path / "data"
    if there:
        folder.mkdir()
    with pytest.raises(ConfigError, match=r"data: run: found .*, expected a run folder, with eve"):
        read_state(folder)
    assert not list(tmp_path.glob("**/*.sqlite*"))
