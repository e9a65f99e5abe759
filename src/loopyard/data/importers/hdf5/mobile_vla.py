"""HDF5 of the Mobile VLA form: one file an episode, pictures and velocities, strata in the name."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.audit.strata import name_pattern, strata_in
from loopyard.data.importers.hdf5.file import Hdf5, open_hdf5
from loopyard.data.importers.hdf5.images import ChannelOrder, Pictures
from loopyard.data.importers.hdf5.one_file import OneFileAnEpisode
from loopyard.data.importers.importer import (
    UNLIMITED,
    EpisodeFacts,
    EpisodeRef,
    Frame,
    NoParams,
    Recording,
    unlimited,
)
from loopyard.data.importers.stored import StoredPictures

ACTIONS = ("linear_x", "linear_y", "angular_z")
UNITS = ("1 m/s", "1 m/s", "1 rad/s")
STRATA = "{boxes}box_{orientation}_{side}_{core}_{distance}[_evening]"
TASK = "go round the obstacle on the {side} and reach the cup"


class MobileVlaParams(NoParams):
    """fps: the rate it was recorded at, which the files do not tell. strata: the pattern of file
    names, a field in braces, what may be missing in brackets. task: the instruction, with the
    strata's fields in braces. actions: which of the three velocities; one that never moves cannot
    be scaled. state: nothing was recorded; ``none`` is a channel that is always 0,
    ``previous_action`` the command before, which tempts a policy to repeat it. camera: its name.
    """

    fps: int = Field(default=10, ge=1, le=1000)
    strata: str = STRATA
    task: str = TASK
    actions: tuple[Literal["linear_x", "linear_y", "angular_z"], ...] = Field(ACTIONS, min_length=1)
    state: Literal["none", "previous_action"] = "none"
    camera: str = "ego"
    order: ChannelOrder = "rgb"


class MobileVlaImporter(OneFileAnEpisode):
    """Implements `Importer`: images (T, H, W, 3) uint8, actions (T, 3) and action_event_types (T,),
    which become the phase."""

    name: ClassVar[str] = "mobile-vla"
    wanted: ClassVar[str] = "HDF5 files of Mobile VLA"
    Params: ClassVar[type[MobileVlaParams]] = MobileVlaParams

    def __init__(self, source: Path, params: MobileVlaParams) -> None:
        super().__init__(source)
        self._params = params
        self._pattern = name_pattern(params.strata)

    def open(self, ref: EpisodeRef) -> Recording:
        with open_hdf5(ref.path) as file:
            pictures, _, _ = self._parts(file)
        strata = strata_in(self._pattern, ref.path.stem)
        spec = WorldSpec(
            world="mobile-vla",
            preset="",
            fps=self._params.fps,
            max_steps=1_000_000,
            task="",
            state=self._state_spec(),
            action=self._action_spec(),
            cameras=(pictures.camera,),
        )
        facts = EpisodeFacts(task=_filled(self._params.task, strata), strata=strata)
        return Recording(spec, self._frames(ref.path), facts)

    def _parts(self, file: Hdf5) -> tuple[Pictures, np.ndarray, list[str]]:
        pictures = Pictures(file, "images", self._params.camera, self._params.order)
        actions = file.numbers("actions", columns=len(ACTIONS))
        events = [""] * len(actions)
        if file.has("action_event_types"):
            events = file.texts("action_event_types")
        for name, count in {"images": pictures.count, "action_event_types": len(events)}.items():
            if count != len(actions):
                raise file.error(name, f"{count} frames", f"{len(actions)}, as in actions")
        chosen = [ACTIONS.index(name) for name in self._params.actions]
        return pictures, actions[:, chosen], events

    def _action_spec(self) -> VectorSpec:
        units = dict(zip(ACTIONS, UNITS, strict=True))
        return VectorSpec(
            tuple(
                Channel(name, units[name], -UNLIMITED, UNLIMITED) for name in self._params.actions
            )
        )

    def _state_spec(self) -> VectorSpec:
        if self._params.state == "none":
            return VectorSpec((Channel("none"),))
        return unlimited([f"previous_{name}" for name in self._params.actions])

    def _frames(self, path: Path) -> Generator[Frame, None, None]:
        with open_hdf5(path) as file:
            pictures, actions, events = self._parts(file)
            told = self._params.state == "previous_action"
            state = np.zeros(actions.shape[1] if told else 1, np.float32)
            for number, image in enumerate(pictures):
                images = StoredPictures({pictures.camera.name: image})
                yield Frame(
                    number / self._params.fps,
                    images,
                    state,
                    actions[number],
                    phase=events[number],
                    jpegs=images.jpegs,
                )
                state = actions[number] if told else state


def _filled(task: str, strata: dict[str, str]) -> str:
    """The instruction with this episode's strata in it; a field that it has not stays as it is."""
    for name, value in strata.items():
        task = task.replace(f"{{{name}}}", value)
    return task
