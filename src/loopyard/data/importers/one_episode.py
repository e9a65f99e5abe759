"""One episode of a source into one slot of a dataset; what a worker of an import does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.outcome import Outcome
from loopyard.core.specs import STATE_KEY, CameraSpec, WorldSpec
from loopyard.data.episode import EpisodeRow
from loopyard.data.importers.importer import EpisodeRef, Frame, Recording
from loopyard.data.importers.registry import make_importer
from loopyard.data.importers.transform import Transform
from loopyard.data.recorder import EpisodeRecorder
from loopyard.data.video import VideoSettings, video_facts
from loopyard.data.yuv import JpegUnpacker, YuvPicture

GAP_STEPS = 1.5
"""Frames further apart than this many ticks have a gap between them."""
RATE_SLACK = 0.02
"""A rate within this share of the declared one is that rate."""
IDLE = 0.05
"""An action channel under this is at rest, as in Outcome."""


@dataclass(frozen=True)
class Plan:
    """What every episode of one import has in common. spec: after the transform."""

    importer: str
    source: Path
    params: dict[str, Any]
    transform: Transform
    out: Path
    spec: WorldSpec
    recorded_spec: WorldSpec
    video: VideoSettings
    chunk_size: int


class EpisodeImport:
    """Imports episodes of one plan; its importer is made once and kept."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._importer = make_importer(plan.importer, plan.source, plan.params)
        self._jpegs = JpegUnpacker()

    def __call__(self, job: tuple[int, EpisodeRef]) -> tuple[EpisodeRow, list[str]]:
        """Import one episode; durable when this returns. Gives its row, and notes on it.

        Raises:
            DatasetError: it is damaged, or unlike the first one.
        """
        slot, ref = job
        recording = self._importer.open(ref)
        self._require_same(recording, ref)
        recorder = EpisodeRecorder(
            self._plan.out, slot, self._plan.spec, self._plan.video, self._plan.chunk_size
        )
        try:
            return self._record(recording, ref, recorder)
        except ConfigError as error:
            raise DatasetError(f"{ref.name}: {error}") from error
        finally:
            recorder.discard()  # nothing is left of it where it was committed

    def _require_same(self, recording: Recording, ref: EpisodeRef) -> None:
        found, wanted = recording.spec, self._plan.recorded_spec
        for part in fields(WorldSpec):
            value, first = getattr(found, part.name), getattr(wanted, part.name)
            if value != first:
                raise DatasetError(
                    expected(ref.name, part.name, value, f"{first}, as in the first episode")
                )
        if not self._plan.transform.fps and recording.chunk_size != self._plan.chunk_size:
            raise DatasetError(
                expected(ref.name, "chunk_size", recording.chunk_size, self._plan.chunk_size)
            )

    def _record(
        self, recording: Recording, ref: EpisodeRef, recorder: EpisodeRecorder
    ) -> tuple[EpisodeRow, list[str]]:
        plan, beat, idle = self._plan, _Beat(), 0
        copied = self._copied(recording, ref, recorder)
        with closing(_watched(recording.frames, beat)) as frames:
            for frame in plan.transform.stream(frames, ref.name):
                idle += bool((np.abs(frame.action) < IDLE).all())
                self._add(frame, ref, recorder)
        length = recorder.length
        if not length:
            wanted = f"more than the {plan.transform.skip} that --skip drops"
            raise DatasetError(expected(ref.name, "frames", beat.frames, wanted))
        for path in copied:
            if video_facts(path).frames != length:
                raise DatasetError(expected(str(path), "frames", video_facts(path).frames, length))
        facts = recording.facts
        meta = dict(facts.meta)
        if ref.slot is None:  # one that tells its slot is our own, and comes back as it was
            meta.setdefault("name", ref.name)
        meta |= {"task": facts.task} if facts.task is not None else {}
        meta |= {"strata": facts.strata} if facts.strata else {}
        notes = [] if plan.transform.fps else beat.notes(recording.spec.fps)
        outcome = facts.outcome or _outcome(facts.success, idle / length)
        if facts.outcome is None or plan.transform.skip or plan.transform.fps:
            outcome = replace(outcome, steps=length, seconds=length / plan.spec.fps)
        kept = facts.rejected is None
        if facts.rejected is not None:
            outcome = replace(outcome, success=False, progress=0.0, reason=facts.rejected)
            notes.append(f"set apart: {facts.rejected}")
        row = recorder.commit(
            facts.seed, facts.scenario, outcome, facts.source, kept=kept, meta=meta
        )
        return row, [*notes, *facts.notes]

    def _copied(
        self, recording: Recording, ref: EpisodeRef, recorder: EpisodeRecorder
    ) -> list[Path]:
        """Where files are taken over as they are: those files."""
        if recording.videos is None or not self._plan.transform.keeps_images:
            return []
        if recording.videos.settings != self._plan.video:
            raise DatasetError(
                expected(
                    ref.name,
                    "video",
                    recording.videos.settings,
                    f"{self._plan.video!r}, as in the first episode",
                )
            )
        for camera, path in recording.videos.files.items():
            recorder.take_video(camera, path)
        return list(recording.videos.files.values())

    def _add(self, frame: Frame, ref: EpisodeRef, recorder: EpisodeRecorder) -> None:
        obs: dict[str, Any] = {STATE_KEY: frame.state}
        for camera in self._plan.spec.cameras:
            if camera.name not in frame.images:
                raise DatasetError(expected(ref.name, "cameras", sorted(frame.images), camera.name))
            obs[camera.key] = self._picture(frame, camera)
        executed = frame.action if frame.executed is None else frame.executed
        try:
            recorder.add(obs, frame.action, executed, frame.phase, frame.chunk)
        except DatasetError as error:
            raise DatasetError(f"{ref.name}: frame {recorder.length}: {error}") from None

    def _picture(self, frame: Frame, camera: CameraSpec) -> np.ndarray | YuvPicture:
        """As YUV where it is stored so, which saves making RGB of it and YUV again."""
        data = frame.jpegs.get(camera.name)
        unpacked = self._jpegs.unpack(data) if data else None
        return frame.images[camera.name] if unpacked is None else unpacked


class _Beat:
    """Watches the times that frames tell."""

    def __init__(self) -> None:
        self.frames = 0
        self.first_s = self.last_s = self.largest_s = 0.0

    def see(self, time_s: float) -> None:
        if self.frames:
            self.largest_s = max(self.largest_s, time_s - self.last_s)
        else:
            self.first_s = time_s
        self.frames, self.last_s = self.frames + 1, time_s

    def notes(self, fps: int) -> list[str]:
        """What does not fit a steady rate of ``fps``."""
        seconds = self.last_s - self.first_s
        if self.frames < 2:
            return []
        if not abs(seconds * fps - (self.frames - 1)) <= RATE_SLACK * (self.frames - 1):
            return [f"recorded at another rate than its {fps} fps; --fps resamples"]
        if self.largest_s * fps > GAP_STEPS:
            return ["gaps in time; --fps resamples"]
        return []


def _watched(frames: Generator[Frame, None, None], beat: _Beat) -> Generator[Frame, None, None]:
    with closing(frames):
        for frame in frames:
            beat.see(frame.time_s)
            yield frame


def _outcome(success: bool | None, idle_share: float) -> Outcome:
    """What can be said of a recording that tells little; a demonstration is taken for a success."""
    return Outcome(
        success=success is not False,
        progress=float(success is not False),
        steps=0,
        seconds=0.0,
        reason={True: "success", False: "unknown", None: "not told"}[success],
        idle_share=idle_share,
    )
