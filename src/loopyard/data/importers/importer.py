"""Importer: what a form of recordings must give, so that one run can make a dataset of any."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from loopyard.core.outcome import Outcome
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.episode import Source
from loopyard.data.video import VideoSettings

UNLIMITED = 1e9
"""The limit of a channel of which none is told; JSON has no infinity."""


class NoParams(BaseModel):
    """The settings of a form that has none. Those of others are subclasses."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class EpisodeRef:
    """One episode of a source, found without reading it.

    name: unique in the source and the same each time, for example ``episode_3.hdf5`` or
    ``demo.hdf5:demo_3``; messages and the dataset name the episode by it. path: its file or folder.
    key: its place inside that file. slot: its place in the dataset where the recording tells one;
    else the order of the listing counts.
    """

    name: str
    path: Path
    key: str = ""
    slot: int | None = None


@dataclass(frozen=True)
class Frame:
    """One moment of a recording.

    time_s: since whatever the recording counts from; grows from frame to frame. images: (H, W, 3)
    uint8 RGB by camera name. state: (S,) and action: (A,) float32. executed: (A,) what drove, where
    that differs from the action to learn. chunk: (K, A) float32 expert chunk, or None. jpegs: by
    camera name, the files of those images that are stored as JPEG and whole at first sight; then
    ``images`` unpacks one each time it is looked at, and may raise DatasetError.
    The arrays must not be written to after they were given.
    """

    time_s: float
    images: Mapping[str, np.ndarray]
    state: np.ndarray
    action: np.ndarray
    executed: np.ndarray | None = None
    phase: str = ""
    chunk: np.ndarray | None = None
    jpegs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class EpisodeFacts:
    """What is known of an episode besides its frames.

    task: the instruction, where it differs between episodes; None: that of the spec. success: None
    where the recording does not tell. outcome: told in full by recordings of our own. strata: what
    the episode is one of, by name, for example ``{"side": "left"}``; the audit counts them.
    rejected: why the episode must not be learned from, in words: it is set apart in ``failed/``.
    notes: what a user should look at. meta: further JSON facts, kept as they are.
    """

    task: str | None = None
    success: bool | None = None
    outcome: Outcome | None = None
    source: Source = "expert"
    seed: int = 0
    scenario: dict[str, Any] = field(default_factory=dict)
    strata: dict[str, str] = field(default_factory=dict)
    rejected: str | None = None
    notes: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredVideos:
    """Files that hold exactly this episode's frames, as H.264 in yuv420p or yuv444p.

    They are copied byte for byte where no transform touches the images. files: by camera name.
    settings: how they were encoded, as far as it is known; the same in every episode.
    """

    files: dict[str, Path]
    settings: VideoSettings


@dataclass(frozen=True)
class Recording:
    """One episode, opened: checked as far as that is cheap, its frames not read yet.

    spec: what its numbers and cameras mean; the same for all episodes of a source. fps is the rate
    it was recorded at, to the nearest whole number; frames tell their own times. frames: a
    generator that reads as it is asked, no further ahead than a frame or two; closing it closes
    its files.
    """

    spec: WorldSpec
    frames: Generator[Frame, None, None]
    facts: EpisodeFacts = field(default_factory=EpisodeFacts)
    videos: StoredVideos | None = None
    chunk_size: int = 0


class Importer(Protocol):
    """One form of recordings. Made with a source and its params; it must pickle or be remade so.

    name: the word on the command line. Params: its settings, a subclass of `NoParams`. It may have
    a ``lineage``: JSON facts that the source tells of where it comes from itself; and a
    ``check()``, called once before all else, that raises DatasetError where reading is not safe.
    Every mistake in the source raises DatasetError naming file and field; nothing outside the
    source is ever read, nothing in it executed.
    """

    name: ClassVar[str]
    Params: ClassVar[type[NoParams]]

    def __init__(self, source: Path, params: Any) -> None: ...

    def episodes(self) -> Sequence[EpisodeRef]:
        """Every episode, always in the same order; cheap: no frame is read.

        Raises:
            DatasetError: there is nothing of this form.
        """
        ...

    def open(self, ref: EpisodeRef) -> Recording:
        """Open one of `episodes`. Raises DatasetError, here or while its frames are read."""
        ...


def unlimited(names: Sequence[str], unit: str = "1") -> VectorSpec:
    """Channels of which no limits are told."""
    return VectorSpec(tuple(Channel(name, unit, -UNLIMITED, UNLIMITED) for name in names))
