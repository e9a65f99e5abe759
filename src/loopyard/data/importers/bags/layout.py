"""What the first bag decides for all others: channels, their names, the rate of the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.importers.bags.clock import Track
from loopyard.data.importers.bags.messages import Topic
from loopyard.data.importers.bags.numbers import unit_of
from loopyard.data.importers.bags.scan import Scan
from loopyard.data.importers.bags.topics import BagParams, Choice, Part
from loopyard.data.importers.importer import UNLIMITED

NO_LIMIT = 1_000_000
"""max_steps: a recording tells no limit."""


@dataclass(frozen=True)
class Layout:
    """choice: with every field named. kept: of each part, state before action, the columns that
    are channels; the others are always 0. spec: without its cameras, of which each bag tells."""

    choice: Choice
    kept: tuple[tuple[int, ...], ...]
    spec: WorldSpec

    @property
    def topics(self) -> dict[str, str]:
        """What was taken, as it would be asked for: by camera, and of state and action."""
        words = [
            f"{part.topic}:{','.join(part.fields[place] for place in places)}"
            for part, places in zip(self.choice.parts, self.kept, strict=True)
        ]
        states = len(self.choice.state)
        return {
            **{name: topic.name for name, topic in self.choice.cameras.items()},
            "state": " ".join(words[:states]),
            "action": " ".join(words[states:]),
        }

    def channels(self, where: str, found: Scan) -> tuple[list[Track], list[Track]]:
        """The tracks of state and action, only what is a channel.

        Raises:
            DatasetError: a number that was always 0 in the first bag is not in this one.
        """
        tracks = [
            _channels(where, track, kept)
            for track, kept in zip(found.numbers, self.kept, strict=True)
        ]
        states = len(self.choice.state)
        return tracks[:states], tracks[states:]


def layout_of(where: str, choice: Choice, found: Scan, params: BagParams) -> Layout:
    """What a first bag decides.

    Raises:
        ConfigError: as many names as channels are needed. DatasetError: no rate can be told.
    """
    kept = tuple(map(_moving, choice.parts, found.numbers))
    parts = [
        replace(part, fields=track.names)
        for part, track in zip(choice.parts, found.numbers, strict=True)
    ]
    states = len(choice.state)
    spec = WorldSpec(
        world="bag",
        preset="",
        fps=params.fps or _camera_rate(where, found),
        max_steps=NO_LIMIT,
        task=params.task,
        state=_vector("state_names", parts[:states], kept[:states], params.state_names),
        action=_vector("action_names", parts[states:], kept[states:], params.action_names),
        cameras=(),
    )
    choice = replace(choice, state=tuple(parts[:states]), action=tuple(parts[states:]))
    return Layout(choice, kept, spec)


def _moving(part: Part, track: Track) -> tuple[int, ...]:
    """The columns that are channels: those asked for; of a body's motion those that ever move.

    A robot on wheels never moves along z; a channel that is always 0 teaches nothing and has no
    spread to be normalised by.
    """
    everything = tuple(range(track.values.shape[1]))
    if part.fields or part.kind.startswith(("sensor_msgs/", "std_msgs/")):
        return everything
    return tuple(np.flatnonzero(track.values.any(axis=0)).tolist()) or everything


def _channels(where: str, track: Track, kept: tuple[int, ...]) -> Track:
    for place, name in enumerate(track.names):
        if place not in kept and track.values[:, place].any():
            raise DatasetError(
                expected(
                    where,
                    f"{track.topic}: {name}",
                    float(np.abs(track.values[:, place]).max()),
                    f"0, as in the first bag, or fields by name: {track.topic}:{name},...",
                )
            )
    names = tuple(track.names[place] for place in kept)
    return replace(track, names=names, values=track.values[:, list(kept)])


def _vector(
    field: str, parts: Sequence[Part], kept: Sequence[tuple[int, ...]], told: tuple[str, ...]
) -> VectorSpec:
    found = [
        (part, part.fields[place])
        for part, places in zip(parts, kept, strict=True)
        for place in places
    ]
    names = [name for _, name in found]
    if len(set(names)) < len(names):
        names = [f"{part.topic.strip('/').replace('/', '.')}.{name}" for part, name in found]
    if told and len(told) != len(names):
        raise ConfigError(
            expected("import bags", field, list(told), f"{len(names)} names, for {names}")
        )
    return VectorSpec(
        tuple(
            Channel(name, unit_of(part.kind, known), -UNLIMITED, UNLIMITED)
            for name, (part, known) in zip(told or names, found, strict=True)
        )
    )


def _camera_rate(where: str, found: Scan) -> int:
    rates = {track.topic: track.rate_hz() for track in found.pictures.values()}
    rate = round(next(iter(rates.values()), 0))
    if rate < 1:
        raise DatasetError(expected(where, "pictures a second", rates, "at least 1, or fps=..."))
    return rate


def require_topics(where: str, topics: dict[str, Topic], choice: Choice) -> None:
    """Raise DatasetError where a bag lacks a topic of the first one, or has it of another type."""
    wanted = {topic.name: topic.kind for topic in choice.cameras.values()}
    wanted |= {part.topic: part.kind for part in choice.parts}
    for name, kind in wanted.items():
        found = topics[name].kind if name in topics else "no such topic"
        if found != kind:
            raise DatasetError(expected(where, f"type of {name}", found, kind))
