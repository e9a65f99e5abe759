"""An augmented copy of a dataset: its own folder, with a lineage that tells what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import ACTION_KEY, STATE_KEY
from loopyard.data.augment.recipe import Augmenter, Recipe
from loopyard.data.augment.trajectory import Trajectory
from loopyard.data.builder import DatasetBuilder
from loopyard.data.columns import CHUNK_KEY, CHUNK_VALID_KEY, EXECUTED_KEY, PHASE_KEY
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.video import VideoSettings

OWN_KEY = "augmentation"


def augmented_copy(
    dataset: Dataset,
    out: Path,
    recipe: Recipe,
    on_episode: Callable[[int], None] | None = None,
) -> Dataset:
    """Write every episode of ``dataset``, changed by the recipe, as a dataset at ``out``.

    One frame at a time is in memory. A drive is durable when it is whole: run again, it goes on.
    The copy names, in its lineage and in each episode, the recipe and the source's digest; seed,
    scenario and outcome are the recorded drive's, which none of the changed drives repeats.

    Raises:
        ConfigError: the recipe does not fit the world. DatasetError: the source is damaged, or
            ``out`` holds something else. NoSpaceError: the disk is full.
    """
    augmenter = Augmenter(recipe, dataset.spec, chunks=_has_chunks(dataset))
    facts = {"recipe": recipe.model_dump(mode="json"), "source_digest": dataset.digest}
    builder = DatasetBuilder(
        out,
        replace(dataset.spec, task=augmenter.task),
        video=VideoSettings(**(dataset.own or {}).get("video", {})),
        chunk_size=dataset.chunk_size,
        lineage={OWN_KEY: facts, "of": (dataset.own or {}).get("lineage", {})},
    )
    done = builder.slots()
    for slot, row in done.items():
        if row.meta.get(OWN_KEY) != facts:
            raise DatasetError(
                expected(str(out), f"episode {slot}", "of another making", "this copy's, or none")
            )
    for entry in dataset.episodes:
        if entry.index not in done:
            drive = augmenter(drive_of(dataset, entry), entry.index)
            _write(builder.recorder(entry.index), dataset, entry, drive, augmenter, facts)
        if on_episode is not None:
            on_episode(entry.index)
    return builder.seal()


def _has_chunks(dataset: Dataset) -> bool:
    return CHUNK_KEY in dataset.column_names and bool(dataset.column(CHUNK_VALID_KEY).any())


def drive_of(dataset: Dataset, entry: DatasetEpisode) -> Trajectory:
    """An episode as it was recorded."""
    rows = slice(entry.from_index, entry.to_index)

    def column(name: str) -> np.ndarray | None:
        return dataset.column(name)[rows] if name in dataset.column_names else None

    action, executed, phases = column(ACTION_KEY), column(EXECUTED_KEY), column(PHASE_KEY)
    assert action is not None
    valid = column(CHUNK_VALID_KEY)
    return Trajectory(
        state=dataset.column(STATE_KEY)[rows],
        action=action,
        executed=action if executed is None else executed,
        phases=("",) * entry.length if phases is None else tuple(map(str, phases)),
        task=entry.task,
        source=np.arange(entry.length),
        turned=np.zeros(entry.length),
        chunk=column(CHUNK_KEY),
        chunk_valid=None if valid is None else valid.astype(bool),
    )


def pictures(
    dataset: Dataset, entry: DatasetEpisode, drive: Trajectory, focal_px: dict[str, float]
) -> Iterator[dict[str, np.ndarray]]:
    """{camera key: (H, W, 3) uint8} of each tick, decoded in order and held one at a time."""
    readers = {
        camera.key: dataset.frames(camera.key, entry.index) for camera in dataset.spec.cameras
    }
    names = {camera.key: camera.name for camera in dataset.spec.cameras}
    read, shown = -1, {}
    for tick, wanted in enumerate(drive.source):
        while read < wanted:
            shown = {key: next(reader) for key, reader in readers.items()}
            read += 1
        yield {
            key: drive.picture(frame, tick, focal_px[names[key]]) for key, frame in shown.items()
        }


def _write(
    recorder: EpisodeRecorder,
    dataset: Dataset,
    entry: DatasetEpisode,
    drive: Trajectory,
    augmenter: Augmenter,
    facts: dict[str, Any],
) -> None:
    shown = pictures(dataset, entry, drive, augmenter.focal_px)
    try:
        for tick, images in enumerate(shown):
            labelled = drive.chunk_valid is not None and bool(drive.chunk_valid[tick])
            recorder.add(
                {**images, STATE_KEY: drive.state[tick]},
                drive.action[tick],
                drive.executed[tick],
                drive.phases[tick],
                drive.chunk[tick] if labelled and drive.chunk is not None else None,
            )
    except BaseException:
        recorder.discard()
        raise
    recorder.commit(
        entry.seed or 0,
        entry.scenario or {},
        _outcome(entry, len(drive), dataset.fps),
        "policy" if entry.source == "policy" else "expert",
        meta={**entry.meta, "task": drive.task, OWN_KEY: facts},
    )


def _outcome(entry: DatasetEpisode, length: int, fps: int) -> Outcome:
    """The recorded one at its new length; a demonstration without one is taken for a success."""
    if entry.outcome is None:
        return Outcome(True, 1.0, length, length / fps, "not told")
    return replace(entry.outcome, steps=length, seconds=length / fps)
