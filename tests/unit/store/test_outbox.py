"""The outbox: keys are taken once, order is kept, and what a crash cut off is not sent again."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopyard.store.failpoint import VARIABLE
from loopyard.store.outbox import Outbox

QUEUED = ("queued", "")


@dataclass
class FixedClock:
    wall_s: float = 1_000.5

    def wall(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return 0.0


def states(outbox: Outbox) -> list[tuple[str, str, str]]:
    return [(one.key, one.channel, one.state) for one in outbox.all()]


def test_messages_wait_in_order_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "run/outbox.sqlite"
    with Outbox(path, FixedClock()) as outbox:
        outbox.put("a", {"text": "ä"}, {"discord": QUEUED, "slack": QUEUED})
        outbox.put("b", {"text": "b"}, {"discord": QUEUED, "slack": ("refused", "no id")})
    with Outbox(path) as outbox:
        head = outbox.head("discord")
        assert head is not None
        assert (head.key, head.message, head.wall_s, head.due_s) == (
            "a",
            {"text": "ä"},
            1000.5,
            1000.5,
        )
        outbox.settle(head, "sending")
        outbox.settle(head, "sent")
        second = outbox.head("discord")
        assert second is not None
        assert second.key == "b"
        outbox.settle(second, "sending")
        outbox.settle(second, "queued", "HTTP 429", due_s=1060.0)
        later = outbox.head("discord")
        assert later is not None
        assert (later.tries, later.reason, later.due_s) == (1, "HTTP 429", 1060.0)
        assert outbox.head("telegram") is None
        assert states(outbox) == [
            ("a", "discord", "sent"),
            ("a", "slack", "queued"),
            ("b", "discord", "queued"),
            ("b", "slack", "refused"),
        ]


def test_a_key_is_taken_once_in_each_channel(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        outbox.put("a", {"text": "first"}, {"discord": QUEUED})
        outbox.put("a", {"text": "second"}, {"discord": QUEUED, "slack": QUEUED})
        assert [one.message["text"] for one in outbox.all()] == ["first", "second"]
        assert [one.channel for one in outbox.all()] == ["discord", "slack"]


def test_what_was_half_sent_is_unknown_and_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.put("a", {}, {"discord": QUEUED})
        outbox.put("b", {}, {"discord": QUEUED})
        head = outbox.head("discord")
        assert head is not None
        outbox.settle(head, "sending")
    with Outbox(path) as outbox:
        assert [(one.key, one.state) for one in outbox.recover()] == [("a", "unknown")]
        assert outbox.recover() == []
        head = outbox.head("discord")
        assert head is not None
        assert head.key == "b"


KILLED = """
from loopyard.store.outbox import Outbox
import sys
outbox = Outbox(sys.argv[1])
outbox.put("a", {}, {"discord": ("queued", ""), "slack": ("queued", "")})
outbox.settle(outbox.head("discord"), "sending")
"""


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("outbox.written", []),
        ("outbox.committed:2", ["sending", "queued"]),
    ],
)
def test_a_kill_leaves_the_state_before_or_after(tmp_path, monkeypatch, place, left):
    monkeypatch.setenv(VARIABLE, place)
    path = tmp_path / "outbox.sqlite"
    child = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert child.returncode == -signal.SIGKILL
    with Outbox(path) as outbox:
        assert [one.state for one in outbox.all()] == left
