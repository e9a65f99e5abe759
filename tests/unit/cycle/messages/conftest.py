from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loopyard.cycle.messages.messenger import Messenger
from loopyard.cycle.messages.settings import MessageSettings

IDS = {
    role: f"{number}23456789012345678"
    for number, role in enumerate(
        ("Watcher", "DomainExpert", "Developer", "Training", "Evaluation"), start=1
    )
}


@dataclass
class Clock:
    """Time that passes when told to."""

    now_s: float = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s


@dataclass
class Heard:
    """What event log and console were told."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def record(self, kind: str, **fields: Any) -> None:
        self.events.append((kind, fields))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def messenger(tmp_path: Path, heard: Heard, clock: Clock) -> Iterator[Callable[..., Messenger]]:
    """Opens a messenger of the same run folder, as a restart does; settings by name."""
    opened: list[Messenger] = []

    def open_one(**settings: Any) -> Messenger:
        told = MessageSettings.model_validate({"ids": IDS, **settings})
        opened.append(Messenger(tmp_path, told, heard.record, heard.lines.append, clock))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
