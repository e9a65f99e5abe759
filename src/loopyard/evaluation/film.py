"""Films drives for people: the robot's own view beside the bird's, with a caption.

A film is made from the executed actions of a drive, not by asking the policy again: world, scene
and actions give the same drive to the bit, so what is shown is what was counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from loopyard.core.specs import IMAGE_PREFIX, WorldSpec
from loopyard.data.video import VideoSettings, VideoWriter
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.worker import make_scenario_world
from loopyard.worlds.tally import Tally
from loopyard.worlds.world import World, spec_of

VIEWS = ("ego", "birds_eye")
VIEW_PX = 320
CAPTION_PX = 40
FONT_PX = 17
HOLD_S = 1.5
"""The last picture stays this long, so that the end can be read."""

INK, PAPER, MUTED = (240, 240, 236), (24, 26, 29), (150, 154, 160)
SUCCESS, FAILURE = (92, 190, 120), (232, 126, 92)

SETTINGS = VideoSettings(preset="veryfast", crf=23, gop=60, pix_fmt="yuv420p")
"""What browsers and phones play: H.264 with chroma at half resolution."""


@dataclass(frozen=True)
class FilmJob:
    """One drive to film. actions: (T, A) float32 as executed; path: the MP4 to write.

    span_s: from and to which second; None for the whole drive.
    """

    record: RolloutRecord
    actions: np.ndarray
    path: Path
    span_s: tuple[float, float] | None = None


@dataclass(frozen=True)
class Film:
    """A film that was made. faithful: the drive ended as its record says."""

    seed: int
    path: Path
    faithful: bool


class FilmHandler:
    """Films one drive after another; one world is kept."""

    def __init__(self) -> None:
        self._world: Any = None
        self._scenario: Any = None

    def __call__(self, job: FilmJob) -> Film:
        if self._world is None or self._scenario != job.record.scenario:
            self.close()
            self._scenario = job.record.scenario
            self._world = make_scenario_world(self._scenario)
        return film(self._world, job)

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None


film_handler = partial(FilmHandler)
"""A picklable ``make_handler`` for an executor."""


def film(world: World, job: FilmJob) -> Film:
    """Drives `job.actions` once more and writes its MP4; half-written, it has another name.

    Raises:
        WorldError: the world shows no picture.
    """
    spec = spec_of(world)
    record = job.record
    obs, _ = world.reset(seed=record.seed, options={"scenario": record.scenario})
    tally = Tally(spec.fps, int(getattr(world, "max_steps", spec.max_steps)))
    first, last = 0, len(job.actions)
    if job.span_s is not None:
        first, last = (min(max(0, round(at_s * spec.fps)), last) for at_s in job.span_s)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.path.with_suffix(".mp4.tmp")
    writer = VideoWriter(unfinished, len(VIEWS) * VIEW_PX, VIEW_PX + CAPTION_PX, spec.fps, SETTINGS)
    captions = _Captions(record)
    try:
        picture = _views(world, spec, obs)
        for tick, action in enumerate(job.actions):
            if first <= tick < last:
                writer.add(np.vstack([picture, captions.at(tick / spec.fps)]))
            obs, _, terminated, truncated, info = world.step(action)
            tally.add(world, action, terminated=terminated, truncated=truncated, info=info)
            if first <= tick + 1 <= last:
                picture = _views(world, spec, obs)
        ended = last == len(job.actions)
        closing = np.vstack([picture, captions.at(last / spec.fps, ended=ended)])
        for _ in range(max(1, round(HOLD_S * spec.fps))):
            writer.add(closing)
    finally:
        writer.close()
    faithful = tally.outcome().success == record.outcome.success
    unfinished.replace(job.path)
    return Film(record.seed, job.path, faithful)


def _views(world: World, spec: WorldSpec, obs: dict[str, Any]) -> np.ndarray:
    """(VIEW_PX, VIEW_PX x views, 3) uint8."""
    camera_image = getattr(getattr(world, "unwrapped", world), "camera_image", None)
    if camera_image is not None:
        return np.hstack([camera_image(view, VIEW_PX, VIEW_PX) for view in VIEWS])
    keys = [camera.key for camera in spec.cameras]
    chosen = [IMAGE_PREFIX + view if IMAGE_PREFIX + view in keys else None for view in VIEWS]
    others = [key for key in keys if key not in chosen]
    pictures = [_fit(obs[key or (others.pop(0) if others else keys[0])]) for key in chosen]
    return np.hstack(pictures)


def _fit(image: np.ndarray) -> np.ndarray:
    """Scaled into a square of VIEW_PX with its own proportions kept."""
    height, width = image.shape[:2]
    scale = VIEW_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = Image.new("RGB", (VIEW_PX, VIEW_PX), PAPER)
    picture = Image.fromarray(image).resize(size, Image.Resampling.NEAREST)
    canvas.paste(picture, ((VIEW_PX - size[0]) // 2, (VIEW_PX - size[1]) // 2))
    return np.asarray(canvas)


class _Captions:
    """The strip below the views: scene and time, and how it ended."""

    def __init__(self, record: RolloutRecord) -> None:
        self._font = ImageFont.load_default(FONT_PX)
        self._scene = f"scene {record.seed:,}".replace(",", " ")
        self._mode = record.scenario.mode or record.scenario.preset
        self._success = record.outcome.success
        self._end = record.outcome.reason.replace("_", " ")

    def at(self, seconds: float, *, ended: bool = False) -> np.ndarray:
        """(CAPTION_PX, width, 3) uint8."""
        width, middle = len(VIEWS) * VIEW_PX, CAPTION_PX // 2
        strip = Image.new("RGB", (width, CAPTION_PX), PAPER)
        draw = ImageDraw.Draw(strip)
        draw.text((14, middle), self._scene, INK, self._font, anchor="lm")
        draw.text((VIEW_PX, middle), self._mode, MUTED, self._font, anchor="mm")
        draw.text((width - 14, middle), f"{seconds:.1f} s", INK, self._font, anchor="rm")
        if ended:
            colour = SUCCESS if self._success else FAILURE
            draw.rectangle((0, 0, width, 3), colour)
            draw.text((width - 90, middle), self._end, colour, self._font, anchor="rm")
        return np.asarray(strip)


def choose(records: Sequence[RolloutRecord], count: int) -> list[RolloutRecord]:
    """Which drives to film: failures and successes in turn, a failure of each kind first."""
    failures: dict[str, list[RolloutRecord]] = {}
    for record in records:
        if not record.outcome.success:
            failures.setdefault(record.outcome.reason, []).append(record)
    kinds = list(failures.values())
    rounds = max(map(len, kinds), default=0)
    failed = [kind[turn] for turn in range(rounds) for kind in kinds if turn < len(kind)]
    succeeded = [record for record in records if record.outcome.success]
    wanted_failures = min(len(failed), max(count // 2, count - len(succeeded)))
    return failed[:wanted_failures] + succeeded[: count - wanted_failures]
