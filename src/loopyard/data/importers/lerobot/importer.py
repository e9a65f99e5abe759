"""LeRobot datasets, v2.1 and v3.0, ours or another's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY, CameraSpec, WorldSpec
from loopyard.data.episode import EpisodeRow
from loopyard.data.importers.importer import (
    EpisodeFacts,
    EpisodeRef,
    NoParams,
    Recording,
    StoredVideos,
    unlimited,
)
from loopyard.data.importers.lerobot.folder import V21, LeRobotEpisode, read_info, require_file
from loopyard.data.importers.lerobot.frames import KEPT, NUMBERS, frames
from loopyard.data.importers.lerobot.v21 import episodes_v21
from loopyard.data.importers.lerobot.v30 import episodes_v30
from loopyard.data.importers.words import Words
from loopyard.data.own_facts import read_own, read_own_rows
from loopyard.data.video import VideoSettings, video_facts
from loopyard.data.world_facts import world_spec

PixelFormat = Literal["yuv444p", "yuv420p"]
COPIED = get_args(PixelFormat)
"""Pixel formats of H.264 that a dataset of ours may hold."""


class LeRobotParams(NoParams):
    """state: the features that make up the state, one after another."""

    state: Words = (STATE_KEY,)


class LeRobotImporter:
    """Implements `Importer`. Numbers come as the same float32; an H.264 file that holds one
    episode as the same bytes, other pictures encoded anew. Features that have no place in a
    dataset of ours are named in a note."""

    name: ClassVar[str] = "lerobot"
    Params: ClassVar[type[LeRobotParams]] = LeRobotParams

    def __init__(self, source: Path, params: LeRobotParams) -> None:
        self._root, self._state = source, params.state
        self._info = read_info(source)
        for key in self._state:
            dtype = self._info.features.get(key, {}).get("dtype")
            if dtype not in NUMBERS:
                wanted = [n for n, p in self._info.features.items() if p["dtype"] in NUMBERS]
                raise ConfigError(
                    expected(str(self._info.path), f"state {key}", dtype, f"one of {wanted}")
                )

    @property
    def lineage(self) -> dict[str, Any] | None:
        """Where a dataset of ours says that it comes from."""
        return self._own.get("lineage") if self._own else None

    def episodes(self) -> Sequence[EpisodeRef]:
        return [
            EpisodeRef(
                f"episode_{episode.index:06d}",
                episode.data,
                str(episode.index),
                self._own_rows[episode.index].slot if self._own_rows else None,
            )
            for episode in self._episodes
        ]

    def open(self, ref: EpisodeRef) -> Recording:
        episode, info = self._episodes[int(ref.key)], self._info
        for path in (episode.data, *(part.path for part in episode.videos.values())):
            require_file(path)
        chunk_size = self._own["chunk_size"] if self._own else 0
        return Recording(
            self._spec,
            frames(info, episode, self._state, self._cameras, chunk_size),
            self._facts(episode),
            self._stored(episode),
            chunk_size,
        )

    @cached_property
    def _episodes(self) -> list[LeRobotEpisode]:
        read = episodes_v21 if self._info.version == V21 else episodes_v30
        return read(self._root, self._info)

    @cached_property
    def _own(self) -> dict[str, Any] | None:
        return None if self._info.version == V21 else read_own(self._root)

    @cached_property
    def _own_rows(self) -> list[EpisodeRow]:
        if self._own is None:
            return []
        lengths = [{"length": episode.length} for episode in self._episodes]
        return read_own_rows(self._root, lengths)[0]

    @cached_property
    def _cameras(self) -> dict[str, str]:
        """{feature: camera name}."""
        names = {
            key: key.removeprefix(IMAGE_PREFIX).removeprefix("observation.")
            for key in self._info.cameras
        }
        if len(set(names.values())) < len(names):
            raise DatasetError(
                expected(str(self._info.path), "cameras", list(names), "names that differ")
            )
        return names

    @cached_property
    def _spec(self) -> WorldSpec:
        info = self._info
        if self._own is not None:
            return world_spec(self._root, info.content, self._own)
        cameras = []
        for key, name in self._cameras.items():
            shape = info.features[key]["shape"]
            height, width = shape[:2] if shape[2] == 3 else shape[1:]
            cameras.append(CameraSpec(name, width, height))
        state = [name for key in self._state for name in self._channels(key)]
        if len(set(state)) < len(state):
            state = [f"{key}.{name}" for key in self._state for name in self._channels(key)]
        tasks = {_task(episode) for episode in self._episodes}
        return WorldSpec(
            world=str(info.content.get("robot_type") or "unknown"),
            preset="",
            fps=info.fps,
            max_steps=info.total_frames,
            task=tasks.pop() if len(tasks) == 1 else "",
            state=unlimited(state),
            action=unlimited(self._channels(ACTION_KEY)),
            cameras=tuple(cameras),
        )

    def _channels(self, key: str) -> list[str]:
        """The names of a feature's numbers: a list, or under a word such as ``motors``, or none."""
        feature = self._info.features[key]
        names, size = feature.get("names"), prod(feature["shape"])
        if isinstance(names, dict):
            names = next(iter(names.values()), None)
        if isinstance(names, list) and len(names) == size:
            return [str(name) for name in names]
        return [f"{key.rsplit('.', 1)[-1]}_{index}" for index in range(size)]

    def _facts(self, episode: LeRobotEpisode) -> EpisodeFacts:
        notes = [f"left out: {', '.join(self._left_out)}"] if self._left_out else []
        if len(episode.tasks) > 1:
            notes.append("several tasks in an episode; the first one is kept")
        if self._own_rows:
            row = self._own_rows[episode.index]
            return EpisodeFacts(
                outcome=row.outcome,
                source=row.source,
                seed=row.seed,
                scenario=row.scenario,
                notes=tuple(notes),
                meta=row.meta,
            )
        task = _task(episode)
        return EpisodeFacts(task=None if task == self._spec.task else task, notes=tuple(notes))

    @cached_property
    def _left_out(self) -> list[str]:
        """Features that a dataset of ours has no place for."""
        taken = {*self._info.cameras, *self._state, *KEPT}
        return [name for name in self._info.features if name not in taken]

    def _stored(self, episode: LeRobotEpisode) -> StoredVideos | None:
        """The episode's files, where all of them are such as the first episode's are."""
        if self._pix_fmt is None or self._pix_fmt != self._pix_fmt_of(episode):
            return None
        files = {self._cameras[key]: part.path for key, part in episode.videos.items()}
        return StoredVideos(files, VideoSettings(pix_fmt=self._pix_fmt))

    @cached_property
    def _pix_fmt(self) -> PixelFormat | None:
        return self._pix_fmt_of(self._episodes[0])

    def _pix_fmt_of(self, episode: LeRobotEpisode) -> PixelFormat | None:
        """The pixel format of an episode's videos, where they can be copied: H.264, this episode
        and no other in them, at the dataset's rate."""
        if set(episode.videos) != set(self._cameras) or not episode.videos:
            return None
        found = set()
        for part in episode.videos.values():
            facts = video_facts(part.path)
            whole = part.first_frame == 0 and facts.frames == episode.length
            if not whole or facts.codec != "h264" or abs(facts.fps - self._info.fps) > 1e-3:
                return None
            if facts.pix_fmt not in COPIED:
                return None
            found.add(facts.pix_fmt)
        return found.pop() if len(found) == 1 else None


def _task(episode: LeRobotEpisode) -> str:
    return episode.tasks[0] if episode.tasks else ""
