"""The second reading of a bag: the pictures that were chosen, tick by tick."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.data.importers.bags.images import picture
from loopyard.data.importers.bags.messages import Bag, Topic

MAX_WAITING_BYTES = 256 * 1024 * 1024
"""Of pictures, as they are in the bag, that wait for those of another camera at the same tick."""


def pictures(
    bag: Bag, cameras: dict[str, Topic], chosen: dict[str, np.ndarray]
) -> Iterator[dict[str, np.ndarray]]:
    """One picture a camera for each of T ticks, (H, W, 3) uint8; each is decoded once.

    Args:
        chosen: (T,) number of each tick's message by camera, never falling.

    Raises:
        DatasetError: a picture is damaged or of another encoding; cameras are too far apart.
    """
    queues = {name: _Queue(bag, topic, chosen[name]) for name, topic in cameras.items()}
    length, tick = min(map(len, chosen.values())), 0
    for message in bag.messages({topic.name for topic in cameras.values()}):
        for queue in queues.values():
            if queue.topic.name == message.topic:
                queue.offer(message.body)
        if sum(queue.waiting_bytes for queue in queues.values()) > MAX_WAITING_BYTES:
            spread = {queue.topic.name: len(queue.waiting) for queue in queues.values()}
            raise DatasetError(
                expected(
                    str(bag.path),
                    "pictures that wait for other cameras",
                    spread,
                    f"at most {MAX_WAITING_BYTES} bytes: the cameras' clocks are far apart",
                )
            )
        while tick < length and all(queue.has(tick) for queue in queues.values()):
            yield {name: queue.show(tick) for name, queue in queues.items()}
            tick += 1


class _Queue:
    """The pictures of one camera that are still to be shown."""

    def __init__(self, bag: Bag, topic: Topic, chosen: np.ndarray) -> None:
        self.topic = topic
        self.waiting: deque[tuple[int, Any]] = deque()
        self.waiting_bytes = 0
        self._where, self._chosen, self._needed = str(bag.path), chosen, set(chosen.tolist())
        self._seen = 0
        self._shown = -1
        self._image = np.empty((0, 0, 3), np.uint8)

    def offer(self, body: Any) -> None:
        """Take in the camera's next message."""
        if self._seen in self._needed:
            self.waiting.append((self._seen, body))
            self.waiting_bytes += len(body.data)
        self._seen += 1

    def has(self, tick: int) -> bool:
        return self._shown == self._chosen[tick] or bool(self.waiting)

    def show(self, tick: int) -> np.ndarray:
        """The picture of a tick; ticks are asked for in order, so the next one waits in front."""
        if self._shown != self._chosen[tick]:
            self._shown, body = self.waiting.popleft()
            self.waiting_bytes -= len(body.data)
            self._image = picture(self._where, self.topic.name, self.topic.kind, body)
        return self._image
