"""Delivery: in order, once, as the service allows, and never in the way of a run."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chat_service import SLACK, Trouble

from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.store.outbox import Outbox
from loopyard.surface.notifications import deliverer, webhook
from loopyard.surface.notifications.deliverer import Deliverer, Deliveries, delivering
from loopyard.surface.notifications.discord import Discord
from loopyard.surface.notifications.slack import Slack
from loopyard.surface.notifications.webhook import Answer

QUEUED = ("queued", "")


def put(outbox: Outbox, *keys: str, channels: tuple[str, ...] = ("discord",)) -> None:
    for key in keys:
        message = Message(key, "REPORT", "Training", key)
        outbox.put(key, message.to_dict(), dict.fromkeys(channels, QUEUED))


def states(path: Path) -> dict[str, str]:
    with Outbox(path) as outbox:
        return {one.key: one.state for one in outbox.all()}


@dataclass
class Clock:
    now_s: float = 1_000.0

    def wall(self) -> float:
        return self.now_s

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Scripted:
    """A channel that answers as told, then ``sent``."""

    answers: list[Answer] = field(default_factory=list)
    name: str = "discord"
    keys: list[str] = field(default_factory=list)

    def send(self, message: Message) -> Answer:
        self.keys.append(message.key)
        return self.answers.pop(0) if self.answers else Answer("sent")

    def close(self) -> None:
        pass


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(path, clock):
    with Outbox(path, clock) as found:
        yield found


@pytest.fixture
def said():
    return []


def test_the_first_waits_out_its_limit_and_the_others_behind_it(outbox, clock, said):
    channel = Scripted([Answer("later", "HTTP 429", wait_s=64.5)])
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    put(outbox, "a", "b")
    assert deliveries.one_pass()
    assert deliveries.soonest_s() == 64.5
    clock.now_s += 64.4
    assert not deliveries.one_pass()
    again = Deliveries(outbox, [channel], said.append, clock)  # a restart does not forget it
    assert not again.one_pass()
    clock.now_s += 0.2
    while again.one_pass():
        pass
    assert channel.keys == ["a", "a", "b"]
    assert said == []


def test_an_empty_bucket_makes_the_next_wait(outbox, clock, said):
    channel = Scripted([Answer("sent", wait_s=2.0)])
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    put(outbox, "a", "b")
    deliveries.one_pass()
    assert not deliveries.one_pass()
    clock.now_s += 2.0
    assert deliveries.one_pass()
    assert channel.keys == ["a", "b"]


def test_an_outage_is_met_with_longer_and_longer_waits(outbox, clock, said):
    channel = Scripted([Answer("later", "HTTP 503")] * 9)
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    put(outbox, "a")
    waits = []
    for _ in range(9):
        assert deliveries.one_pass()
        waits.append(deliveries.soonest_s())
        clock.now_s += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert deliveries.one_pass()
    assert deliveries.waiting() == 0


def test_an_outage_of_one_does_not_hold_up_the_other(outbox, clock, said):
    discord = Scripted([Answer("later", "HTTP 503")])
    slack = Scripted(name="slack")
    put(outbox, "a", "b", channels=("discord", "slack"))
    deliveries = Deliveries(outbox, [discord, slack], said.append, clock)
    while deliveries.one_pass():
        pass
    assert (discord.keys, slack.keys) == (["a"], ["a", "b"])


@pytest.mark.parametrize(("what", "state"), [("unknown", "unknown"), ("rejected", "given_up")])
def test_what_may_not_be_sent_again_is_not(outbox, path, clock, said, what, state):
    channel = Scripted([Answer(what, "HTTP 400")])
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    put(outbox, "a", "b")
    while deliveries.one_pass():
        pass
    assert channel.keys == ["a", "b"]
    assert states(path) == {"a": state, "b": "sent"}
    assert said == ["message a to discord: HTTP 400; it is not sent again"]


def test_a_webhook_that_is_gone_is_left_alone_until_the_next_run(outbox, path, clock, said):
    channel = Scripted([Answer("closed", "HTTP 404: Unknown Webhook")])
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    put(outbox, "a", "b")
    while deliveries.one_pass():
        pass
    assert channel.keys == ["a"]
    assert states(path) == {"a": "queued", "b": "queued"}
    assert said == ["discord: HTTP 404: Unknown Webhook; nothing more is sent there in this run"]


def test_news_of_yesterday_is_not_sent(outbox, path, clock, said):
    put(outbox, "a")
    clock.now_s += 25 * 3600
    put(outbox, "b")
    channel = Scripted()
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    while deliveries.one_pass():
        pass
    assert states(path) == {"a": "given_up", "b": "sent"}
    assert channel.keys == ["b"]


def test_a_crash_while_sending_is_told_and_not_sent_again(outbox, path, clock, said):
    put(outbox, "a")
    head = outbox.head("discord")
    outbox.settle(head, "sending")
    channel = Scripted()
    deliveries = Deliveries(outbox, [channel], said.append, clock)
    assert not deliveries.one_pass()
    assert channel.keys == []
    assert states(path) == {"a": "unknown"}
    assert "message a to discord" in said[0]
    assert "may have arrived" in said[0]


def discord_of(service) -> Discord:
    return Discord.by_webhook(service.url(), {})


def test_a_burst_over_the_limit_arrives_once_and_in_order(service, path, said):
    service.per_window = 2
    keys = [f"m{number}" for number in range(4)]
    with Outbox(path) as outbox:
        sender = Deliverer(path, [discord_of(service), Slack(service.url(SLACK), {})], said.append)
        sender.start()
        put(outbox, *keys, channels=("discord", "slack"))
        service.wait_for(lambda: len(service.arrived) == 8)
        sender.close()
    for name in ("content", "text"):
        told = [one[name] for one in service.arrived if name in one]
        assert told == [f"[REPORT] Training: {key}" for key in keys]
    assert len(service.tries) > 8  # some were refused for a while
    assert said == []


def test_failures_of_the_service_do_not_lose_or_repeat_a_message(service, path, said, monkeypatch):
    monkeypatch.setattr(deliverer, "MOST_BACKOFF_S", 0.05)
    service.troubles = [
        Trouble(500),
        Trouble(502),
        Trouble(429, {"retry_after": 0.2}),
        Trouble(503),
    ]
    sender = Deliverer(path, [discord_of(service)], said.append)
    sender.start()
    with Outbox(path) as outbox:
        put(outbox, "a", "b")
    service.wait_for(lambda: len(service.arrived) == 2)
    sender.close()
    assert service.texts == ["[REPORT] Training: a", "[REPORT] Training: b"]
    assert states(path) == {"a": "sent", "b": "sent"}


def test_a_service_that_hangs_holds_up_nobody(service, path, said, monkeypatch):
    monkeypatch.setattr(webhook, "READ_S", 3.0)
    service.troubles = [Trouble(hang=True)]
    with Outbox(path) as outbox:
        put(outbox, "a", "b")
    sender = Deliverer(path, [discord_of(service)], said.append)
    sender.start()
    service.wait_for(lambda: len(service.tries) == 1)
    before_s = time.monotonic()
    sender.close(within_s=0.3)
    assert time.monotonic() - before_s < 2.5
    assert "still under way" in said[0]
    sender._thread.join()
    assert states(path) == {"a": "unknown", "b": "queued"}
    later = Deliverer(path, [discord_of(service)], said.append)
    later.start()
    service.wait_for(lambda: len(service.arrived) == 2)
    later.close()
    assert service.texts == ["[REPORT] Training: a", "[REPORT] Training: b"]


def test_the_last_words_are_sent_before_the_end(service, path, said):
    service.per_window = 2
    with Outbox(path) as outbox:
        sender = Deliverer(path, [discord_of(service)], said.append)
        sender.start()
        put(outbox, "a", "b", "c")
        sender.close(within_s=15.0)
    assert len(service.arrived) == 3
    assert said == []


def test_what_is_left_is_told(path, said):
    with Outbox(path) as outbox:
        put(outbox, "a", "b")
    channel = Scripted([Answer("later", "HTTP 429", wait_s=60.0)])
    sender = Deliverer(path, [channel], said.append)
    sender.start()
    sender.close(within_s=15.0)
    assert said[0].startswith(f"messages: 2 wait in {path}")


def test_of_two_on_one_outbox_one_delivers(path, said):
    with Outbox(path) as outbox:
        put(outbox, "a")
        first, second = Scripted(), Scripted()
        one, two = (Deliverer(path, [channel], said.append) for channel in (first, second))
        one.start()
        deadline_s = time.monotonic() + 20
        while outbox.head("discord") is not None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        two.start()
        put(outbox, "b")
        two.close()
        one.close(within_s=15.0)
    assert (first.keys, second.keys) == (["a", "b"], [])


def test_a_run_that_never_posted_needs_no_outbox(path, said):
    sender = Deliverer(path, [Scripted()], said.append)
    sender.start()
    sender.close()
    assert not path.exists()
    assert said == []


def test_a_fault_of_its_own_ends_delivery_and_tells_no_detail(path, said):
    class Faulty(Scripted):
        def send(self, message: Message) -> Answer:
            raise RuntimeError("https://discord.com/api/webhooks/1/secret")

    with Outbox(path) as outbox:
        put(outbox, "a")
    sender = Deliverer(path, [Faulty()], said.append)
    sender.start()
    sender.close()
    assert said == ["no more messages are sent in this run: RuntimeError"]


def test_a_run_delivers_what_its_settings_name(service, tmp_path, said, monkeypatch):
    monkeypatch.setenv("LOOPYARD_HOOK", service.url())
    settings = MessageSettings(discord_webhook_env="LOOPYARD_HOOK")
    with delivering(tmp_path, settings, said.append):
        with Outbox(tmp_path / "outbox.sqlite") as outbox:
            put(outbox, "a")
        service.wait_for(lambda: service.texts == ["[REPORT] Training: a"])
    assert said == []


def test_without_a_channel_nothing_is_started(tmp_path, said):
    before = threading.active_count()
    with delivering(tmp_path, MessageSettings(), said.append):
        assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


RUNNER = """
import sys, threading
from pathlib import Path
from loopyard.surface.notifications.deliverer import Deliverer
from loopyard.surface.notifications.discord import Discord
Deliverer(Path(sys.argv[1]), [Discord.by_webhook(sys.stdin.readline().strip(), {})], print).start()
threading.Event().wait()
"""


def test_a_run_that_is_killed_while_it_sends_never_sends_twice(service, path, said):
    service.troubles = [Trouble(hang=True)]
    with Outbox(path) as outbox:
        put(outbox, "a", "b")
    command = [sys.executable, "-c", RUNNER, str(path)]
    runner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        assert runner.stdin is not None
        runner.stdin.write(f"{service.url()}\n".encode())
        runner.stdin.close()
        service.wait_for(lambda: len(service.arrived) == 1, timeout_s=60.0)
    finally:
        runner.kill()
        runner.wait()
    sender = Deliverer(path, [discord_of(service)], said.append)
    sender.start()
    service.wait_for(lambda: len(service.arrived) == 2, timeout_s=60.0)
    sender.close(within_s=15.0)
    assert service.texts == ["[REPORT] Training: a", "[REPORT] Training: b"]
    assert states(path) == {"a": "unknown", "b": "sent"}
    assert "it may have arrived; it is not sent again" in said[0]
