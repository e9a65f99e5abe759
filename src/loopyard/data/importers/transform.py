"""Transform: what may be done to recordings on their way in, one frame after another.

In this order: the first K frames are dropped, images and numbers are brought to one rate, images
are cropped and then resized, actions are scaled. All of it stands in the dataset's lineage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from loopyard.core.errors import ConfigError, DatasetError, expected
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.importers.importer import Frame
from loopyard.data.importers.resample import resampled

SLACK = 1e-6
"""How far past 1 a scaled action may be: what rounding to float32 does."""


class Transform(BaseModel):
    """What is done to each episode; the default leaves it as it is.

    skip: frames dropped at the start, counted as they were recorded. fps: images are those nearest
    in time to each tick, states are interpolated linearly, actions are held (the last one given) or
    interpolated, as ``actions`` says. crop: (width, height, left, top) in pixels; left and top None
    for the middle. resize: (width, height), antialiased. action_scale: (low, high) of each action
    channel, which become -1 and 1; an action outside them is refused, never clipped unseen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    skip: int = Field(default=0, ge=0)
    fps: int | None = Field(default=None, ge=1, le=1000)
    actions: Literal["hold", "linear"] = "hold"
    crop: tuple[int, int, int | None, int | None] | None = None
    resize: tuple[int, int] | None = None
    action_scale: tuple[tuple[float, float], ...] | None = None

    @property
    def keeps_images(self) -> bool:
        """Whether every recorded image stays, and as it is."""
        return not (self.skip or self.fps or self.crop or self.resize)

    def facts(self) -> dict[str, Any]:
        """As JSON, without what is left as it is."""
        facts = self.model_dump(mode="json", exclude_defaults=True)
        return facts | ({"actions": self.actions} if self.fps else {})

    def spec(self, spec: WorldSpec) -> WorldSpec:
        """What the numbers and cameras mean afterwards.

        Raises:
            ConfigError: the crop does not fit into a camera, or the scale does not fit the action.
        """
        return replace(
            spec,
            fps=self.fps or spec.fps,
            cameras=tuple(self._camera(camera) for camera in spec.cameras),
            action=self._action(spec.action),
        )

    def stream(self, frames: Iterator[Frame], where: str) -> Iterator[Frame]:
        """The frames afterwards, taken as they are asked for. where: named in errors.

        Raises:
            DatasetError: times that do not grow, where they matter; an action outside the limits.
        """
        frames = islice(frames, self.skip, None)
        if self.fps:
            frames = resampled(frames, self.fps, self.actions, where)
        for number, frame in enumerate(frames):
            if self.crop or self.resize:
                images = {name: self._image(image) for name, image in frame.images.items()}
                frame = replace(frame, images=images, jpegs={})
            yield self._scaled(frame, f"{where}: frame {number}") if self.action_scale else frame

    def _camera(self, camera: CameraSpec) -> CameraSpec:
        if self.crop is not None:
            self._box(camera.width, camera.height, camera.name)
            camera = replace(camera, width=self.crop[0], height=self.crop[1])
        if self.resize is not None:
            camera = replace(camera, width=self.resize[0], height=self.resize[1])
        return camera

    def _box(self, width: int, height: int, name: str) -> tuple[int, int, int, int]:
        """left, top, right, bottom of the crop."""
        assert self.crop is not None
        w, h, left, top = self.crop
        left = (width - w) // 2 if left is None else left
        top = (height - h) // 2 if top is None else top
        if min(left, top) < 0 or min(w, h) < 1 or left + w > width or top + h > height:
            found = f"{w}x{h}+{left}+{top}"
            raise ConfigError(
                expected("import", "--crop", found, f"a part of {name}'s {width}x{height}")
            )
        return left, top, left + w, top + h

    def _image(self, image: np.ndarray) -> np.ndarray:
        if self.crop is not None:
            left, top, right, bottom = self._box(image.shape[1], image.shape[0], "the camera")
            image = image[top:bottom, left:right]
        if self.resize is not None and image.shape[1::-1] != self.resize:
            from PIL import Image

            picture = Image.fromarray(np.ascontiguousarray(image))
            image = np.asarray(picture.resize(self.resize, Image.Resampling.BILINEAR))
        return image

    def _action(self, action: VectorSpec) -> VectorSpec:
        if self.action_scale is None:
            return action
        if len(self.action_scale) != action.size:
            raise ConfigError(
                expected(
                    "import",
                    "--action-scale",
                    f"{len(self.action_scale)} limits",
                    f"{action.size}, for {', '.join(action.names)}",
                )
            )
        channels = []
        for channel, (low, high) in zip(action.channels, self.action_scale, strict=True):
            if not low < high:
                raise ConfigError(expected("import", "--action-scale", (low, high), "low < high"))
            middle, half = (low + high) / 2, (high - low) / 2
            unit = f"{half:g} x {channel.unit}" + (f" from {middle:g}" if middle else "")
            channels.append(Channel(channel.name, unit))
        return VectorSpec(tuple(channels))

    def _scaled(self, frame: Frame, where: str) -> Frame:
        executed, chunk = frame.executed, frame.chunk
        return replace(
            frame,
            action=self._unit(frame.action, where),
            executed=None if executed is None else self._unit(executed, where),
            chunk=None if chunk is None else self._unit(chunk, where),
        )

    def _unit(self, values: np.ndarray, where: str) -> np.ndarray:
        low, high = np.array(self.action_scale, np.float64).T
        unit = (np.asarray(values, np.float64) - low) / (high - low) * 2 - 1
        if not (np.abs(unit) <= 1 + SLACK).all():
            raise DatasetError(
                expected(where, "action", values.tolist(), f"within {self.action_scale}")
            )
        return np.clip(unit, -1, 1).astype(np.float32)
