"""The first reading of a bag: stamps and numbers, no picture but the first of each camera."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.data.importers.bags.clock import NS, Track, track
from loopyard.data.importers.bags.images import picture
from loopyard.data.importers.bags.messages import Bag, Message, Topic
from loopyard.data.importers.bags.numbers import Numbers
from loopyard.data.importers.bags.topics import BagParams, Part

TEXT = "std_msgs/msg/String"


@dataclass(frozen=True)
class Scan:
    """What a bag holds. pictures and sizes ((width, height) in pixels): by camera name.

    numbers: one track a part, in the order they were asked for. task: None where none is told.
    """

    pictures: dict[str, Track]
    sizes: dict[str, tuple[int, int]]
    numbers: list[Track]
    task: str | None


def scan(bag: Bag, cameras: dict[str, Topic], parts: Sequence[Part], params: BagParams) -> Scan:
    """Read a bag once; what is kept grows by a few numbers a message.

    Raises:
        DatasetError: names the topic and what does not fit.
    """
    where = str(bag.path)
    topics = {*(topic.name for topic in cameras.values()), *(part.topic for part in parts)}
    stamps = {topic: array("q") for topic in topics}
    numbers = [Numbers(where, part.topic, part.kind, part.fields) for part in parts]
    sizes: dict[str, tuple[int, int]] = {}
    task = None
    if params.task_topic is not None:
        _require_text(where, bag, params.task_topic)
    for message in bag.messages({*topics, params.task_topic or ""}):
        if message.topic == params.task_topic:
            task = task or str(message.body.data)
        if message.topic not in stamps:
            continue
        stamps[message.topic].append(_stamp_ns(where, message, params))
        for name, topic in cameras.items():
            if topic.name == message.topic and name not in sizes:
                height, width, _ = picture(where, topic.name, topic.kind, message.body).shape
                sizes[name] = (width, height)
        for part, values in zip(parts, numbers, strict=True):
            if part.topic == message.topic:
                values.add(message.body)
    nothing = np.empty((0, 0))
    return Scan(
        {
            name: track(where, topic.name, stamps[topic.name], (), nothing)
            for name, topic in cameras.items()
        },
        sizes,
        [
            track(where, part.topic, stamps[part.topic], values.names, values.values())
            for part, values in zip(parts, numbers, strict=True)
        ],
        task,
    )


def _require_text(where: str, bag: Bag, topic: str) -> None:
    kind = bag.topics[topic].kind if topic in bag.topics else "no such topic"
    if kind != TEXT:
        raise DatasetError(expected(where, f"task_topic {topic}", kind, TEXT))


def _stamp_ns(where: str, message: Message, params: BagParams) -> int:
    header = getattr(message.body, "header", None)
    if header is None or params.stamps == "receive":
        return message.received_ns
    stamp_ns = int(header.stamp.sec) * NS + int(header.stamp.nanosec)
    if not stamp_ns:
        raise DatasetError(
            expected(
                where,
                f"{message.topic}: header.stamp",
                0,
                "a time; stamps=receive takes the recorder's times",
            )
        )
    return stamp_ns
