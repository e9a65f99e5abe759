"""Small recordings of one MP4 a camera, actions.jsonl and metadata.json, as the predecessor's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from loopyard.data.video import VideoSettings, VideoWriter


def write_raw(folder: Path, episodes: int = 3) -> Path:
    for episode in range(episodes):
        raw_episode(folder / f"run_{episode}", 12 + episode)
    return folder


def raw_episode(folder: Path, frames: int = 12) -> Path:
    folder.mkdir(parents=True)
    writer = VideoWriter(folder / "ego.mp4", 32, 24, 30, VideoSettings(pix_fmt="yuv420p"))
    lines = []
    for frame in range(frames):
        image = np.full((24, 32, 3), 80, np.uint8)
        image[8:16, 2 * (frame % 12) : 2 * (frame % 12) + 8] = 220
        writer.add(image)
        actions = {"steering": 0.1 * frame, "throttle": 1.0, "bucket": 0.0, "lift": -0.5}
        state = {"loader_x": 3.5 - frame, "loader_z": 1.0, "legos_remaining": 7}
        lines.append(json.dumps({"frame": frame, "time": frame / 30, **actions, **state}))
    writer.close()
    (folder / "actions.jsonl").write_text("\n".join(lines) + "\n")
    metadata = {"scenario": {"name": "clustered"}, "result": {"success": True}}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder
