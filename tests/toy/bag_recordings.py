"""Small bags of every form, written with rosbags' own writers."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import Writer as Writer2
from rosbags.rosbag2.enums import StoragePlugin
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

FORMS = ("ros1", "sqlite3", "mcap", "plain-mcap")
NS = 1_000_000_000
START_NS = 1_700_000_000 * NS
WIDTH, HEIGHT = 32, 24


def store(form: str) -> Any:
    """Message types, AckermannDrive among them, as ROS 1 or ROS 2 has them."""
    types = get_typestore(Stores.ROS1_NOETIC if form == "ros1" else Stores.ROS2_HUMBLE)
    fields = ("steering_angle", "steering_angle_velocity", "speed", "acceleration", "jerk")
    text = "\n".join(f"float32 {field}" for field in fields)
    types.register(get_types_from_msg(text, "ackermann_msgs/msg/AckermannDrive"))
    return types


@dataclass(frozen=True)
class Sent:
    """A message to write: fields by name, and when it was received, since the bag's beginning."""

    topic: str
    kind: str
    at_s: float
    fields: dict[str, Any]


def write_bag(path: Path, form: str, messages: Iterable[Sent]) -> Path:
    """Write messages in order of their receipt; the path of the bag, with its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "ros1":
        path = path.with_suffix(".bag")
        with Writer1(path) as writer:
            write_messages(writer, form, messages)
        return path
    plugin = StoragePlugin.SQLITE3 if form == "sqlite3" else StoragePlugin.MCAP
    with Writer2(path, version=9, storage_plugin=plugin) as writer:
        write_messages(writer, form, messages)
    if form == "plain-mcap":
        (inner,) = path.glob("*.mcap")
        inner.rename(path.with_suffix(".mcap"))
        (path / "metadata.yaml").unlink()
        path.rmdir()
        return path.with_suffix(".mcap")
    return path


def write_messages(writer: Any, form: str, messages: Iterable[Sent]) -> None:
    """Write messages with an open writer, in order of their receipt."""
    types = store(form)
    serialize = types.serialize_ros1 if form == "ros1" else types.serialize_cdr
    connections = {}
    for sent in sorted(messages, key=lambda sent: sent.at_s):
        if sent.topic not in connections:
            connections[sent.topic] = writer.add_connection(sent.topic, sent.kind, typestore=types)
        body = message(types, sent.kind, sent.fields)
        received = START_NS + round(sent.at_s * NS)
        writer.write(connections[sent.topic], received, serialize(body, sent.kind))


def message(types: Any, kind: str, fields: dict[str, Any]) -> Any:
    """A message from plain dicts; what is not told is 0, empty or the like."""
    values = {}
    for name, (node, description) in types.fielddefs[kind][1]:
        told = fields.get(name)
        if node.name == "NAME":
            values[name] = message(types, description, told or {})
        elif node.name == "BASE":
            values[name] = told if told is not None else {"string": ""}.get(description[0], 0)
        else:
            values[name] = _list(types, node.name, description, told)
    return types.types[kind](**values)


def _list(types: Any, node: str, description: Any, told: Any) -> Any:
    (inner, what), length = description
    if inner.name == "NAME":
        return [message(types, what, part) for part in told or []]
    if what[0] == "string":
        return list(told or [])
    values = told if told is not None else [0] * (length if node == "ARRAY" else 0)
    return np.array(values, dtype=what[0] if what[0] != "octet" else "uint8")


def stamped(at_s: float) -> dict[str, Any]:
    """A header of this time since the bag's beginning."""
    sec, nanosec = divmod(START_NS + round(at_s * NS), NS)
    return {"stamp": {"sec": sec, "nanosec": nanosec}, "frame_id": "map"}


def pixels(number: int) -> np.ndarray:
    """(24, 32, 3) uint8: a slope of grey and a red square that moves with the number."""
    frame = np.repeat(np.linspace(40, 160, WIDTH, dtype=np.uint8)[None, :, None], HEIGHT, 0)
    frame = np.repeat(frame, 3, 2)
    left = number % (WIDTH - 8)
    frame[8:16, left : left + 8] = (200, 30, 30)
    return frame


