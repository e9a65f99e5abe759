"""Messages are checked, told once, and wait for each channel; Training reports in time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loopyard.core.errors import NoSpaceError
from loopyard.cycle.messages.announcer import Announcer
from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.messenger import OUTBOX
from loopyard.cycle.messages.reports import ReportingObserver
from loopyard.cycle.observer import Silence
from loopyard.store.outbox import Outbox

BOTH = {"discord_webhook_env": "D", "slack_webhook_env": "S"}
REPORT = Message("r", "REPORT", "Training", "half way")
REQUEST = Message("q", "REQUEST", "Training", "again", to="Developer")


def states(folder) -> list[tuple[str, str, str]]:
    with Outbox(folder / OUTBOX) as outbox:
        return [(one.key, one.channel, one.state) for one in outbox.all()]


def test_a_message_goes_to_log_console_and_every_channel_once(tmp_path, messenger, heard):
    first = messenger(**BOTH)
    assert first.post(REPORT)
    assert not first.post(REPORT)
    assert not messenger(**BOTH).post(REPORT)  # a restart
    assert heard.lines == ["[REPORT] Training: half way"]
    assert heard.events == [("message", {"message": REPORT.to_dict()})]
    assert states(tmp_path) == [
        ("r", "log", "sent"),
        ("r", "discord", "queued"),
        ("r", "slack", "queued"),
    ]


def test_without_a_channel_roles_need_no_id(tmp_path, messenger, heard):
    assert messenger(ids={}).post(REQUEST)
    assert heard.lines == ["[REQUEST] Developer Training: again"]
    assert states(tmp_path) == [("q", "log", "sent")]


def test_where_a_role_has_no_id_it_is_refused_and_told(tmp_path, messenger, heard):
    assert messenger(**BOTH, slack_ids={"Watcher": "U0123456"}).post(REQUEST)
    assert states(tmp_path)[1:] == [("q", "discord", "queued"), ("q", "slack", "refused")]
    assert heard.lines[0].startswith(
        "message refused, not sent to slack: to Developer: found no id"
    )
    kind, fields = heard.events[0]
    assert (kind, fields["where"]) == ("message_refused", "slack")


def test_a_channel_without_any_ids_is_told_of_once_a_run(tmp_path, messenger, heard):
    requests = [
        Message(str(number), "REQUEST", "Training", "again", to=role)
        for number, role in enumerate(("Developer", "Watcher", "Developer"))
    ]
    sender = messenger(ids={}, **BOTH)
    assert all(sender.post(request) for request in requests)
    assert sender.post(REPORT)
    told = [line for line in heard.lines if not line.startswith("[")]
    assert told == [
        f"{channel}: found no role with an id, expected messages.{setting}; messages that are for "
        "a role are not sent there"
        for channel, setting in (("discord", "ids"), ("slack", "slack_ids"))
    ]
    assert [kind for kind, _ in heard.events].count("message_refused") == 6
    assert states(tmp_path)[-2:] == [("r", "discord", "queued"), ("r", "slack", "queued")]


def test_what_breaks_a_rule_goes_nowhere_until_it_does_not(tmp_path, messenger, heard):
    done = Message("d", "DONE", "Training", "trained", artifacts=("checkpoints/last",))
    sender = messenger(**BOTH)
    assert not sender.post(done)
    assert "not sent to anywhere: DONE: artifact checkpoints/last: found nothing" in heard.lines[0]
    assert [kind for kind, _ in heard.events] == ["message_refused"]
    (tmp_path / "checkpoints/last").mkdir(parents=True)
    assert sender.post(done)
    assert len(states(tmp_path)) == 3


def test_a_full_disk_does_not_stop_who_posts(messenger, heard, monkeypatch):
    sender = messenger()

    def full(*args):
        raise NoSpaceError("the disk is full")

    monkeypatch.setattr(sender._outbox, "put", full)
    assert not sender.post(REPORT)
    assert heard.lines[-1] == "message not kept: the disk is full"


def step(number: int) -> SimpleNamespace:
    return SimpleNamespace(step=number, share=number / 100, loss=0.5, samples_per_s=99.6)


def train(sender, clock, steps, every_s: float) -> None:
    observer = ReportingObserver(Silence(), sender, Announcer(sender, clock), clock)
    with observer.training(600.0, "train cycle 2") as on_step:
        for number in steps:
            clock.now_s += every_s
            on_step(step(number))


def test_training_reports_every_half_hour_over_restarts(messenger, heard, clock):
    train(messenger(), clock, range(1, 41), 60.0)
    assert heard.lines == [
        "[REPORT] Training: train cycle 2: 30% of its time, step 30, loss 0.5000, 100 samples/s"
    ]
    train(messenger(), clock, range(41, 61), 60.0)  # ten minutes of the half hour are gone
    assert [line.partition("step ")[2][:2] for line in heard.lines] == ["30", "60"]


@pytest.mark.parametrize(("minutes", "reports"), [(1.0, 10), (9.0, 1), (30.0, 0)])
def test_how_often_is_a_setting(messenger, heard, clock, minutes, reports):
    train(messenger(report_every_minutes=minutes), clock, range(1, 11), 60.0)
    assert len(heard.lines) == reports


def test_what_is_passed_on_is_what_was_heard(messenger, clock):
    heard: list[str] = []
    silence = Silence()
    silence.note = heard.append  # type: ignore[method-assign]
    sender = messenger()
    ReportingObserver(silence, sender, Announcer(sender, clock), clock).note("hello")
    assert heard == ["hello"]
