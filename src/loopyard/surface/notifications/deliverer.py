"""The deliverer: takes what waits in the outbox to the channels, beside the run."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import LoopyardError
from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.messenger import OUTBOX
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.store.outbox import Delivery, Outbox
from loopyard.surface.notifications.channels import Channel, open_channels

LOOK_S = 0.5
CLOSE_S = 5.0
MOST_BACKOFF_S = 60.0
TOO_OLD_S = 24 * 3600.0
"""News of yesterday is not worth a ping; the event log has it."""


class Deliveries:
    """One pass after the other over an outbox: each channel gets its messages in order.

    say: hears what a person should know.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        say: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self._outbox, self._channels, self._say = outbox, list(channels), say
        self._clock = clock or SystemClock()
        self._not_before_s: dict[str, float] = {}
        for delivery in outbox.recover():
            say(f"{_named(delivery)}: {delivery.reason}; it is not sent again")

    def one_pass(self) -> bool:
        """Try the next message of each channel that is due; whether there was any."""
        return any([self._next(channel) for channel in list(self._channels)])

    def soonest_s(self) -> float:
        """Seconds until something is due; infinite where nothing waits."""
        due_s = [
            max(head.due_s, self._not_before_s.get(channel.name, 0.0))
            for channel in self._channels
            if (head := self._outbox.head(channel.name)) is not None
        ]
        return max(0.0, min(due_s, default=float("inf")) - self._clock.wall())

    def waiting(self) -> int:
        """How many messages are still to be sent."""
        return sum(one.state == "queued" for one in self._outbox.all())

    def _next(self, channel: Channel) -> bool:
        delivery, now_s = self._outbox.head(channel.name), self._clock.wall()
        if delivery is None:
            return False
        if now_s - delivery.wall_s > TOO_OLD_S:
            self._outbox.settle(delivery, "given_up", "it waited for more than a day")
            return True
        if now_s < max(delivery.due_s, self._not_before_s.get(channel.name, 0.0)):
            return False
        self._outbox.settle(delivery, "sending")
        self._send(channel, delivery)
        return True

    def _send(self, channel: Channel, delivery: Delivery) -> None:
        answer = channel.send(Message.from_dict(delivery.message))
        now_s = self._clock.wall()
        if answer.what == "sent":
            self._outbox.settle(delivery, "sent")
            self._not_before_s[channel.name] = now_s + answer.wait_s
        elif answer.what == "later":
            wait_s = answer.wait_s or min(MOST_BACKOFF_S, 2.0**delivery.tries)
            self._outbox.settle(delivery, "queued", answer.reason, now_s + wait_s)
        elif answer.what == "closed":
            self._outbox.settle(delivery, "queued", answer.reason)
            self._channels.remove(channel)
            self._say(f"{channel.name}: {answer.reason}; nothing more is sent there in this run")
        else:
            state = "unknown" if answer.what == "unknown" else "given_up"
            self._outbox.settle(delivery, state, answer.reason)
            self._say(f"{_named(delivery)}: {answer.reason}; it is not sent again")


class Deliverer:
    """Delivers in a thread of its own while a run goes on. Of several on one outbox, one does.

    It never raises, and holds nothing up for longer than `CLOSE_S` at its end.
    """

    def __init__(self, path: Path, channels: Sequence[Channel], say: Callable[[str], None]) -> None:
        self._path, self._channels, self._say = path, channels, say
        self._closing, self._until_s = threading.Event(), float("inf")
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, within_s: float = CLOSE_S) -> None:
        """Send what is due, for so many seconds at most; the rest waits for the next run."""
        self._until_s = time.monotonic() + within_s
        self._closing.set()
        self._thread.join(within_s)
        if self._thread.is_alive():
            self._say("a message is still under way; the next run says what became of it")

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                if self._claim(stack):
                    outbox = stack.enter_context(Outbox(self._path))
                    self._deliver(Deliveries(outbox, self._channels, self._say))
        except Exception as error:  # nothing about messages may stop a run, and no detail leaks
            told = str(error) if isinstance(error, LoopyardError) else type(error).__name__
            self._say(f"no more messages are sent in this run: {told}")
        finally:
            for channel in self._channels:
                channel.close()

    def _claim(self, stack: ExitStack) -> bool:
        """Wait until there is an outbox and nobody else delivers; False: the run ended before."""
        while True:
            if self._path.exists():
                lock = stack.enter_context(self._path.with_suffix(".lock").open("a"))
                with suppress(BlockingIOError):  # the system lets go of it when a process dies
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                lock.close()
            if self._closing.wait(LOOK_S):
                return False

    def _deliver(self, deliveries: Deliveries) -> None:
        while (left_s := self._until_s - time.monotonic()) > 0:
            closing = self._closing.is_set()
            wait_s = 0.0 if deliveries.one_pass() else deliveries.soonest_s()
            if not closing:
                self._closing.wait(min(LOOK_S, wait_s))
            elif wait_s < left_s:
                time.sleep(wait_s)
            else:
                break
        if waiting := deliveries.waiting():
            self._say(
                f"messages: {waiting} wait in {self._path}; they are sent when this campaign is "
                "run again within a day"
            )


@contextmanager
def delivering(
    folder: Path, settings: MessageSettings, say: Callable[[str], None]
) -> Iterator[None]:
    """Delivers a run folder's messages while the context lasts. say: hears what a person should."""
    if not settings.channels:
        yield
        return
    deliverer = Deliverer(folder / OUTBOX, open_channels(settings, say), say)
    deliverer.start()
    try:
        yield
    finally:
        deliverer.close()


def _named(delivery: Delivery) -> str:
    return f"message {delivery.key} to {delivery.channel}"
