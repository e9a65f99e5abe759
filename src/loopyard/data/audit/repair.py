"""A repaired copy of a dataset: what can be saved, recorded anew through the ordinary builder.

Indices, timestamps, statistics and metadata are not mended but made again, from the numbers and
pictures of each episode. An episode that is whole and must not be learned from (NaN, black frames,
actions beyond their limits) is set apart in ``failed/``; one that cannot be read, or that is a copy
of another, is dropped. The dataset itself is never written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import ACTION_KEY, STATE_KEY, WorldSpec
from loopyard.data.audit.integrity.metadata import read_parts
from loopyard.data.audit.integrity.rows import Reader
from loopyard.data.audit.integrity.salvage import open_what_is_left
from loopyard.data.audit.report import AuditReport
from loopyard.data.builder import DatasetBuilder
from loopyard.data.columns import CHUNK_KEY, CHUNK_VALID_KEY, EXECUTED_KEY, INDEX_KEYS, PHASE_KEY
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.importers.importer import unlimited
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.video import VideoSettings, decode_video, video_facts
from loopyard.store.atomic import staged_folder

APART = ("finite", "range", "black frames")
"""Checks whose episodes are set apart where they fail."""
DROPPED = ("duplicate episodes",)
REBUILT = (
    "index",
    "timestamps",
    "statistics",
    "metadata",
    "video",
    "parquet",
    "opens",
    "unused files",
)
KEPT_COLUMNS = {STATE_KEY, ACTION_KEY, EXECUTED_KEY, PHASE_KEY, CHUNK_KEY, CHUNK_VALID_KEY}
KEPT_COLUMNS |= {*INDEX_KEYS, "timestamp"}


@dataclass
class Repair:
    """What became of each episode, by its number in the dataset (or in what is left of it).

    apart, dropped: {episode: reason}. rebuilt: the failed checks that the copy does away with.
    columns: left out, because the builder records none of their kind.
    """

    kept: int = 0
    apart: dict[int, str] = field(default_factory=dict)
    dropped: dict[int, str] = field(default_factory=dict)
    rebuilt: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """For the lineage and for people who read JSON."""
        return {
            "kept": self.kept,
            "apart": {str(index): reason for index, reason in self.apart.items()},
            "dropped": {str(index): reason for index, reason in self.dropped.items()},
            "rebuilt": self.rebuilt,
            "columns_left_out": self.columns,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        lines = [f"kept {self.kept} episodes"]
        lines += [f"set apart episode {index}: {reason}" for index, reason in self.apart.items()]
        lines += [f"dropped episode {index}: {reason}" for index, reason in self.dropped.items()]
        lines += [f"rebuilt: {name}" for name in self.rebuilt]
        return lines + [f"left out column {name}" for name in self.columns]


def repair(
    source: Path, out: Path, report: AuditReport, on_episode: Callable[[int], None] | None = None
) -> Repair:
    """Write a repaired copy of ``source`` to ``out``, which appears whole or not at all.

    report: of an audit of ``source``. on_episode: told each episode that was looked at.

    Raises:
        ConfigError: ``out`` is not free, or lies in ``source``. DatasetError: nothing can be saved.
    """
    _require_free(source, out)
    if any(
        check.name == "outside the folder" and check.verdict == "fail" for check in report.checks
    ):
        raise DatasetError(
            expected(str(source), "files", "some outside the folder", "its own: remove the links")
        )
    dataset = open_what_is_left(read_parts(source))
    if dataset is None:
        why = next((check.found for check in report.checks if check.verdict == "fail"), "")
        raise DatasetError(expected(str(source), "whole episodes", f"none ({why})", "at least one"))
    done = _judged(dataset, report)
    with staged_folder(out) as folder:
        builder = DatasetBuilder(
            folder,
            _spec(dataset),
            video=_video(dataset),
            chunk_size=dataset.chunk_size if CHUNK_KEY in dataset.column_names else 0,
        )
        _record_all(dataset, builder, done, on_episode)
        if not done.kept:
            reasons = "; ".join({**done.dropped, **done.apart}.values())[:500]
            raise DatasetError(
                expected(str(source), "episodes to keep", f"none ({reasons})", "at least one")
            )
        builder.lineage = {
            "made_by": "audit --fix",
            "source": str(source),
            "digest": dataset.digest,
            **done.facts(),
            "of": (dataset.own or {}).get("lineage", {}),
        }
        builder.seal()
    return done


def _require_free(source: Path, out: Path) -> None:
    if out.resolve().is_relative_to(source.resolve()):
        raise ConfigError(expected("--fix", "folder", str(out), f"one outside {source}"))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(expected("--fix", "folder", f"{out}, not empty", "a new one"))


def _judged(dataset: Dataset, report: AuditReport) -> Repair:
    done = Repair(columns=sorted(set(dataset.column_names) - KEPT_COLUMNS))
    for check in report.checks:
        kind = check.name.partition(":")[0]
        if check.verdict != "pass" and kind in DROPPED:
            done.dropped |= {index: check.name for index in check.episodes}
        elif check.verdict == "fail" and kind in APART:
            for index in check.episodes:
                done.apart.setdefault(index, check.name)
        elif check.verdict != "pass" and kind.startswith(REBUILT):
            done.rebuilt.append(check.name)
    return done


def _spec(dataset: Dataset) -> WorldSpec:
    spec = dataset.spec
    if dataset.own is not None:
        return spec
    return replace(
        spec,
        task=dataset.episodes[0].task,
        state=unlimited(spec.state.names),
        action=unlimited(spec.action.names),
    )


def _video(dataset: Dataset) -> VideoSettings:
    """As its videos are, so that they can be copied; else our own."""
    told = (dataset.own or {}).get("video")
    try:
        if told is not None:
            return VideoSettings(**told)
        for entry in dataset.episodes[:1]:
            for part in entry.videos.values():
                facts = video_facts(part.path)
                even = facts.width % 2 == facts.height % 2 == 0
                if facts.codec == "h264" and facts.pix_fmt == "yuv420p" and even:
                    return VideoSettings(pix_fmt="yuv420p")
    except (DatasetError, ValueError, TypeError):
        pass
    return VideoSettings()


def _record_all(
    dataset: Dataset,
    builder: DatasetBuilder,
    done: Repair,
    on_episode: Callable[[int], None] | None,
) -> None:
    seen = set()
    for index, columns in _episodes(dataset):
        seen.add(index)
        if index not in done.dropped:
            entry = dataset.episodes[index]
            recorder = builder.recorder(index)
            try:
                _record(dataset, entry, columns, recorder)
            except DatasetError as error:
                recorder.discard()
                done.dropped[index] = str(error)
                done.apart.pop(index, None)
            else:
                _commit(recorder, entry, dataset.spec, kept=index not in done.apart)
                done.kept += index not in done.apart
        if on_episode is not None:
            on_episode(index)
    for index in set(range(dataset.num_episodes)) - seen:
        done.dropped.setdefault(index, "its rows cannot be read")


def _episodes(dataset: Dataset) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Each whole episode's columns, one after another."""
    counted = {*INDEX_KEYS, "timestamp"}
    names = [name for name in dataset.column_names if name in KEPT_COLUMNS - counted]
    parts: dict[str, list[np.ndarray]] = {}
    for piece in Reader(dataset).pieces(names):
        if piece.tick == 0:
            parts = {name: [] for name in names}
        for name, values in piece.values.items():
            parts.setdefault(name, []).append(values)
        length = dataset.episodes[piece.episode].length
        if piece.tick + piece.count == length:
            whole = {name: np.concatenate(part) for name, part in parts.items() if part}
            if all(len(values) == length for values in whole.values()):
                yield piece.episode, whole


