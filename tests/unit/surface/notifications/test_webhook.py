"""One POST: what each answer means, and that the address stays a secret."""

from __future__ import annotations

import logging
import socket
from email.utils import formatdate
from time import time

import pytest
from chat_service import CHANNEL, SLACK, TOKEN, Trouble

from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.roles import Role
from loopyard.surface.notifications import webhook
from loopyard.surface.notifications.discord import Discord
from loopyard.surface.notifications.slack import Slack
from loopyard.surface.notifications.webhook import Webhook

IDS: dict[Role, str] = {"Developer": "323456789012345678", "Training": "423456789012345678"}
TO_DEVELOPER = Message("k", "REQUEST", "Training", "make <it> & more", to="Developer")
REPORT = Message("r", "REPORT", "Training", "half way")


@pytest.fixture
def discord(service):
    channel = Discord.by_webhook(service.url(), IDS)
    yield channel
    channel.close()


def test_a_message_names_whom_it_pings_and_nobody_else(service, discord):
    assert discord.send(TO_DEVELOPER).what == "sent"
    assert discord.send(REPORT).what == "sent"
    first, second = service.arrived
    assert first["content"] == "[REQUEST] <@323456789012345678> Training: make <it> & more"
    assert first["allowed_mentions"] == {"parse": [], "users": ["323456789012345678"]}
    assert first["wait"]  # so that the answer says that it is stored
    assert second["allowed_mentions"] == {"parse": [], "users": []}


def test_what_is_too_long_is_cut(service, discord):
    assert discord.send(Message("l", "REPORT", "Training", "x" * 5000)).what == "sent"
    assert len(service.texts[0]) == 2000


def test_a_bot_writes_into_a_channel(service):
    channel, api = CHANNEL.split("/")[2], service.url("")
    for token, what in ((TOKEN, "sent"), ("another", "closed")):
        bot = Discord.as_bot(token, channel, IDS, api)
        assert bot.send(REPORT).what == what
        bot.close()
    assert service.texts == ["[REPORT] Training: half way"]


def test_slack_gets_markup_of_mentions_alone(service):
    slack = Slack(service.url(SLACK), {"Developer": "U01ABCDEF"})
    assert slack.send(TO_DEVELOPER).what == "sent"
    slack.close()
    assert service.texts == ["[REQUEST] <@U01ABCDEF> Training: make &lt;it&gt; &amp; more"]


@pytest.mark.parametrize(
    ("trouble", "what", "wait_s", "reason"),
    [
        (Trouble(429, {"retry_after": 64.57}, {"Retry-After": "65"}), "later", 65, "HTTP 429"),
        (Trouble(429, {"retry_after": 1336.57}), "later", 1336.57, "HTTP 429"),
        (Trouble(429, "rate_limited", {"Retry-After": "30"}), "later", 30, "rate_limited"),
        (Trouble(429, {"retry_after": "soon"}, {"Retry-After": "soon"}), "later", 1, "429"),
        (Trouble(429, {"retry_after": float("inf")}), "later", 1, "429"),
        (Trouble(500, "rollup_error"), "later", 0, "HTTP 500: rollup_error"),
        (Trouble(502), "later", 0, "HTTP 502"),
        (Trouble(503, "", {"Retry-After": "7"}), "later", 7, "HTTP 503"),
        (Trouble(504), "unknown", 0, "may have arrived"),
        (Trouble(400, {"message": "Invalid Form Body"}), "rejected", 0, "Invalid Form Body"),
        (Trouble(302, "", {"Location": "/elsewhere"}), "rejected", 0, "HTTP 302"),
        (Trouble(404, {"message": "Unknown Webhook"}), "closed", 0, "404: Unknown Webhook"),
        (Trouble(403, "action_prohibited"), "closed", 0, "action_prohibited"),
        (Trouble(410, "channel_is_archived"), "closed", 0, "channel_is_archived"),
        (Trouble(drop=True), "unknown", 0, "RemoteProtocolError"),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_what_an_answer_means(service, discord, trouble, what, wait_s, reason):
    service.troubles = [trouble]
    answer = discord.send(REPORT)
    assert answer.what == what
    assert answer.wait_s == pytest.approx(wait_s)
    assert reason in answer.reason
    assert len(service.tries) == 1


def test_an_answer_may_name_the_hour_to_come_back(service, discord):
    service.troubles = [Trouble(429, "<html>", {"Retry-After": formatdate(time() + 9000)})]
    answer = discord.send(REPORT)
    assert answer.what == "later"
    assert answer.wait_s == pytest.approx(9000, abs=100.0)


def test_an_empty_bucket_is_left_alone(service, discord):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}
    service.troubles = [Trouble(200, {}, headers)]
    assert discord.send(REPORT).wait_s == 1.5


def test_nobody_there_may_be_tried_again():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = Webhook(f"http://127.0.0.1:{port}/{TOKEN}")
    answer = nobody.post({"content": "x"})
    nobody.close()
    assert (answer.what, answer.reason) == ("later", "no connection (ConnectError)")


def test_no_answer_in_time_may_have_arrived(service, monkeypatch):
    monkeypatch.setattr(webhook, "READ_S", 0.2)
    service.troubles = [Trouble(hang=True)]
    channel = Discord.by_webhook(service.url(), {})
    answer = channel.send(REPORT)
    channel.close()
    assert answer.what == "unknown"
    assert len(service.arrived) == 1


def test_the_address_is_in_no_log_and_no_reason(service, caplog):
    service.troubles = [Trouble(400, f"no such page: /api/webhooks/1/{TOKEN}")]
    before = list(logging.getLogger("httpx").filters)
    with caplog.at_level(logging.DEBUG):
        channel = Discord.by_webhook(service.url(), IDS)
        rejected, sent = channel.send(REPORT), channel.send(REPORT)
        channel.close()
    assert (rejected.what, sent.what) == ("rejected", "sent")
    assert "no such page" in rejected.reason
    assert TOKEN not in caplog.text + str(rejected) + repr(vars(channel))
    assert logging.getLogger("httpx").filters == before
