"""DatasetBuilder: durable episodes become a LeRobot v3.0 dataset."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import WorldSpec
from loopyard.data.columns import dataset_features
from loopyard.data.consolidate import Consolidated, consolidate
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.data.episode import EpisodeRow
from loopyard.data.layout import (
    CODEBASE_VERSION,
    DATA_FILE_MB,
    DATA_TEMPLATE,
    EPISODES_FILE,
    FILES_PER_CHUNK,
    INFO_FILE,
    OWN_EPISODES_FILE,
    OWN_FILE,
    OWN_SCHEMA,
    STATS_FILE,
    TASKS_FILE,
    VIDEO_FILE_MB,
    VIDEO_TEMPLATE,
    video_file,
)
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.shard import Shard, read_shard
from loopyard.data.stats import jsonable
from loopyard.data.video import VideoSettings
from loopyard.store.atomic import fsync_path, write_text
from loopyard.store.failpoint import failpoint
from loopyard.store.space import naming_full_disk


class DatasetBuilder:
    """Collects the slots of one dataset and seals them.

    Args:
        root: the dataset folder; made when the first episode is recorded.
        lineage: JSON facts of where the data comes from, kept in meta/loopyard.json.
    """

    def __init__(
        self,
        root: Path,
        spec: WorldSpec,
        *,
        video: VideoSettings | None = None,
        chunk_size: int = 0,
        lineage: dict[str, Any] | None = None,
    ) -> None:
        self.root, self.spec, self.chunk_size = Path(root), spec, chunk_size
        self.video = video or VideoSettings()
        self.lineage = dict(lineage or {})

    def recorder(self, slot: int) -> EpisodeRecorder:
        """A recorder of one slot, with this dataset's settings."""
        return EpisodeRecorder(self.root, slot, self.spec, self.video, self.chunk_size)

    def slots(self) -> dict[int, EpisodeRow]:
        """The rows of all durable slots, kept and failed, in slot order.

        Raises:
            DatasetError: a shard is damaged, or was made with other settings than these.
        """
        return {shard.row.slot: shard.row for shard in self._shards()}

    def _shards(self) -> list[Shard]:
        folders = [*(self.root / ".shards").glob("[0-9]*"), *(self.root / "failed").glob("[0-9]*")]
        shards = sorted((read_shard(folder) for folder in folders), key=lambda s: s.row.slot)
        for shard in shards:
            settings = {"world": shard.spec, "chunk_size": shard.chunk_size, "video": shard.video}
            wanted = {"world": self.spec, "chunk_size": self.chunk_size, "video": self.video}
            for name, value in settings.items():
                if value != wanted[name]:
                    raise DatasetError(
                        expected(
                            str(shard.folder), name, value, f"{wanted[name]!r}, as in the rest"
                        )
                    )
        return shards

    def seal(self) -> Dataset:
        """Write the LeRobot v3.0 form of all kept slots, in slot order.

        info.json goes first and comes back last, so that a folder in between does not open.
        May be killed at any point and called again; the same slots give the same bytes. Slots
        that come later are taken in by sealing again.

        Raises:
            DatasetError: no kept episode, a damaged shard, or shards gone since an earlier seal.
        """
        shards = self._shards()
        kept = [shard for shard in shards if shard.row.kept]
        if not kept:
            raise DatasetError(
                expected(str(self.root), "kept episodes", 0, f"at least 1 ({len(shards)} failed)")
            )
        digest = _digest(kept)
        if _sealed_digest(self.root) == digest:
            return open_dataset(self.root)
        self._require_no_loss({shard.row.slot for shard in kept})
        (self.root / INFO_FILE).unlink(missing_ok=True)
        (self.root / "meta").mkdir(parents=True, exist_ok=True)
        fsync_path(self.root / "meta")
        with naming_full_disk(self.root):
            failpoint("dataset.unsealed")
            self._move_videos(kept)
            failpoint("dataset.videos_moved")
            whole = consolidate(self.root, self.spec, self.chunk_size, kept)
            failpoint("dataset.consolidated")
            self._write_meta(whole, kept, failed=len(shards) - len(kept), digest=digest)
            failpoint("dataset.sealed")
        shutil.rmtree(self.root / ".staging", ignore_errors=True)
        return open_dataset(self.root)

    def _require_no_loss(self, slots: set[int]) -> None:
        """A dataset whose shards were deleted to save room cannot be added to: it would shrink."""
        try:
            sealed = {entry.slot for entry in open_dataset(self.root).episodes}
        except DatasetError:
            return  # not sealed, or damaged: sealing what is there is the repair
        if not sealed <= slots:
            raise DatasetError(
                expected(
                    str(self.root / ".shards"),
                    "episodes",
                    len(slots),
                    f"the {len(sealed)} that were sealed, and new ones",
                )
            )

    def _move_videos(self, kept: list[Shard]) -> None:
        folders: set[Path] = set()
        for shard in kept:
            for camera in self.spec.cameras:
                source = shard.folder / f"{camera.name}.mp4"
                final = self.root / video_file(camera.key, shard.row.slot)
                if source.exists():
                    final.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(source, final)
                elif not final.exists():
                    raise DatasetError(expected(str(final), "file", "nothing", "a video"))
                folders.update((final.parent, final.parent.parent, shard.folder))
        for folder in sorted({*folders, self.root / "videos"}):
            if folder.exists():
                fsync_path(folder)

    def _write_meta(
        self, whole: Consolidated, kept: list[Shard], *, failed: int, digest: str
    ) -> None:
        root = self.root
        write_table(whole.episodes, root / EPISODES_FILE)
        write_table(tasks_table(whole.tasks), root / TASKS_FILE)
        write_text(root / STATS_FILE, _json(jsonable(whole.stats)))
        lines = [
            json.dumps(
                {"episode_index": index, **shard.row.to_dict(), "files": shard.files},
                sort_keys=True,
            )
            for index, shard in enumerate(kept)
        ]
        write_text(root / OWN_EPISODES_FILE, "\n".join(lines) + "\n")
        own = {
            "schema": OWN_SCHEMA,
            "digest": digest,
            "world": self.spec.to_dict(),
            "chunk_size": self.chunk_size,
            "video": self.video.model_dump(),
            "kept": len(kept),
            "failed": failed,
            "lineage": self.lineage,
        }
        write_text(root / OWN_FILE, _json(own))
        write_text(root / INFO_FILE, _json(self._info(whole, len(kept))))

    def _info(self, whole: Consolidated, episodes: int) -> dict[str, Any]:
        return {
            "codebase_version": CODEBASE_VERSION,
            "robot_type": self.spec.world,
            "total_episodes": episodes,
            "total_frames": whole.frames,
            "total_tasks": len(whole.tasks),
            "chunks_size": FILES_PER_CHUNK,
            "data_files_size_in_mb": DATA_FILE_MB,
            "video_files_size_in_mb": VIDEO_FILE_MB,
            "fps": self.spec.fps,
            "splits": {"train": f"0:{episodes}"},
            "data_path": DATA_TEMPLATE,
            "video_path": VIDEO_TEMPLATE,
            "features": dataset_features(self.spec, self.chunk_size, self.video),
        }


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file in one step: a reader sees the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.staging")
    pq.write_table(table, staged, compression="snappy")
    fsync_path(staged)
    os.replace(staged, path)
    fsync_path(path.parent)


def tasks_table(tasks: list[str]) -> pa.Table:
    """meta/tasks.parquet: pandas reads the task text back as its index, as LeRobot wants it."""
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [
            {
                "name": "task_index",
                "field_name": "task_index",
                "pandas_type": "int64",
                "numpy_type": "int64",
                "metadata": None,
            },
            {
                "name": "task",
                "field_name": "task",
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": None,
            },
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.3",
    }
    table = pa.table(
        {"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks)}
    )
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _digest(kept: list[Shard]) -> str:
    """Names the content: every row and the sha256 of every file, in order."""
    total = hashlib.sha256()
    for shard in kept:
        facts = [shard.row.to_dict(), shard.spec.to_dict(), shard.chunk_size, shard.files]
        total.update(json.dumps(facts, sort_keys=True).encode())
    return total.hexdigest()


def _sealed_digest(root: Path) -> str | None:
    try:
        if not (root / INFO_FILE).exists():
            return None
        return json.loads((root / OWN_FILE).read_text())["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
