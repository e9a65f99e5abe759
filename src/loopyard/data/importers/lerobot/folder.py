"""A LeRobot dataset's meta folder, v2.1 or v3.0, read without trust: where each episode lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import ACTION_KEY
from loopyard.data.containment import require_contained
from loopyard.data.dataset import VideoSlice
from loopyard.data.json_file import read_json
from loopyard.data.layout import DATA_TEMPLATE, INFO_FILE, VIDEO_TEMPLATE
from loopyard.data.metadata import SAFE_NAME
from loopyard.data.parquet_file import MAX_VALUES_A_ROW
from loopyard.data.video import MAX_PIXELS

V21, V30 = "v2.1", "v3.0"
DATA_V21 = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_V21 = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
TEMPLATES = {V21: (DATA_V21, VIDEO_V21), V30: (DATA_TEMPLATE, VIDEO_TEMPLATE)}
"""The paths of data and videos; a folder that names others is refused."""
PICTURES = ("video", "image")
"""Types of features that are pictures, in files or in rows."""


@dataclass(frozen=True)
class LeRobotEpisode:
    """Where an episode lies: rows first_row to first_row + length of a data file, and its part of
    each video by feature."""

    index: int
    length: int
    tasks: list[str]
    data: Path
    first_row: int
    videos: dict[str, VideoSlice] = field(default_factory=dict)


@dataclass(frozen=True)
class Info:
    """meta/info.json. cameras: features that are colour images, in files (video) or rows (image).
    content: all of it."""

    path: Path
    version: str
    fps: int
    total_episodes: int
    total_frames: int
    features: dict[str, dict[str, Any]]
    cameras: dict[str, str]
    content: dict[str, Any]

    @property
    def videos(self) -> list[str]:
        return [key for key, dtype in self.cameras.items() if dtype == "video"]


def require_file(path: Path) -> Path:
    """Raises DatasetError where a file of the dataset is missing or empty."""
    if not path.is_file() or not path.stat().st_size:
        raise DatasetError(expected(str(path), "file", "nothing", "a file of the dataset"))
    return path


def read_info(root: Path) -> Info:
    """meta/info.json, checked.

    Raises:
        DatasetError: an older version, other path templates, features that do not fit, or a link
            out of the folder.
    """
    path = require_file(root / INFO_FILE)
    require_contained(root)
    content = read_json(path)
    if not isinstance(content, dict):
        raise DatasetError(expected(str(path), "content", type(content).__name__, "an object"))
    version = content.get("codebase_version")
    if not isinstance(version, str) or version not in TEMPLATES:
        raise DatasetError(
            expected(
                str(path),
                "codebase_version",
                version,
                f"{V21!r} or {V30!r}; LeRobot's own scripts convert older ones",
            )
        )
    numbers = {name: content.get(name) for name in ("fps", "total_episodes", "total_frames")}
    for name, value in numbers.items():
        if isinstance(value, float) and value.is_integer():
            numbers[name] = value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 40:
            raise DatasetError(expected(str(path), name, value, "a whole number of at least 1"))
    features = _features(path, content.get("features"))
    cameras = {key: part["dtype"] for key, part in features.items() if _is_colour(key, part)}
    _check_templates(path, content, version, bool(set(cameras.values()) & {"video"}))
    return Info(
        path=path,
        version=version,
        features=features,
        cameras=cameras,
        content=content,
        **numbers,  # type: ignore[arg-type]
    )


def _features(path: Path, features: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(features, dict):
        raise DatasetError(expected(str(path), "features", features, "an object"))
    for name, part in features.items():
        if not SAFE_NAME.fullmatch(name.replace("/", "_")) or ".." in name:
            raise DatasetError(
                expected(str(path), "features", name, "a name of letters, digits, _.-")
            )
        shape = part.get("shape") if isinstance(part, dict) else None
        if (
            not isinstance(shape, list)
            or not 0 < len(shape) <= 4
            or not all(isinstance(side, int) and side > 0 for side in shape)
            or not isinstance(part.get("dtype"), str)
        ):
            raise DatasetError(
                expected(str(path), f"features.{name}", part, "a dtype, and a shape of sides")
            )
        limit = 3 * MAX_PIXELS if part["dtype"] in PICTURES else MAX_VALUES_A_ROW
        if prod(shape) > limit:
            raise DatasetError(
                expected(str(path), f"features.{name}.shape", shape, f"at most {limit} numbers")
            )
    if ACTION_KEY not in features:
        raise DatasetError(expected(str(path), "features", sorted(features), f"{ACTION_KEY} too"))
    return features


def _is_colour(key: str, part: dict[str, Any]) -> bool:
    if part["dtype"] not in PICTURES or not SAFE_NAME.fullmatch(key):
        return False
    told = part.get("info") or part.get("video_info") or {}
    depth = isinstance(told, dict) and told.get("video.is_depth_map")
    return len(part["shape"]) == 3 and 3 in (part["shape"][0], part["shape"][2]) and not depth


def _check_templates(path: Path, content: dict[str, Any], version: str, videos: bool) -> None:
    data, video = TEMPLATES[version]
    wanted = {"data_path": data, **({"video_path": video} if videos else {})}
    for name, template in wanted.items():
        if content.get(name) != template:
            raise DatasetError(expected(str(path), name, content.get(name), repr(template)))
    size = content.get("chunks_size")
    if version == V21 and (not isinstance(size, int) or size < 1):
        raise DatasetError(expected(str(path), "chunks_size", size, "a whole number of at least 1"))
