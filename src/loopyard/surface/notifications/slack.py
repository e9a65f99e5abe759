"""Messages to Slack, through an incoming webhook (https://docs.slack.dev/messaging)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.roles import Role
from loopyard.surface.notifications.webhook import Answer, Webhook

MOST_CHARACTERS = 4000
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Slack:
    """One Slack channel. ids: whom ``<@id>`` mentions for a role."""

    name = "slack"

    def __init__(self, url: str, ids: Mapping[Role, str]) -> None:
        self._webhook, self._ids = Webhook(url), ids

    def send(self, message: Message) -> Answer:
        return self._webhook.post(self.payload(message))

    def payload(self, message: Message) -> dict[str, Any]:
        """The JSON of a message: only mentions of roles are left as markup."""
        text = message.line({role: f"<@{number}>" for role, number in self._ids.items()})
        if len(text) > MOST_CHARACTERS:
            text = text[: MOST_CHARACTERS - 1] + "…"
        for character, escape in ESCAPES.items():
            text = text.replace(character, escape)
        for number in self._ids.values():
            text = text.replace(f"&lt;@{number}&gt;", f"<@{number}>")
        return {"text": text}

    def close(self) -> None:
        self._webhook.close()
