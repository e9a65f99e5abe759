"""Where things lie in a dataset folder, and the format's version.

    data/chunk-000/file-000.parquet         LeRobotDataset v3.0
    videos/<key>/chunk-000/file-000.mp4
    meta/info.json stats.json tasks.parquet episodes/chunk-000/file-000.parquet
    meta/loopyard.json                      WorldSpec, counts, lineage, digest
    meta/loopyard_episodes.jsonl            seed, scenario, outcome ... of each episode
    .shards/<slot>/                         each durable episode; its video moves out at the seal
    failed/<slot>/                          drives set apart
    .staging/<slot>-<try>/                  what is being recorded
    .cache/                                 decoded frames

Paths that come from a file are not trusted: the templates in info.json must be exactly these, and
only whole numbers and names of declared cameras are put into them.
"""

from __future__ import annotations

import secrets
from pathlib import Path

CODEBASE_VERSION = "v3.0"
OWN_SCHEMA = 1
"""Of meta/loopyard.json and of a shard's episode.json."""

FILES_PER_CHUNK = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
DATA_TEMPLATE = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_TEMPLATE = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_FILE = "meta/episodes/chunk-000/file-000.parquet"
INFO_FILE = "meta/info.json"
STATS_FILE = "meta/stats.json"
TASKS_FILE = "meta/tasks.parquet"
OWN_FILE = "meta/loopyard.json"
OWN_EPISODES_FILE = "meta/loopyard_episodes.jsonl"

SHARD_DATA = "data.parquet"
SHARD_ROW = "episode.json"


def data_file(number: int) -> str:
    """Relative path of the ``number``-th data file."""
    chunk, index = divmod(number, FILES_PER_CHUNK)
    return DATA_TEMPLATE.format(chunk_index=chunk, file_index=index)


def video_file(key: str, slot: int) -> str:
    """Relative path of a slot's video: numbered by slot, so that a later seal moves none."""
    chunk, index = divmod(slot, FILES_PER_CHUNK)
    return VIDEO_TEMPLATE.format(video_key=key, chunk_index=chunk, file_index=index)


def shard_folder(root: Path, slot: int) -> Path:
    return root / ".shards" / f"{slot:06d}"


def failed_folder(root: Path, slot: int) -> Path:
    return root / "failed" / f"{slot:06d}"


def staging_folder(root: Path, slot: int) -> Path:
    """Another name each time: a worker that was lost from sight may still write when its slot is
    recorded again."""
    return root / ".staging" / f"{slot:06d}-{secrets.token_hex(4)}"
