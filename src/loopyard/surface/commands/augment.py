"""Make a changed copy of a dataset: mirrored, at another speed, or pushed off its heading.

Train on the copy beside the original (loopyard train takes several datasets). What the channels of
your robot mean is asked, never guessed. With --sheet and no OUT it only draws what each
augmentation does, those of training's image batches too.

Example: loopyard augment data/starter data/mirrored --mirror --lateral y sin_yaw steering
Example: loopyard augment data/starter --sheet sheet.png --speed 0.8 --velocity steering throttle
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.data.augment.recipe import Recipe


@dataclass(frozen=True)
class Options:
    """From where, to where, and what changes; channels by name, of state and action."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """folder of a dataset"""
    out: Annotated[Path | None, tyro.conf.Positional] = None
    """folder of the copy to make; run again to go on"""
    sheet: Path | None = None
    """picture to draw, such as sheet.png"""
    mirror: bool = False
    """exchange left and right, in pictures, channels and instruction"""
    lateral: tuple[str, ...] = ()
    """for mirror: channels that change sign, or none"""
    speed: float = 1.0
    """times the recorded pace, where the limits of the channels allow"""
    warp: float = 0.0
    """pace that changes over time, within 1/(1+warp) and 1+warp"""
    velocity: tuple[str, ...] = ()
    """for speed and warp: channels that are velocities, or none"""
    perturb_deg: float = 0.0
    """heading off by about so much, with labels that steer back"""
    recover_s: float = 1.0
    """for perturb-deg: time those labels take"""
    steering: str = ""
    """for perturb-deg: the action channel that turns"""
    steering_radps: float = 0.0
    """for perturb-deg: rad/s of 1 of it; negative where 1 turns right"""
    heading: tuple[str, ...] = ()
    """for perturb-deg: state channel of the heading, or its cosine and sine, or none"""
    heading_rad: float = 3.141592653589793
    """rad of 1 of a single heading channel"""
    fov_deg: dict[str, float] = field(default_factory=dict)
    """for perturb-deg: each camera and its horizontal angle; each turns with the robot"""
    seed: int = 0
    """of what is drawn"""


def run(options: Options, console: Console) -> int:
    """Draws the sheet, makes the copy, or both."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.data.augment.copying import augmented_copy
    from loopyard.data.augment.sheet import draw_sheet
    from loopyard.data.dataset import open_dataset

    if options.out is None and options.sheet is None:
        raise ConfigError(expected("augment", "OUT, --sheet", "neither", "one of them"))
    recipe = _recipe(options)
    dataset = open_dataset(options.dataset)
    answer: dict[str, Any] = {"recipe": recipe.model_dump(mode="json")}
    said = []
    if options.sheet is not None:
        draw_sheet(dataset, options.sheet, recipe=recipe)
        answer["sheet"] = str(options.sheet)
        said.append(f"contact sheet: {options.sheet}")
    if options.out is not None:
        with console.progress(dataset.num_episodes, "episodes", "augment") as progress:
            copy = augmented_copy(dataset, options.out, recipe, lambda _: progress.advance())
        instructions = sorted({entry.task for entry in copy.episodes})
        answer |= {
            "out": str(options.out),
            "episodes": copy.num_episodes,
            "frames": copy.num_frames,
            "instructions": instructions,
            "digest": copy.digest,
        }
        said.append(f"{copy.num_episodes} episodes, {copy.num_frames} frames in {options.out}")
        said += [f"instruction: {text}" for text in instructions[:5] if text]
    console.result(answer, "\n".join(said))
    return 0


def _recipe(options: Options) -> Recipe:
    from loopyard.data.augment.recipe import Recipe
    from loopyard.policies.config import validated

    known = {name: getattr(options, name) for name in Recipe.model_fields}
    return validated(Recipe, "augment", known)
