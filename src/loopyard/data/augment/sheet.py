"""The contact sheet: every augmentation on real frames, to look at before training on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from loopyard.data.augment.copying import drive_of, pictures
from loopyard.data.augment.recipe import Augmenter, Recipe
from loopyard.data.augment.settings import Augmentation
from loopyard.data.augment.trajectory import Trajectory
from loopyard.data.dataset import Dataset

COLUMNS = 6
GAP_PX = 4
DPI = 110
NONE = Augmentation(shift_px=0, brightness=0, contrast=0, channel=0, state_noise=0)
SHOWN = {
    "brightness": 0.2,
    "contrast": 0.4,
    "channel": 0.2,
    "noise": 0.1,
    "shift_px": 12,
    "crop": 0.3,
    "rotate_deg": 15,
}
"""More of each than one would train with: a contact sheet is to be seen."""
Pictures = list[np.ndarray]


def draw_sheet(
    dataset: Dataset, path: Path, *, recipe: Recipe | None = None, camera: str | None = None
) -> None:
    """Write a picture of rows (one augmentation each) by frames of one episode.

    Below the images' augmentations stand those of the recipe, alone and one by one: the drive at
    the same ticks, and its labels against time. The kind of file is what the path ends with.

    Raises:
        ConfigError, DatasetError: the recipe or the camera does not fit, or a video is damaged.
    """
    from matplotlib.figure import Figure

    name = camera or dataset.spec.cameras[0].name
    entry = max(dataset.episodes, key=lambda episode: episode.length)
    recorded = drive_of(dataset, entry)
    still = dict.fromkeys((camera.name for camera in dataset.spec.cameras), 0.0)
    ticks = np.linspace(0, len(recorded) - 1, COLUMNS).round().astype(int)

    def strip(drive: Trajectory, focal_px: dict[str, float]) -> Pictures:
        wanted = {int(tick) for tick in ticks}
        key = next(c.key for c in dataset.spec.cameras if c.name == name)
        shown = enumerate(pictures(dataset, entry, drive, focal_px))
        found = {tick: images[key] for tick, images in shown if tick in wanted}
        return [found.get(int(tick), np.full_like(found[0], 255)) for tick in ticks]

    frames = strip(recorded, still)
    rows: list[tuple[str, Pictures]] = [("as recorded", frames)]
    rows += [(f"{name} {most:g}", _varied(frames, {name: most})) for name, most in SHOWN.items()]
    drives = [("as recorded", recorded)]
    for label, part in _single(recipe):
        augmenter = Augmenter(part, dataset.spec, chunks=False)
        drives.append((label, augmenter(recorded, entry.index)))
        rows.append((label, strip(drives[-1][1], augmenter.focal_px)))
    lines = dataset.spec.action.names if len(drives) > 1 else []
    height = 1.3 * len(rows) + (1.3 * len(lines) + 0.8 if lines else 0)
    figure = Figure(figsize=(2 + 1.3 * COLUMNS, height))
    grid = figure.add_gridspec(len(rows) + len(lines), 1)
    grid.update(left=0.2, right=0.99, top=1 - 0.1 / height, hspace=0.06)
    grid.update(bottom=(0.8 if lines else 0.1) / height)
    for row, (label, images) in enumerate(rows):
        _show(figure.add_subplot(grid[row]), images, label)
    for channel, title in enumerate(lines):
        axes = figure.add_subplot(grid[len(rows) + channel])
        handles = _draw_labels(axes, drives, channel, title, dataset.fps)
        if channel == len(lines) - 1:
            axes.set_xlabel("s")
            figure.legend(handles=handles, loc="lower left", ncols=len(drives), frameon=False)
    figure.savefig(path, dpi=DPI)


def _varied(frames: Pictures, amounts: dict[str, float]) -> Pictures:
    """Each frame on its own draw of one augmentation."""
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    changed = NONE.model_copy(update=amounts).images(pixels, torch.Generator().manual_seed(0))
    return list((changed * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


def _single(recipe: Recipe | None) -> list[tuple[str, Recipe]]:
    """The recipe's changes, each as a recipe of its own."""
    if recipe is None:
        return []
    off: dict[str, Any] = {"mirror": False, "speed": 1.0, "warp": 0.0, "perturb_deg": 0.0}
    asked = {name: getattr(recipe, name) for name, none in off.items()}
    return [
        (
            "mirror" if name == "mirror" else f"{name} {value:g}",
            recipe.model_copy(update={**off, name: value}),
        )
        for name, value in asked.items()
        if value != off[name]
    ]


def _show(axes: Any, images: Pictures, label: str) -> None:
    gap = np.full((len(images[0]), GAP_PX, 3), 255, np.uint8)
    parts = [part for image in images for part in (image, gap)]
    axes.imshow(np.hstack(parts[:-1]), interpolation="nearest")
    axes.set_axis_off()
    axes.text(-0.02, 0.5, label, transform=axes.transAxes, ha="right", va="center")


def _draw_labels(
    axes: Any, drives: list[tuple[str, Trajectory]], channel: int, title: str, fps: int
) -> list[Any]:
    lines = []
    for label, drive in drives:
        seconds = np.arange(len(drive)) / fps
        lines += axes.plot(seconds, drive.action[:, channel], lw=1.2, label=label)
    axes.set_ylabel(title, rotation=0, ha="right", va="center")
    axes.grid(visible=True, alpha=0.3)
    return lines
