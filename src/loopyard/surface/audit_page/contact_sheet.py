"""First, middle and last frames of some episodes, small, inside the page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from loopyard.core.errors import DatasetError
from loopyard.data.dataset import Dataset, DatasetEpisode
from loopyard.data.video import decode_video

EPISODES = 6
CAMERAS = 2
WIDTH = 200
"""Pixels of a picture, at most."""
JPEG_QUALITY = 82


def contact_sheet(dataset: Dataset) -> list[dict[str, Any]]:
    """Of each camera: ``camera`` and ``rows``, one an episode with ``name`` and ``pictures``.

    A picture that cannot be decoded is None; why is the audit's to say.
    """
    chosen = np.unique(np.linspace(0, dataset.num_episodes - 1, EPISODES).astype(int))
    return [
        {
            "camera": camera.name,
            "rows": [
                {
                    "name": f"episode {index}",
                    "pictures": _pictures(dataset.episodes[index], camera.key),
                }
                for index in chosen
            ],
        }
        for camera in dataset.spec.cameras[:CAMERAS]
    ]


def _pictures(entry: DatasetEpisode, camera: str) -> list[str | None]:
    part = entry.videos[camera]
    return [
        _data_url(part.path, part.first_frame + frame)
        for frame in (0, entry.length // 2, entry.length - 1)
    ]


def _data_url(path: Any, frame: int) -> str | None:
    try:
        found = next(iter(decode_video(path, first=frame, count=1)), None)
    except DatasetError:
        return None
    if found is None:
        return None
    picture = Image.fromarray(found)
    picture.thumbnail((WIDTH, WIDTH))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
