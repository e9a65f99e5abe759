"""A bag's messages in the order they were received, whatever its form, read without trust."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import ConfigError, DatasetError, LoopyardError, expected
from loopyard.data.importers.bags.unpack import bound_blocks
from loopyard.data.importers.source import natural, require_inside

FILES = (".bag", ".mcap", ".db3")
ROS2_METADATA = "metadata.yaml"
MAX_NS = 1 << 62
"""No message was received that long after 1970."""


@dataclass(frozen=True)
class Topic:
    """A topic of a bag. kind: its message type, in ROS 2's words (``sensor_msgs/msg/Image``)."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True)
class Message:
    """One message. received_ns: when the recorder got it. body: its fields as attributes."""

    topic: str
    received_ns: int
    body: Any


def find_bags(source: Path) -> list[Path]:
    """The bags at ``source``: itself, or those in the folder; ``drive_2`` before ``drive_10``.

    A ROS 2 bag is a folder with metadata.yaml, or one .mcap or .db3 file; a ROS 1 bag one .bag.

    Raises:
        DatasetError: there is none, one has lost its metadata, or is a link out of the folder.
    """
    if _is_bag(source):
        return [source]
    if not source.is_dir():
        raise DatasetError(
            expected(str(source), "bag", _what(source), f"a file {', '.join(FILES)}, or a folder")
        )
    bags = [path for path in source.iterdir() if _is_bag(path, refuse=True)]
    if not bags:
        raise DatasetError(
            expected(str(source), "bags", "none", f"{', '.join(FILES)} or folders of ROS 2 bags")
        )
    for bag in bags:
        require_inside(source, bag)
    return sorted(bags, key=lambda path: natural(path.name))


def _is_bag(path: Path, *, refuse: bool = False) -> bool:
    if not path.is_dir():
        return path.is_file() and path.suffix in FILES
    if (path / ROS2_METADATA).is_file():
        return True
    if refuse and any(part.suffix in (".db3", ".mcap") for part in path.iterdir()):
        raise DatasetError(
            expected(
                str(path / ROS2_METADATA),
                "file",
                "nothing",
                "one: 'ros2 bag reindex' writes it where the recorder was killed",
            )
        )
    return False


def _what(path: Path) -> str:
    return "a file of another form" if path.exists() else "nothing"


class Bag:
    """A bag, open for reading; a context manager.

    Raises:
        ConfigError: rosbags is not installed.
        DatasetError: the bag is truncated, empty of messages or damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            from rosbags.highlevel import AnyReader
            from rosbags.typesys import Stores, get_typestore
        except ImportError as error:
            raise ConfigError(
                expected("import", "rosbags", "not installed", "pip install 'loopyard[bags]'")
            ) from error
        bound_blocks()
        self.path = path
        if path.is_dir():
            for part in path.iterdir():
                require_inside(path, part)
        self._file = _storage(path)
        with _named(self._file):
            # Bags of ROS 2 before Iron do not hold the definitions of their messages.
            self._reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE))

    def __enter__(self) -> Bag:
        with _named(self._file):
            self._reader.open()
        try:
            self.topics = {
                name: Topic(name, str(facts.msgtype), facts.msgcount)
                for name, facts in self._reader.topics.items()
            }
            if not sum(topic.count for topic in self.topics.values()):
                raise DatasetError(expected(str(self.path), "messages", 0, "at least 1"))
        except BaseException:
            self._reader.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """The messages of some topics, in the order they were received; all of none at once.

        Raises:
            DatasetError: one cannot be read; names the topic.
        """
        wanted = [part for part in self._reader.connections if part.topic in topics]
        with _named(self._file):
            for connection, received_ns, data in self._reader.messages(connections=wanted):
                with _named(self._file, connection.topic):
                    body = self._reader.deserialize(data, connection.msgtype)
                if not 0 <= received_ns < MAX_NS:
                    raise DatasetError(
                        expected(str(self.path), f"{connection.topic}: time", received_ns, "ns")
                    )
                yield Message(connection.topic, received_ns, body)


def _storage(path: Path) -> Path:
    """The file that holds a bag's messages; its folder where there are several."""
    files = [part for part in path.iterdir() if part.suffix in FILES] if path.is_dir() else [path]
    return files[0] if len(files) == 1 else path


@contextmanager
def _named(path: Path, field: str = "bag") -> Iterator[None]:
    """What a parser of foreign bytes raises is about the file, whatever it is called."""
    try:
        yield
    except LoopyardError:
        raise
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise DatasetError(
            expected(str(path), field, found, "a whole bag of ROS 1, ROS 2 or MCAP")
        ) from error
