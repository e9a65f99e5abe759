"""Read recordings of another system into a dataset: HDF5, bags, MP4, LeRobot of any version.

Example: loopyard import act recordings data/imported --resize 96x96 --params fps 50
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from loopyard.executors.registry import ExecutorName
from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.data.importers import Transform


@dataclass(frozen=True)
class Options:
    """From where, to where, and what is done on the way."""

    format: Annotated[str, tyro.conf.Positional]
    """act, bags, lerobot, mobile-vla, raw, robomimic, auto, or package.module:ClassName of your
    own; docs/bring-your-own-data.md tells of each, and of its params"""
    source: Annotated[Path, tyro.conf.Positional]
    """folder or file that holds the recordings"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder of the dataset to make; run again to go on"""
    episodes: str | None = None
    """some of them, by their place in the listing: 0:50, or 3,7,12"""
    fps: int | None = None
    """bring everything to this rate: images nearest in time, states linear, actions as --actions"""
    actions: Literal["hold", "linear"] = "hold"
    """with --fps: the last action given, or interpolated"""
    skip: int = 0
    """frames to drop at the start of each episode, as they were recorded"""
    crop: str | None = None
    """WxH of the middle, or WxH+LEFT+TOP, in pixels"""
    resize: str | None = None
    """WxH, after the crop"""
    action_scale: str | None = None
    """LOW:HIGH of each action channel, with commas between; they become -1 and 1"""
    params: dict[str, str] = field(default_factory=dict)
    """settings of the form, as name value pairs: --params fps 50 task "fold the shirt\""""
    workers: int = 0
    """processes; 0: one a core"""
    executor: ExecutorName = "local"
    """where they run: local, or ray with the machines of a cluster, which must see both folders"""


def run(options: Options, console: Console) -> int:
    """Import every episode and seal the dataset."""
    from loopyard.core.values import yaml_values
    from loopyard.data.importers import import_recordings
    from loopyard.executors.registry import make_executor
    from loopyard.surface.commands.export import chosen_episodes

    with console.progress(None, "episodes", "import") as progress:
        made = import_recordings(
            options.format,
            options.source,
            options.out,
            make_executor(options.executor, options.workers, shared=options.out),
            params=yaml_values(options.params, "--params"),
            transform=transform_of(options),
            only=chosen_episodes(options.episodes),
            on_start=lambda total, done: progress.update(done, total),
            on_episode=lambda _: progress.advance(),
        )
    dataset = made.dataset
    for note in made.notes:
        console.warn(note)
    facts = {
        "out": str(options.out),
        "episodes": dataset.num_episodes,
        "new_episodes": made.new_episodes,
        "frames": dataset.num_frames,
        "digest": dataset.digest,
        "notes": made.notes,
    }
    console.result(
        facts, f"{dataset.num_episodes} episodes, {dataset.num_frames} frames in {options.out}"
    )
    return 0


def transform_of(options: Options) -> Transform:
    """What the options ask to be done on the way. Raises ConfigError naming the option."""
    from pydantic import ValidationError

    from loopyard.core.errors import ConfigError
    from loopyard.data.importers import Transform

    try:
        return Transform(
            fps=options.fps,
            actions=options.actions,
            skip=options.skip,
            crop=_numbers("--crop", options.crop, r"(\d+)x(\d+)(?:\+(\d+)\+(\d+))?", "WxH[+X+Y]"),
            resize=_numbers("--resize", options.resize, r"(\d+)x(\d+)", "WxH"),
            action_scale=_limits(options.action_scale),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"--{first['loc'][0]}: found {first['input']!r}: {first['msg']}"
        ) from None


def _numbers(flag: str, text: str | None, pattern: str, wanted: str) -> Any:
    from loopyard.core.errors import ConfigError, expected

    if text is None:
        return None
    found = re.fullmatch(pattern, text)
    if found is None:
        raise ConfigError(expected("import", flag, text, wanted))
    return tuple(None if part is None else int(part) for part in found.groups())


def _limits(text: str | None) -> Any:
    from loopyard.core.errors import ConfigError, expected

    if text is None:
        return None
    try:
        return tuple(
            (float(low), float(high)) for low, high in (part.split(":") for part in text.split(","))
        )
    except ValueError:
        raise ConfigError(
            expected("import", "--action-scale", text, "LOW:HIGH,LOW:HIGH,...")
        ) from None
