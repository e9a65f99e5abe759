"""Films drives for people: the robot's own view beside the bird's, with a caption.

A film is made from the executed actions of a drive, not by asking the policy again: world, scene
and actions give the same drive to the bit, so what is shown is what was counted. Physics is run for
every tick, and only what is shown is drawn: pictures for people cost a hundred times as much.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from loopyard.core.clock import Stopwatch
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import IMAGE_PREFIX, WorldSpec
from loopyard.data.video import VideoSettings, VideoWriter
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.worker import make_scenario_world
from loopyard.worlds.world import World, spec_of

VIEWS = ("ego", "birds_eye")
VIEW_PX = 320
CAPTION_PX = 40
FONT_PX = 17
MOST_PICTURES = 300
"""A longer drive has fewer pictures a second, down to LEAST_FPS, and is then shown faster. Where it
has fewer, they are drawn without shadows if the world can do that."""
LEAST_FPS = 10
MOMENT = 8
"""Pictures that are drawn to find out what a film costs."""
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


@dataclass(frozen=True)
class Pace:
    """every: ticks from one picture to the next. fps: of the film, whole. speed: how many times
    faster than it was driven."""

    every: int
    fps: int
    speed: float


def pace_of(ticks: int, fps: int) -> Pace:
    """The pace at which so many ticks at ``fps`` a second make at most MOST_PICTURES."""
    every = max(1, math.ceil(ticks / MOST_PICTURES))
    shown_fps = max(round(fps / every), min(fps, LEAST_FPS))
    return Pace(every, shown_fps, shown_fps * every / fps)


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


def film(world: World, job: FilmJob, pace: Pace | None = None) -> Film:
    """Drives `job.actions` once more and writes its MP4; half-written, it has another name.

    pace: None for the one that suits the length.

    Raises:
        WorldError: the world shows no picture.
    """
    spec, record = spec_of(world), job.record
    replay = _Replay(world, record)
    first, last = 0, len(job.actions)
    if job.span_s is not None:
        first, last = (min(max(0, round(at_s * spec.fps)), last) for at_s in job.span_s)
    pace = pace or pace_of(last - first, spec.fps)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.path.with_suffix(".mp4.tmp")
    writer = VideoWriter(unfinished, len(VIEWS) * VIEW_PX, VIEW_PX + CAPTION_PX, pace.fps, SETTINGS)
    captions = _Captions(record, pace.speed)

    def picture(tick: int, *, ended: bool = False) -> np.ndarray:
        views = _views(world, spec, replay.obs, even=pace.every > 1)
        return np.vstack([views, captions.at(tick / spec.fps, ended=ended)])

    try:
        for tick, action in enumerate(job.actions[:last]):
            if tick >= first and (tick - first) % pace.every == 0:
                writer.add(picture(tick))
            replay.step(action, final=tick + 1 == len(job.actions))
        closing = picture(last, ended=last == len(job.actions))
        for _ in range(max(1, round(HOLD_S * pace.fps))):
            writer.add(closing)
    finally:
        writer.close()
    for tick, action in enumerate(job.actions[last:], last):
        replay.step(action, final=tick + 1 == len(job.actions))
    unfinished.replace(job.path)
    return Film(record.seed, job.path, replay.success == record.outcome.success)


def film_cost_s(scenario: Scenario, seed: int) -> float:
    """Seconds that the film of a drive to the time limit takes, found by filming a moment of it."""
    world = make_scenario_world(scenario)
    try:
        spec = spec_of(world)
        ticks = int(getattr(world, "max_steps", spec.max_steps))
        pace = pace_of(ticks, spec.fps)
        record = RolloutRecord(seed, scenario, Outcome(False, 0.0, 0, 0.0, "timeout"))
        still = np.zeros((MOMENT * pace.every, spec.action.size), np.float32)
        with tempfile.TemporaryDirectory() as folder:
            job = FilmJob(record, still, Path(folder) / "moment.mp4")
            film(world, job, pace)  # builds what is built once
            watch = Stopwatch()
            film(world, job, pace)
            moment_s = watch.seconds()
    finally:
        world.close()
    return moment_s * ticks / len(still)


class _Replay:
    """A drive once more. obs: what its world shows, of this moment where it draws no pictures on
    demand. success: after the last action, and False where the drive was over before it."""

    def __init__(self, world: World, record: RolloutRecord) -> None:
        self._world = world
        self.obs, _ = world.reset(seed=record.seed, options={"scenario": record.scenario})
        own = getattr(world, "unwrapped", world)
        self._blind = getattr(own, "step_blind", None) if hasattr(own, "camera_image") else None
        self._over = self.success = False

    def step(self, action: np.ndarray, *, final: bool) -> None:
        if self._blind is not None and not final:
            self._over |= bool(self._blind(action))
            return
        self.obs, _, terminated, truncated, info = self._world.step(action)
        self.success = bool(info.get("success", False)) and not self._over
        self._over |= terminated or truncated


def _views(world: World, spec: WorldSpec, obs: dict[str, Any], *, even: bool) -> np.ndarray:
    """(VIEW_PX, VIEW_PX x views, 3) uint8."""
    camera_image = getattr(getattr(world, "unwrapped", world), "camera_image", None)
    if camera_image is not None:
        look = {"even": True} if even and "even" in signature(camera_image).parameters else {}
        return np.hstack([camera_image(view, VIEW_PX, VIEW_PX, **look) for view in VIEWS])
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
    """The strip below the views: scene and time, and how it ended. speed: times as fast."""

    def __init__(self, record: RolloutRecord, speed: float) -> None:
        self._font = ImageFont.load_default(FONT_PX)
        self._scene = f"scene {record.seed:,}".replace(",", " ")
        self._mode = record.scenario.mode or record.scenario.preset
        if speed > 1.0:
            self._mode += f", {speed:.2g} times as fast"
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
