"""HDF5 as robomimic keeps it: many demonstrations in one file."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.data.importers.hdf5.file import PATTERNS, Hdf5, open_hdf5
from loopyard.data.importers.hdf5.images import Pictures
from loopyard.data.importers.hdf5.probe import require_readable
from loopyard.data.importers.importer import (
    EpisodeFacts,
    EpisodeRef,
    Frame,
    NoParams,
    Recording,
    unlimited,
)
from loopyard.data.importers.source import files_of, natural
from loopyard.data.importers.stored import StoredPictures
from loopyard.data.importers.words import Words

PROPRIOCEPTION = re.compile(r"robot\d+_(eef_pos|eef_quat|gripper_qpos)")
"""What robomimic itself learns from by default; the rest may be the simulator's truth."""
ROBOSUITE_FPS = 20


class RobomimicParams(NoParams):
    """fps: only where env_args does not tell control_freq. task: in place of env_args' env_name.
    state: which numbers of obs; none for those of the robot, or all where it has none by those
    names. cameras: which pictures of obs; none for all. mask: only the demonstrations of this
    filter key.
    """

    fps: int | None = Field(default=None, ge=1, le=1000)
    task: str | None = None
    state: Words = ()
    cameras: Words = ()
    mask: str | None = None


class RobomimicImporter:
    """Implements `Importer`: data/demo_<i> with actions and obs, attributes num_samples and
    env_args, filter keys in mask/."""

    name: ClassVar[str] = "robomimic"
    Params: ClassVar[type[RobomimicParams]] = RobomimicParams

    def __init__(self, source: Path, params: RobomimicParams) -> None:
        self._source, self._params = source, params

    def check(self) -> None:
        require_readable(self._files())

    def episodes(self) -> Sequence[EpisodeRef]:
        refs: list[EpisodeRef] = []
        paths = self._files()
        for path in paths:
            prefix = "" if len(paths) == 1 else f"{path.relative_to(self._source).as_posix()}/"
            with open_hdf5(path) as file:
                wanted = self._masked(file)
                demos = [key for key in file.keys("data") if wanted is None or key in wanted]
                if not demos:
                    raise file.error("data", "no demonstration", "demo_0 and so on")
                refs += [
                    EpisodeRef(prefix + demo, path, key=demo) for demo in sorted(demos, key=natural)
                ]
        return refs

    def _masked(self, file: Hdf5) -> set[str] | None:
        if self._params.mask is None:
            return None
        return set(file.texts(f"mask/{self._params.mask}"))

    def _files(self) -> list[Path]:
        return files_of(self._source, PATTERNS, "an HDF5 file of robomimic")

    def open(self, ref: EpisodeRef) -> Recording:
        with open_hdf5(ref.path) as file:
            environment = file.json("data", "env_args")
            _, action, names = self._numbers(file, ref.key)
            cameras = tuple(part.camera for part in self._pictures(file, ref.key, len(action)))
            facts = _facts(file, ref.key)
            told = file.json("data", "loopyard")
        if told:
            spec = self._own_spec(file, told, names, action.shape[1], cameras)
        else:
            spec = WorldSpec(
                world="robomimic",
                preset="",
                fps=self._fps(file, environment),
                max_steps=1_000_000,
                task=self._params.task or str(environment.get("env_name") or ""),
                state=unlimited(names),
                action=VectorSpec(tuple(Channel(f"action_{i}") for i in range(action.shape[1]))),
                cameras=cameras,
            )
        return Recording(spec, self._frames(ref, spec.fps), facts)

    def _own_spec(
        self,
        file: Hdf5,
        told: dict[str, Any],
        state: list[str],
        actions: int,
        cameras: tuple[CameraSpec, ...],
    ) -> WorldSpec:
        """The spec that an export of ours wrote; it must fit what is there."""
        try:
            spec = WorldSpec.from_dict(told["world"])
        except (KeyError, TypeError) as error:
            raise file.error("data@loopyard", repr(error), "a WorldSpec") from error
        found = (len(state), actions, {part.name: part for part in cameras})
        wanted = (spec.state.size, spec.action.size, {part.name: part for part in spec.cameras})
        if found != wanted or not isinstance(spec.fps, int) or not 1 <= spec.fps <= 1000:
            raise file.error("data@loopyard", wanted, f"{found}, as in its arrays")
        return spec

    def _fps(self, file: Hdf5, environment: dict[str, Any]) -> int:
        arguments = environment.get("env_kwargs")
        told = arguments.get("control_freq") if isinstance(arguments, dict) else None
        fps = told if told is not None else (self._params.fps or ROBOSUITE_FPS)
        if not isinstance(fps, int | float) or not 1 <= fps <= 1000:
            raise file.error("data@env_args", fps, "control_freq of 1 to 1000")
        return round(fps)

    def _numbers(self, file: Hdf5, demo: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """(T, S) states, (T, A) actions and the states' names."""
        action = file.numbers(f"data/{demo}/actions")
        told = file.attribute(f"data/{demo}", "num_samples")
        if told is not None and told != len(action):
            raise file.error(f"data/{demo}/actions", f"{len(action)} frames", f"{told} num_samples")
        group = f"data/{demo}/obs"
        found = sorted(file.keys(group))
        vectors = [key for key in found if len(file.shape(f"{group}/{key}")) in (1, 2)]
        own = [key for key in vectors if PROPRIOCEPTION.fullmatch(key)]
        chosen = list(self._params.state) or own or vectors
        if not chosen and not any(_is_picture(file.shape(f"{group}/{key}")) for key in found):
            raise file.error(group, found, "at least one state or picture")
        parts, names = [np.empty((len(action), 0), np.float32)], []
        for key in chosen:
            values = file.numbers(f"{group}/{key}")
            if len(values) != len(action):
                found_rows = f"{len(values)} frames"
                raise file.error(f"{group}/{key}", found_rows, f"{len(action)}, as in actions")
            parts.append(values)
            width = values.shape[1]
            names += [key] if width == 1 else [f"{key}_{index}" for index in range(width)]
        return np.hstack(parts), action, names

    def _pictures(self, file: Hdf5, demo: str, rows: int) -> list[Pictures]:
        group = f"data/{demo}/obs"
        keys = self._params.cameras or [
            key for key in sorted(file.keys(group)) if _is_picture(file.shape(f"{group}/{key}"))
        ]
        chosen = [Pictures(file, f"{group}/{key}", key) for key in keys]
        for part in chosen:
            if part.count != rows:
                name = f"{group}/{part.camera.name}"
                raise file.error(name, f"{part.count} frames", f"{rows}, as in actions")
        return chosen

    def _frames(self, ref: EpisodeRef, fps: int) -> Generator[Frame, None, None]:
        with open_hdf5(ref.path) as file:
            state, action, _ = self._numbers(file, ref.key)
            pictures = self._pictures(file, ref.key, len(action))
            streams = {part.camera.name: iter(part) for part in pictures}
            for number in range(len(action)):
                images = StoredPictures({name: next(stream) for name, stream in streams.items()})
                yield Frame(number / fps, images, state[number], action[number], jpegs=images.jpegs)


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[3] == 3


def _facts(file: Hdf5, demo: str) -> EpisodeFacts:
    """Success is a reward above 0 anywhere, as robomimic's tasks give it; masks that name it."""
    success = None
    if file.has(f"data/{demo}/rewards"):
        success = bool((file.numbers(f"data/{demo}/rewards") > 0).any())
    masks = sorted(file.keys("mask")) if file.has("mask") else []
    within = [name for name in masks if demo in file.texts(f"mask/{name}")]
    task = file.attribute(f"data/{demo}", "task")
    return EpisodeFacts(
        task=None if task is None else str(task),
        success=success,
        meta={"masks": within} if within else {},
    )
