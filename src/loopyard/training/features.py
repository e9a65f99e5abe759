"""A frozen backbone reads every frame once; training then draws what it said, not pictures.

The features of a dataset lie beside its frames, in ``.cache``, named by dataset, backbone and
processing, and go when space is needed: they can always be computed again.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from loopyard.core.errors import ConfigError, expected
from loopyard.data.cache import mapped_array
from loopyard.data.samples import Samples
from loopyard.policies.processing import Processing
from loopyard.training.sources import Sources

BATCH = 64
FILE = "features.f32"


@runtime_checkable
class ReadsFrozen(Protocol):
    """A network with a backbone that may be frozen.

    feature_key: names all that its features depend on but picture, words and processing; "" where
    it learns. feature_size: F.
    """

    feature_key: str
    feature_size: int

    def features(self, images: list[torch.Tensor], text: torch.Tensor) -> torch.Tensor:
        """(B, T, 3, h, w) a camera and (B, L) -> (B, T, F)."""
        ...


def keep_features(
    model: ReadsFrozen,
    sources: Sources,
    processing: Processing,
    device: torch.device,
    limit_gb: float,
) -> None:
    """Give every sample that comes from a dataset its ``features`` (N, F) float32, mapped.

    Raises:
        ConfigError: those of one dataset are more than ``limit_gb``.
        NoSpaceError: the disk does not hold them.
    """
    for part in sources.parts:
        samples = part.training
        if not isinstance(samples, Samples):
            continue
        kept = _open(model, samples, processing, device, limit_gb)
        for one in (part.training, part.validation):
            if one is not None:
                assert isinstance(one, Samples)
                one.features = kept


def _open(
    model: Any, samples: Samples, processing: Processing, device: torch.device, limit_gb: float
) -> np.ndarray:
    dataset = samples.dataset
    shape = (dataset.num_frames, model.feature_size)
    key = hashlib.sha256(f"{model.feature_key} {processing.digest}".encode()).hexdigest()[:16]
    final = dataset.root / ".cache" / f"{dataset.digest[:16]}-features-{key}"
    needed_gb = 4e-9 * shape[0] * shape[1]
    if needed_gb > limit_gb:
        wanted = f"{needed_gb:.3g} or more for {dataset.root}, or 0 to keep none"
        raise ConfigError(expected("train", "feature_cache_gb", limit_gb, wanted))
    if not final.exists():
        _make_room(final.parent, limit_gb - needed_gb)

    def fill(kept: np.ndarray) -> None:
        text = processing.text(samples.tasks)
        for start in range(0, len(kept), BATCH):
            rows = slice(start, start + BATCH)
            images = [
                processing.images(camera, torch.from_numpy(np.array(samples.images[camera][rows])))
                for camera in processing.config.cameras
            ]
            words = text[torch.from_numpy(samples.task[rows])].to(device)
            with torch.inference_mode():
                seen = model.features([image[:, None].to(device) for image in images], words)
            kept[rows] = seen[:, 0].float().cpu().numpy()

    return mapped_array(final, FILE, np.dtype(np.float32), shape, fill)


def _make_room(parent: Path, left_gb: float) -> None:
    """Drop the oldest features of this dataset until no more than ``left_gb`` of them are left."""
    kept = sorted(parent.glob("[0-9a-f]*-features-*"), key=lambda folder: folder.stat().st_mtime)
    sizes = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in kept}
    while sizes and sum(sizes.values()) > left_gb * 1e9:
        folder = next(iter(sizes))
        shutil.rmtree(folder)
        del sizes[folder]
