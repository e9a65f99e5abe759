"""Which topics of a bag are the cameras, the state and the action: as told, or the only ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from loopyard.core.errors import DatasetError, expected
from loopyard.data.importers.bags.images import KINDS
from loopyard.data.importers.bags.messages import Topic
from loopyard.data.importers.bags.numbers import TABLES
from loopyard.data.importers.importer import NoParams
from loopyard.data.importers.words import Words

ACTION_KINDS = (
    "geometry_msgs/msg/Twist",
    "geometry_msgs/msg/TwistStamped",
    "ackermann_msgs/msg/AckermannDrive",
    "ackermann_msgs/msg/AckermannDriveStamped",
    "std_msgs/msg/Float32MultiArray",
    "std_msgs/msg/Float64MultiArray",
)
STATE_KINDS = ("nav_msgs/msg/Odometry", "sensor_msgs/msg/JointState")
PLAIN_WORDS = {
    "image", "image_raw", "image_color", "image_rect", "image_rect_color", "compressed", "color",
    "rgb", "raw",
}  # fmt: skip
"""Parts of a camera's topic that do not say which camera it is."""


class BagParams(NoParams):
    """How the topics of bags become frames.

    cameras: ``name=/topic`` or ``/topic``, several with spaces between. state, action:
    ``/topic:field,field`` or ``/topic`` for all its numbers, several likewise. What is not told is
    guessed where exactly one topic is of the kind. state_names, action_names: what the channels
    are to be called, in order. fps: of the clock; by default the first camera's own rate. stamps:
    the time of a message is that in its header (of capture), or that of its receipt; messages
    without a header always have the latter. tolerance_s: how far from its tick a picture may be;
    by default one tick. numbers: states are held until the next message, or interpolated; actions
    are always held. max_gap_s: the longest a number may be held or bridged. on_gap: the episode
    ends there, or is set apart. task: the instruction; task_topic: a std_msgs/String of which the
    first message is the instruction.
    """

    cameras: Words | None = None
    state: Words | None = None
    action: Words | None = None
    state_names: Words = ()
    action_names: Words = ()
    fps: int | None = Field(default=None, ge=1, le=1000)
    stamps: Literal["header", "receive"] = "header"
    tolerance_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    numbers: Literal["hold", "linear"] = "hold"
    max_gap_s: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    on_gap: Literal["end", "reject"] = "end"
    task: str = ""
    task_topic: str | None = None


@dataclass(frozen=True)
class Part:
    """A topic that gives numbers. fields: those asked for; empty for all."""

    topic: str
    kind: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What was chosen. cameras: {name: topic}. guessed: the roles that nobody named."""

    cameras: dict[str, Topic]
    state: tuple[Part, ...]
    action: tuple[Part, ...]
    guessed: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """State before action."""
        return self.state + self.action


def choose(where: str, topics: dict[str, Topic], params: BagParams) -> Choice:
    """Choose topics.

    Raises:
        DatasetError: a topic that is not there or of another type; none or several to guess from.
    """
    guessed: list[str] = []
    if params.cameras is None:
        pictures = _of(KINDS, topics)
        cameras = _guess_cameras(where, pictures, topics, guessed)
    else:
        cameras = dict(_camera(where, word, topics) for word in params.cameras)
        if not cameras or len(cameras) < len(params.cameras):
            raise DatasetError(expected(where, "cameras", params.cameras, "some, each of its name"))
    state = _parts(where, "state", params.state, STATE_KINDS, topics, guessed)
    action = _parts(where, "action", params.action, ACTION_KINDS, topics, guessed)
    return Choice(cameras, state, action, tuple(guessed))


def _of(kinds: tuple[str, ...], topics: dict[str, Topic]) -> list[str]:
    """Topics of these types that have messages."""
    return sorted(name for name, part in topics.items() if part.kind in kinds and part.count)


def _guess_cameras(
    where: str, pictures: list[str], topics: dict[str, Topic], guessed: list[str]
) -> dict[str, Topic]:
    if len(pictures) != 1:
        raise DatasetError(
            expected(where, "image topics", pictures, "exactly one, or cameras=name=/topic")
        )
    name, topic = _camera(where, pictures[0], topics)
    guessed.append(name)
    return {name: topic}


def _camera(where: str, word: str, topics: dict[str, Topic]) -> tuple[str, Topic]:
    name, told, topic = word.rpartition("=")
    found = _topic(where, topic, topics, KINDS)
    name = name if told else _camera_name(topic)
    if not re.fullmatch(r"[A-Za-z0-9_\-]+", name):
        raise DatasetError(expected(where, "camera", name, "letters, digits, _-"))
    return name, found


def _camera_name(topic: str) -> str:
    words = [part for part in topic.split("/") if part]
    telling = [part for part in words if part not in PLAIN_WORDS]
    return re.sub(r"[^A-Za-z0-9_\-]", "_", (telling or words)[-1])


def _parts(
    where: str,
    role: str,
    told: Sequence[str] | None,
    kinds: tuple[str, ...],
    topics: dict[str, Topic],
    guessed: list[str],
) -> tuple[Part, ...]:
    if told is None:
        fitting = _of(kinds, topics)
        if len(fitting) != 1:
            raise DatasetError(
                expected(
                    where,
                    f"topics for the {role}",
                    fitting or {name: topic.kind for name, topic in topics.items()},
                    f"exactly one of {list(kinds)}, or {role}=/topic:field,field",
                )
            )
        guessed.append(role)
        told = fitting
    parts = []
    for word in told:
        name, _, fields = word.partition(":")
        topic = _topic(where, name, topics, tuple(TABLES))
        parts.append(Part(topic.name, topic.kind, tuple(filter(None, fields.split(",")))))
    if not parts:
        raise DatasetError(expected(where, role, "no topic", "at least one"))
    return tuple(parts)


def _topic(where: str, name: str, topics: dict[str, Topic], kinds: tuple[str, ...]) -> Topic:
    if name not in topics:
        raise DatasetError(expected(where, "topic", name, f"one of {sorted(topics)}"))
    if topics[name].kind not in kinds:
        raise DatasetError(
            expected(where, f"type of {name}", topics[name].kind, f"one of {sorted(kinds)}")
        )
    return topics[name]
