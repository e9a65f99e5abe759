"""The numbers of a message, by name: velocities, poses, joints and plain arrays."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected

Table = Callable[[Any], dict[str, float]]

_XYZ = ("x", "y", "z")
_TWIST = {f"{part}.{axis}": f"{part}.{axis}" for part in ("linear", "angular") for axis in _XYZ}
_ACKERMANN = {
    name: name
    for name in ("steering_angle", "steering_angle_velocity", "speed", "acceleration", "jerk")
}
ANGLES = ("roll", "pitch", "yaw")
"""Fields in radians that jump by a whole turn."""
MAX_NUMBERS = 4096
"""A message of more is an image or a scan, no state."""


def _fixed(fields: dict[str, str], under: str = "") -> Table:
    read = attrgetter(*(under + path for path in fields.values()))
    return lambda body: dict(zip(fields, map(float, read(body)), strict=True))


def _odometry(body: Any) -> dict[str, float]:
    """The pose as position and angles, and the velocities in the robot's own frame."""
    place, turn = body.pose.pose.position, body.pose.pose.orientation
    numbers = {axis: float(getattr(place, axis)) for axis in _XYZ}
    numbers |= dict(zip(ANGLES, _angles(turn.x, turn.y, turn.z, turn.w), strict=True))
    return numbers | _fixed(_TWIST, "twist.twist.")(body)


def _angles(x: float, y: float, z: float, w: float) -> tuple[float, float, float]:
    """Roll, pitch and yaw of a unit quaternion (Diebel 2006, eq. 290: rotations about x, y, z)."""
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(min(max(2 * (w * y - z * x), -1.0), 1.0))
    return roll, pitch, math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def _few(values: Any) -> Any:
    if len(values) > MAX_NUMBERS:
        raise ValueError(f"{len(values)} numbers, more than {MAX_NUMBERS}")
    return values


def _joints(body: Any) -> dict[str, float]:
    """A joint's position under its name, and ``.velocity`` and ``.effort`` where they are told."""
    names = [str(name) for name in _few(body.name)]
    numbers = dict(zip(names, body.position, strict=True)) if len(body.position) else {}
    for part in ("velocity", "effort"):
        values = getattr(body, part)
        if len(values):
            numbers |= {f"{name}.{part}": value for name, value in zip(names, values, strict=True)}
    return {name: float(value) for name, value in numbers.items()}


def _array(body: Any) -> dict[str, float]:
    return {str(place): float(value) for place, value in enumerate(_few(body.data))}


def _one(body: Any) -> dict[str, float]:
    return {"data": float(body.data)}


TABLES: dict[str, Table] = {
    "geometry_msgs/msg/Twist": _fixed(_TWIST),
    "geometry_msgs/msg/TwistStamped": _fixed(_TWIST, "twist."),
    "ackermann_msgs/msg/AckermannDrive": _fixed(_ACKERMANN),
    "ackermann_msgs/msg/AckermannDriveStamped": _fixed(_ACKERMANN, "drive."),
    "nav_msgs/msg/Odometry": _odometry,
    "sensor_msgs/msg/JointState": _joints,
    "std_msgs/msg/Float32": _one,
    "std_msgs/msg/Float64": _one,
    "std_msgs/msg/Float32MultiArray": _array,
    "std_msgs/msg/Float64MultiArray": _array,
}
"""How each message type that is understood gives {field: number}."""


UNITS = {
    **dict.fromkeys(_XYZ, "1 m"),
    **dict.fromkeys((*ANGLES, "steering_angle"), "1 rad"),
    "linear": "1 m/s",
    "angular": "1 rad/s",
    "speed": "1 m/s",
    "steering_angle_velocity": "1 rad/s",
    "acceleration": "1 m/s^2",
    "jerk": "1 m/s^3",
}


def unit_of(kind: str, field: str) -> str:
    """The unit of a field by ROS's conventions (REP 103); "1" where the type tells none."""
    if kind.startswith(("sensor_msgs/", "std_msgs/")):
        return "1"
    return UNITS[field.partition(".")[0]]


class Numbers:
    """Collects the numbers of one topic, message by message.

    fields: those wanted, in order; empty for all of the first message (of joints: the positions).

    Raises:
        DatasetError: a type that is not understood, a field that is not there, or NaN.
    """

    def __init__(self, where: str, topic: str, kind: str, fields: tuple[str, ...]) -> None:
        if kind not in TABLES:
            raise DatasetError(
                expected(where, f"type of {topic}", kind, f"one of {sorted(TABLES)}")
            )
        self.names = list(fields)
        self._where, self._topic, self._table = where, topic, TABLES[kind]
        self._values = array("d")
        self._count = 0

    def add(self, body: Any) -> None:
        """Take in the next message."""
        try:
            table = self._table(body)
        except (ValueError, AttributeError, TypeError) as error:
            raise DatasetError(
                expected(self._where, self._topic, str(error), "some numbers, as many as names")
            ) from error
        if not self.names:
            self.names = [name for name in table if not name.endswith((".velocity", ".effort"))]
        if not self.names or any(name not in table for name in self.names):
            raise DatasetError(
                expected(
                    self._where,
                    f"fields of {self._topic}",
                    list(table),
                    self.names or "at least one",
                )
            )
        row = [table[name] for name in self.names]
        if not all(map(math.isfinite, row)):
            raise DatasetError(
                expected(self._where, f"message {self._count} of {self._topic}", row, "numbers")
            )
        self._values.extend(row)
        self._count += 1

    def values(self) -> np.ndarray:
        """(N, C) float64."""
        return np.array(self._values, np.float64).reshape(self._count, len(self.names))