def image(topic: str, at_s: float, frame: np.ndarray, encoding: str = "rgb8", late_s: float = 0.0):
    """A sensor_msgs/Image of (H, W, C) bytes or (H, W) 16-bit numbers."""
    step = frame[0].nbytes
    fields = {
        "header": stamped(at_s),
        "height": frame.shape[0],
        "width": frame.shape[1],
        "encoding": encoding,
        "step": step,
        "data": np.frombuffer(frame.tobytes(), np.uint8),
    }
    return Sent(topic, "sensor_msgs/msg/Image", at_s + late_s, fields)


def compressed(topic: str, at_s: float, frame: np.ndarray, form: str = "PNG") -> Sent:
    """A sensor_msgs/CompressedImage."""
    file = io.BytesIO()
    Picture.fromarray(frame).save(file, form)
    fields = {
        "header": stamped(at_s),
        "format": form.lower(),
        "data": np.frombuffer(file.getvalue(), np.uint8),
    }
    return Sent(topic, "sensor_msgs/msg/CompressedImage", at_s, fields)


def twist(topic: str, at_s: float, forward: float, turn: float) -> Sent:
    """A geometry_msgs/Twist, which has no header."""
    fields = {"linear": {"x": forward}, "angular": {"z": turn}}
    return Sent(topic, "geometry_msgs/msg/Twist", at_s, fields)


def odometry(
    topic: str, at_s: float, x: float, yaw: float, forward: float, turning: float = 0.5
) -> Sent:
    """A nav_msgs/Odometry of a robot on a plane."""
    turn = {"z": math.sin(yaw / 2), "w": math.cos(yaw / 2)}
    fields = {
        "header": stamped(at_s),
        "pose": {"pose": {"position": {"x": x}, "orientation": turn}},
        "twist": {"twist": {"linear": {"x": forward}, "angular": {"z": turning}}},
    }
    return Sent(topic, "nav_msgs/msg/Odometry", at_s, fields)


def joints(topic: str, at_s: float, names: list[str], position: list[float]) -> Sent:
    """A sensor_msgs/JointState with velocities, which are ten times the positions."""
    fields = {
        "header": stamped(at_s),
        "name": names,
        "position": position,
        "velocity": [10 * value for value in position],
    }
    return Sent(topic, "sensor_msgs/msg/JointState", at_s, fields)


def drive(seconds: float = 2.0, seed: int = 0) -> Iterator[Sent]:
    """A camera at 10 Hz that comes 30 ms late, commands at 20 Hz, odometry at 50 Hz."""
    for number in range(round(seconds * 10)):
        yield image("/front/image_raw", number / 10, pixels(number + seed), late_s=0.03)
    for number in range(round(seconds * 20)):
        at_s = number / 20
        yield twist("/cmd_vel", at_s, 0.5 + at_s / 10, math.sin(at_s + seed))
    for number in range(round(seconds * 50)):
        at_s = number / 50
        yield odometry(
            "/odom", at_s, at_s * 0.5, at_s - 1.0, 0.5 + at_s / 10, math.sin(at_s + seed)
        )


def write_bags(folder: Path, form: str, episodes: int) -> Path:
    """A folder of drives."""
    for number in range(episodes):
        write_bag(folder / f"drive_{number}", form, drive(seed=number))
    return folder


def write_ros1(folder: Path, episodes: int) -> None:
    write_bags(folder, "ros1", episodes)


def write_sqlite3(folder: Path, episodes: int) -> None:
    write_bags(folder, "sqlite3", episodes)


def write_mcap(folder: Path, episodes: int) -> None:
    write_bags(folder, "mcap", episodes)


def write_plain_mcap(folder: Path, episodes: int) -> None:
    write_bags(folder, "plain-mcap", episodes)