def _record(
    dataset: Dataset,
    entry: DatasetEpisode,
    columns: dict[str, np.ndarray],
    recorder: EpisodeRecorder,
) -> None:
    if not dataset.spec.state.size:
        columns = {**columns, STATE_KEY: np.zeros((entry.length, 0), np.float32)}
    missing = [name for name in (STATE_KEY, ACTION_KEY) if name not in columns]
    if missing:
        raise DatasetError(expected("its rows", "columns", sorted(columns), f"{missing} too"))
    columns = {EXECUTED_KEY: columns[ACTION_KEY], **columns}
    vectors = {
        name: columns[name].reshape(entry.length, size)
        for name, size in (
            (STATE_KEY, dataset.spec.state.size),
            (ACTION_KEY, dataset.spec.action.size),
            (EXECUTED_KEY, dataset.spec.action.size),
        )
    }
    chunks = _chunks(columns, recorder.chunk_size, entry.length)
    phases = columns.get(PHASE_KEY, [""] * entry.length)
    streams = {}
    for camera in dataset.spec.cameras:
        part = entry.videos[camera.key]
        if _copies(part.path, part.first_frame, entry.length, dataset, recorder.video):
            recorder.take_video(camera.name, part.path)
        streams[camera.key] = decode_video(part.path, first=part.first_frame, count=entry.length)
    for tick in range(entry.length):
        images = {}
        for key, frames in streams.items():
            frame = next(frames, None)
            if frame is None:
                path = str(entry.videos[key].path)
                raise DatasetError(expected(path, "frames", tick, entry.length))
            images[key] = frame
        vector = {name: values[tick] for name, values in vectors.items()}
        recorder.add(
            {**images, STATE_KEY: vector[STATE_KEY]},
            vector[ACTION_KEY],
            vector[EXECUTED_KEY],
            str(phases[tick] or ""),
            chunks[tick],
        )


def _chunks(columns: dict[str, np.ndarray], size: int, length: int) -> list[np.ndarray | None]:
    if not size or CHUNK_KEY not in columns:
        return [None] * length
    valid = columns.get(CHUNK_VALID_KEY, np.ones(length, bool))
    values = columns[CHUNK_KEY].reshape(length, size, -1)
    return [chunk if good else None for chunk, good in zip(values, valid, strict=True)]


def _copies(path: Path, first: int, length: int, dataset: Dataset, settings: VideoSettings) -> bool:
    """Does a file hold this episode and nothing else, encoded as the copy's are?"""
    facts = video_facts(path)
    same = (facts.codec, facts.pix_fmt) == (settings.codec, settings.pix_fmt)
    return same and first == 0 and facts.frames == length and abs(facts.fps - dataset.fps) < 0.01


def _commit(
    recorder: EpisodeRecorder, entry: DatasetEpisode, spec: WorldSpec, *, kept: bool
) -> None:
    outcome = entry.outcome or Outcome(
        success=True, progress=1.0, steps=0, seconds=0.0, reason="not told"
    )
    outcome = replace(outcome, steps=entry.length, seconds=entry.length / spec.fps)
    meta = dict(entry.meta) | {"episode": entry.index}
    if entry.task and entry.task != recorder.spec.task:
        meta["task"] = entry.task
    recorder.commit(
        entry.seed or 0,
        entry.scenario or {},
        outcome,
        "policy" if entry.source == "policy" else "expert",
        kept=kept,
        meta=meta,
    )
