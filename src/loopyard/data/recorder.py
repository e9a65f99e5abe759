"""EpisodeRecorder: one drive to disk, frame by frame, durable the moment it is committed."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from loopyard.core.errors import DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY, TASK_KEY, WorldSpec
from loopyard.data.columns import CHUNK_KEY, EXECUTED_KEY, PHASE_KEY, recorded_table
from loopyard.data.episode import EpisodeRow, Source
from loopyard.data.layout import staging_folder
from loopyard.data.shard import durable_shard, publish_shard, read_shard, write_shard
from loopyard.data.stats import ImageHistogram
from loopyard.data.video import VideoSettings, VideoWriter
from loopyard.store.failpoint import failpoint
from loopyard.store.space import naming_full_disk


class EpisodeRecorder:
    """Writes one slot of a dataset. Frames are encoded as they come: memory stays constant.

    Many processes may record into the same root at once, each its own slot. Until `commit` returns
    nothing can be seen in the dataset; a killed process leaves only staging behind.

    Args:
        root: the dataset folder. chunk_size: K of the expert chunks that `add` will be given, or 0.

    Raises:
        ConfigError: a camera's size does not fit the pixel format.
    """

    def __init__(
        self,
        root: Path,
        slot: int,
        spec: WorldSpec,
        video: VideoSettings | None = None,
        chunk_size: int = 0,
    ) -> None:
        self.root, self.slot, self.spec, self.chunk_size = Path(root), slot, spec, chunk_size
        self.video = video or VideoSettings()
        self._staging = staging_folder(self.root, slot)
        self._staging.mkdir(parents=True)
        self._writers = {
            camera.key: VideoWriter(
                self._staging / f"{camera.name}.mp4",
                camera.width,
                camera.height,
                spec.fps,
                self.video,
            )
            for camera in spec.cameras
        }
        self._histograms = {camera.key: ImageHistogram() for camera in spec.cameras}
        self._vectors: dict[str, list[np.ndarray]] = {
            STATE_KEY: [],
            ACTION_KEY: [],
            EXECUTED_KEY: [],
        }
        self._task = spec.task
        self._chunks: list[np.ndarray | None] = []
        self._phases: list[str] = []

    @property
    def length(self) -> int:
        """Frames added so far."""
        return len(self._phases)

    def take_video(self, camera: str, path: Path) -> None:
        """Before the first frame: this camera's video is a copy of a file, not encoded anew.

        camera: its name. `add` is still given its frames; whoever calls this sees to it that the
        file holds them, as this recorder's settings say.
        """
        key = IMAGE_PREFIX + camera
        self._writers.pop(key).close()
        with naming_full_disk(self._staging):
            shutil.copyfile(path, self._staging / f"{camera}.mp4")

    def add(
        self,
        obs: dict[str, Any],
        label: np.ndarray,
        executed: np.ndarray,
        phase: str = "",
        chunk: np.ndarray | None = None,
    ) -> None:
        """Record one control tick.

        Args:
            obs: images, (H, W, 3) uint8 RGB or `YuvPicture`, and state (S,) float32, as seen before
                the action, and the task, where it is the episode's own.
            label: (A,) float32, the expert's clean action. executed: (A,) float32, what drove.
            chunk: (K, A) float32, the expert's next K actions from here, or None.
        """
        with naming_full_disk(self._staging):
            for key, histogram in self._histograms.items():
                if key in self._writers:
                    self._writers[key].add(obs[key])
                histogram.offer(obs[key])
        self._task = str(obs.get(TASK_KEY, self._task))
        self._put(STATE_KEY, obs[STATE_KEY], (self.spec.state.size,))
        self._put(ACTION_KEY, label, (self.spec.action.size,))
        self._put(EXECUTED_KEY, executed, (self.spec.action.size,))
        self._phases.append(phase)
        if self.chunk_size:
            shape = (self.chunk_size, self.spec.action.size)
            self._chunks.append(None if chunk is None else self._copy(CHUNK_KEY, chunk, shape))

    def _put(self, key: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
        self._vectors[key].append(self._copy(key, value, shape))

    def _copy(self, key: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        copy = np.array(value, dtype=np.float32)
        if copy.shape != shape:
            raise DatasetError(expected(f"episode slot {self.slot}", key, copy.shape, shape))
        return copy

    def commit(
        self,
        seed: int,
        scenario: Scenario | dict[str, Any],
        outcome: Outcome,
        source: Source = "expert",
        *,
        kept: bool = True,
        meta: dict[str, Any] | None = None,
    ) -> EpisodeRow:
        """Make the episode durable and return its row.

        A slot that is already durable stays as it is, and its row is returned: a job that is run
        twice changes nothing.

        Raises:
            DatasetError: no frame was added. NoSpaceError: the disk is full.
        """
        if not self.length:
            raise DatasetError(expected(f"episode slot {self.slot}", "frames", 0, "at least 1"))
        earlier = durable_shard(self.root, self.slot)
        if earlier is not None:
            self.discard()
            return read_shard(earlier).row
        plain = scenario.model_dump() if isinstance(scenario, Scenario) else dict(scenario)
        row = EpisodeRow(
            slot=self.slot,
            seed=int(seed),
            scenario=plain,
            outcome=outcome,
            source=source,
            length=self.length,
            kept=kept,
            meta={**({"task": self._task} if self._task != self.spec.task else {}), **(meta or {})},
        )
        with naming_full_disk(self._staging):
            self._close_videos()
            write_shard(
                self._staging,
                row,
                self._table(),
                spec=self.spec,
                chunk_size=self.chunk_size,
                video=self.video,
                histograms=self._histograms,
            )
            failpoint("episode.durable")
            publish_shard(self._staging, self.root, row)
            failpoint("episode.published")
        return row

    def _table(self) -> pa.Table:
        columns: dict[str, Any] = {key: np.stack(rows) for key, rows in self._vectors.items()}
        columns |= {PHASE_KEY: self._phases, CHUNK_KEY: self._chunks}
        return recorded_table(self.spec, self.chunk_size, columns)

    def discard(self) -> None:
        """Drop what was recorded; nothing of it remains."""
        with suppress(OSError):
            self._close_videos()
        shutil.rmtree(self._staging, ignore_errors=True)

    def _close_videos(self) -> None:
        while self._writers:
            self._writers.popitem()[1].close()
