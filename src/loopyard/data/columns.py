"""The columns of a frame: what they are called, their types, and arrays to tables and back.

LeRobot's own: observation.state, action, timestamp, frame_index, episode_index, index,
task_index. Ours: executed_action (what drove, noise included, while action is the clean label),
phase, and with chunk labels expert_chunk (flattened (K, A)) and expert_chunk_valid. All are
declared in info.json, so LeRobot loads them as it would its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from loopyard.core.specs import ACTION_KEY, STATE_KEY, WorldSpec
from loopyard.data.video import VideoSettings

EXECUTED_KEY = "executed_action"
PHASE_KEY = "phase"
CHUNK_KEY = "expert_chunk"
CHUNK_VALID_KEY = "expert_chunk_valid"
INDEX_KEYS = ("frame_index", "episode_index", "index", "task_index")

ARROW_TYPES = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
    "string": pa.string(),
}


def recorded_features(spec: WorldSpec, chunk_size: int) -> dict[str, dict[str, Any]]:
    """info.json features of the columns that a recorder fills, in column order.

    A world without a state has no column for it.
    """
    state = {STATE_KEY: _feature("float32", spec.state.size, spec.state.names)}
    features = {
        **(state if spec.state.size else {}),
        ACTION_KEY: _feature("float32", spec.action.size, spec.action.names),
        EXECUTED_KEY: _feature("float32", spec.action.size, spec.action.names),
        PHASE_KEY: _feature("string", 1),
    }
    if chunk_size:
        features[CHUNK_KEY] = _feature("float32", chunk_size * spec.action.size)
        features[CHUNK_VALID_KEY] = _feature("bool", 1)
    return features


def dataset_features(
    spec: WorldSpec, chunk_size: int, video: VideoSettings
) -> dict[str, dict[str, Any]]:
    """info.json features of a whole dataset, cameras first."""
    cameras = {
        camera.key: {
            "dtype": "video",
            "shape": [camera.height, camera.width, 3],
            "names": ["height", "width", "channels"],
            "info": {
                "video.height": camera.height,
                "video.width": camera.width,
                "video.codec": video.codec,
                "video.pix_fmt": video.pix_fmt,
                "video.is_depth_map": False,
                "video.fps": spec.fps,
                "video.channels": 3,
                "has_audio": False,
            },
        }
        for camera in spec.cameras
    }
    indices = {key: _feature("int64", 1) for key in INDEX_KEYS}
    return {
        **cameras,
        **recorded_features(spec, chunk_size),
        "timestamp": _feature("float32", 1),
        **indices,
    }


def _feature(dtype: str, size: int, names: list[str] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [size], "names": names}


def schema_of(features: dict[str, dict[str, Any]]) -> pa.Schema:
    """Arrow schema of all features that are not video: shape [1] is a plain value, as LeRobot's."""
    fields = []
    for name, feature in features.items():
        if feature["dtype"] == "video":
            continue
        kind = ARROW_TYPES[feature["dtype"]]
        size = int(np.prod(feature["shape"]))
        fields.append(pa.field(name, kind if size == 1 else pa.list_(kind, size)))
    return pa.schema(fields)


def to_arrow(values: np.ndarray | list[str], kind: pa.DataType) -> pa.Array:
    """(N, C) or (N,) numbers, or N strings, as a column of the given type."""
    if isinstance(kind, pa.FixedSizeListType):
        flat = np.ascontiguousarray(values, dtype=kind.value_type.to_pandas_dtype()).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), kind.list_size)
    if isinstance(values, np.ndarray):
        return pa.array(values.reshape(-1), type=kind)
    return pa.array(values, type=kind)


def recorded_table(spec: WorldSpec, chunk_size: int, columns: dict[str, Any]) -> pa.Table:
    """A shard's table.

    Args:
        columns: (T, C) numbers by name, T strings for phase, and with a chunk_size T items for
            expert_chunk, each (K, A) or None where there is no valid one.
    """
    filled = dict(columns)
    if chunk_size:
        blank = np.zeros((chunk_size, spec.action.size), np.float32)
        chunks = filled[CHUNK_KEY]
        filled[CHUNK_KEY] = np.stack([blank if chunk is None else chunk for chunk in chunks])
        filled[CHUNK_VALID_KEY] = np.array([chunk is not None for chunk in chunks])
    schema = schema_of(recorded_features(spec, chunk_size))
    arrays = [to_arrow(filled[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def to_numpy(column: pa.ChunkedArray, shape: tuple[int, ...]) -> np.ndarray:
    """(N, *shape) numbers, or (N,) where shape is (1,); strings come as an object array.

    Raises:
        ValueError: lists of another length, or missing values.
    """
    count = len(column)
    if column.null_count:
        raise ValueError(f"{column.null_count} missing values")
    whole = column.combine_chunks()
    if pa.types.is_nested(whole.type):
        flat = whole.flatten().to_numpy(zero_copy_only=False)
        if flat.size != count * int(np.prod(shape)):
            raise ValueError(f"{flat.size} numbers in {count} rows")
        return flat.reshape(count, *shape)
    values = whole.to_numpy(zero_copy_only=False)
    return values.reshape(count, *shape) if shape not in ((1,), ()) else values
