"""The messenger: checks a message, tells console and event log, and puts it into the outbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import LoopyardError
from loopyard.cycle.messages.message import Message, refusal, unreachable
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.store.outbox import Outbox, State

OUTBOX = "outbox.sqlite"
LOG = "log"
"""The channel that every message goes to: console and event log."""
MESSAGE, REFUSED = "message", "message_refused"
"""Kinds of events."""
SENT: tuple[State, str] = ("sent", "")
IDS = {"discord": "messages.ids", "slack": "messages.slack_ids"}
"""The setting with the ids of a channel's roles."""


class Messenger:
    """Posts each key once, over restarts. What goes wrong here never stops a campaign.

    A channel where no role has an id takes only what is for nobody in particular; that is said
    once, and each message it keeps out is in the event log.

    record: appends an event. say: shows a line on the console.
    """

    def __init__(
        self,
        folder: Path,
        settings: MessageSettings,
        record: Callable[..., Any],
        say: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self.settings, self.folder = settings, folder
        self._record, self._say = record, say
        self._clock = clock or SystemClock()
        self._outbox = Outbox(folder / OUTBOX, self._clock)
        self._said: set[str] = set()
        self.posted = {one.key: one.wall_s for one in self._outbox.all() if one.channel == LOG}
        """{key: when, in seconds since the epoch} of all messages, those of earlier tries too."""

    def post(self, message: Message) -> bool:
        """Whether it was posted: not where it breaks a rule, and not a second time."""
        if message.key in self.posted:
            return False
        try:
            return self._post(message)
        except LoopyardError as error:  # such as a full disk, which the campaign meets itself
            self._say(f"message not kept: {error}")
            return False

    def close(self) -> None:
        self._outbox.close()

    def _post(self, message: Message) -> bool:
        if reason := refusal(message, self.folder):
            self._refused(message, "anywhere", reason)
            return False
        told, states = message.to_dict(), {LOG: SENT}
        for name, (ids, valid) in self.settings.channels.items():
            if reason := unreachable(message, ids, valid):
                self._refused(message, name, reason)
            states[name] = ("refused", reason) if reason else ("queued", "")
        self._record(MESSAGE, message=told)
        self._say(message.line())
        self._outbox.put(message.key, told, states)
        self.posted[message.key] = self._clock.wall()
        return True

    def _refused(self, message: Message, where: str, reason: str) -> None:
        self._record(REFUSED, message=message.to_dict(), where=where, reason=reason)
        text = f"message refused, not sent to {where}: {reason}: {message.line()}"
        if where in IDS and not self.settings.channels[where][0]:
            text = (
                f"{where}: found no role with an id, expected {IDS[where]}; messages that are for "
                "a role are not sent there"
            )
        if text not in self._said:
            self._said.add(text)
            self._say(text)
