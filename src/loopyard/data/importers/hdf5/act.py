"""HDF5 as ALOHA and ACT record it: one file an episode."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from loopyard.core.specs import VectorSpec, WorldSpec
from loopyard.data.importers.hdf5.file import Hdf5, open_hdf5
from loopyard.data.importers.hdf5.images import ChannelOrder, Pictures
from loopyard.data.importers.hdf5.one_file import OneFileAnEpisode
from loopyard.data.importers.importer import (
    EpisodeFacts,
    EpisodeRef,
    Frame,
    NoParams,
    Recording,
    unlimited,
)
from loopyard.data.importers.stored import StoredPictures
from loopyard.data.importers.words import Words

ARM = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate", "gripper")
BIMANUAL = [f"{side}_{joint}" for side in ("left", "right") for joint in ARM]
"""ALOHA's 14 numbers, in its order."""
BASE = ["base_linear", "base_angular"]
"""Mobile ALOHA's base_action: m/s and rad/s."""
IMAGES = "observations/images"

Vector = Literal["qpos", "qvel", "effort"]


class ActParams(NoParams):
    """fps: the rate it was recorded at, which the files do not tell. task: the instruction.
    state: which of the recorded vectors, in this order. cameras: which of them; none for all.
    order: ``bgr`` where the pictures come out with red and blue swapped.
    """

    fps: int = Field(default=50, ge=1, le=1000)
    task: str = ""
    state: tuple[Vector, ...] = Field(default=("qpos",), min_length=1)
    cameras: Words = ()
    order: ChannelOrder = "rgb"


class ActImporter(OneFileAnEpisode):
    """Implements `Importer`: /observations/images/<camera> raw or as JPEG, qpos, qvel, effort,
    /action and, of a mobile ALOHA, /base_action, which is appended to the action."""

    name: ClassVar[str] = "act"
    wanted: ClassVar[str] = "HDF5 files of ACT"
    Params: ClassVar[type[ActParams]] = ActParams

    def __init__(self, source: Path, params: ActParams) -> None:
        super().__init__(source)
        self._params = params

    def open(self, ref: EpisodeRef) -> Recording:
        with open_hdf5(ref.path) as file:
            state, action = self._numbers(file)
            cameras = tuple(pictures.camera for pictures in self._pictures(file, len(action)))
            simulated = file.attribute("/", "sim")
        spec = WorldSpec(
            world="act",
            preset="",
            fps=self._params.fps,
            max_steps=1_000_000,
            task=self._params.task,
            state=self._state_spec(state.shape[1]),
            action=_action_spec(action.shape[1]),
            cameras=cameras,
        )
        meta = {} if simulated is None else {"sim": bool(simulated)}
        return Recording(spec, self._frames(ref.path), EpisodeFacts(meta=meta))

    def _numbers(self, file: Hdf5) -> tuple[np.ndarray, np.ndarray]:
        """(T, S) states and (T, A) actions, as many of the one as of the other."""
        parts = {name: file.numbers(f"observations/{name}") for name in self._params.state}
        action = {"action": file.numbers("action")}
        if file.has("base_action"):
            action["base_action"] = file.numbers("base_action", columns=len(BASE))
        rows = len(action["action"])
        for name, values in {**parts, **action}.items():
            if len(values) != rows:
                raise file.error(name, f"{len(values)} frames", f"{rows}, as in action")
        return np.hstack(list(parts.values())), np.hstack(list(action.values()))

    def _pictures(self, file: Hdf5, rows: int) -> list[Pictures]:
        found = sorted(file.keys(IMAGES))
        missing = [name for name in self._params.cameras if name not in found]
        if missing or not found:
            raise file.error(IMAGES, found, f"{missing or 'at least one camera'}")
        chosen = [
            Pictures(file, f"{IMAGES}/{name}", name, self._params.order)
            for name in self._params.cameras or found
        ]
        for pictures in chosen:
            if pictures.count != rows:
                name = f"{IMAGES}/{pictures.camera.name}"
                raise file.error(name, f"{pictures.count} frames", f"{rows}, as in action")
        return chosen

    def _state_spec(self, size: int) -> VectorSpec:
        names: list[str] = []
        each = size // len(self._params.state)
        for vector in self._params.state:
            prefix = "" if vector == "qpos" else f"{vector}_"
            joints = BIMANUAL if each == len(BIMANUAL) else [f"qpos_{i}" for i in range(each)]
            names += [f"{prefix}{joint}" for joint in joints]
        return unlimited(names)

    def _frames(self, path: Path) -> Generator[Frame, None, None]:
        with open_hdf5(path) as file:
            state, action = self._numbers(file)
            pictures = self._pictures(file, len(action))
            names = [part.camera.name for part in pictures]
            for number, stored in enumerate(zip(*pictures, strict=True)):
                images = StoredPictures(dict(zip(names, stored, strict=True)))
                yield Frame(
                    time_s=number / self._params.fps,
                    images=images,
                    state=state[number],
                    action=action[number],
                    jpegs=images.jpegs,
                )


def _action_spec(size: int) -> VectorSpec:
    if size in (len(BIMANUAL), len(BIMANUAL) + len(BASE)):
        return unlimited((BIMANUAL + BASE)[:size])
    return unlimited([f"action_{index}" for index in range(size)])
