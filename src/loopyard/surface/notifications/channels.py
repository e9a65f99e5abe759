"""The channels that a campaign's settings name, opened with their secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from loopyard.core.errors import ConfigError, expected
from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.surface.notifications.discord import Discord
from loopyard.surface.notifications.secret import find_secret
from loopyard.surface.notifications.slack import Slack
from loopyard.surface.notifications.webhook import Answer

LOCAL = {("http", host) for host in ("127.0.0.1", "localhost", "::1")}


class Channel(Protocol):
    """Somewhere outside that takes messages."""

    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> Answer:
        """Try once; never raises for what the other side or the network does."""
        ...

    def close(self) -> None: ...


def open_channels(settings: MessageSettings, say: Callable[[str], None]) -> list[Channel]:
    """Those that can be opened; of each other one, ``say`` hears why not.

    A secret that is missing, or that others may read, never stops a run: its messages wait in the
    outbox for a run that has it.
    """
    opened: list[Channel] = []
    for open_one in _openers(settings):
        try:
            opened.append(open_one())
        except ConfigError as error:
            say(f"{error}; messages wait in the outbox")
    return opened


def _openers(settings: MessageSettings) -> Iterable[Callable[[], Channel]]:
    webhook, slack = settings.discord_webhook_env, settings.slack_webhook_env
    channel, token = settings.discord_channel, settings.discord_token_env
    if webhook is not None:
        yield lambda: Discord.by_webhook(_address(webhook, settings), settings.ids)
    if channel is not None and token is not None:
        yield lambda: Discord.as_bot(_secret(token, settings), channel, settings.ids)
    if slack is not None:
        yield lambda: Slack(_address(slack, settings), settings.slack_ids)


def _secret(name: str, settings: MessageSettings) -> str:
    return find_secret(name, settings.secrets).get_secret_value()


def _address(name: str, settings: MessageSettings) -> str:
    """The webhook's URL; plain http only to this machine."""
    import httpx

    text = _secret(name, settings)
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host or (url.scheme != "https" and (url.scheme, url.host) not in LOCAL):
        raise ConfigError(expected("messages", name, "no such address", "one of https://..."))
    return text
