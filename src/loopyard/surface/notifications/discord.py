"""Messages to Discord: through a webhook, or as a bot to a channel.

Nobody is pinged but the role that a message is for: ``allowed_mentions`` parses nothing
(https://discord.com/developers/docs/resources/message#allowed-mentions-object).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopyard.cycle.messages.message import MENTION, Message
from loopyard.cycle.messages.roles import Role
from loopyard.surface.notifications.webhook import Answer, Webhook

API = "https://discord.com/api/v10"
MOST_CHARACTERS = 2000


class Discord:
    """One Discord channel. ids: whom ``<@id>`` mentions for a role."""

    name = "discord"

    def __init__(self, webhook: Webhook, ids: Mapping[Role, str]) -> None:
        self._webhook, self._ids = webhook, ids

    @classmethod
    def by_webhook(cls, url: str, ids: Mapping[Role, str]) -> Discord:
        """url: of the webhook, a secret. It answers when the message is stored (``wait``)."""
        import httpx

        return cls(Webhook(str(httpx.URL(url).copy_merge_params({"wait": "true"}))), ids)

    @classmethod
    def as_bot(cls, token: str, channel: str, ids: Mapping[Role, str], api: str = API) -> Discord:
        """token: of a bot that may write in ``channel``, a secret."""
        url = f"{api}/channels/{channel}/messages"
        return cls(Webhook(url, {"Authorization": f"Bot {token}"}), ids)

    def send(self, message: Message) -> Answer:
        return self._webhook.post(self.payload(message))

    def payload(self, message: Message) -> dict[str, Any]:
        """The JSON of a message; what is too long for Discord is cut."""
        text = message.line({role: f"<@{number}>" for role, number in self._ids.items()})
        if len(text) > MOST_CHARACTERS:
            text = text[: MOST_CHARACTERS - 1] + "…"
        known = set(self._ids.values())
        users = [number for number in dict.fromkeys(MENTION.findall(text)) if number in known]
        return {"content": text, "allowed_mentions": {"parse": [], "users": users}}

    def close(self) -> None:
        self._webhook.close()
