"""One page with two pictures of each failure mode: what the robot sees, and the view from above.

It opens offline. Ends with exit code 1 where a mode has no room in this world.

Example: loopyard scenarios gallery --out runs/gallery
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import BaseOptions


@dataclass(frozen=True)
class Options(BaseOptions):
    """Of what, and where to."""

    out: Path
    """the folder to write index.html and its pictures in"""


def run(options: Options, console: Console) -> int:
    """Writes the page."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.surface.gallery.build import write_gallery
    from loopyard.surface.gallery.shots import take_shots

    registry, base = options.open(), options.base()
    staged = registry.of_world(base.world)
    if not staged:
        wanted = f"at least one with a recipe for '{base.world}'"
        raise ConfigError(expected("gallery", "modes", 0, wanted))
    shots = []
    with console.progress(len(staged), "modes", "gallery") as progress:
        for shot in take_shots(registry, base):
            shots.append(shot)
            progress.advance(1, note=shot.mode.id)
    page = write_gallery(options.out, shots, registry, base)
    missing = {shot.mode.id: shot.problem for shot in shots if shot.problem}
    for id, problem in missing.items():
        console.warn(f"{id}: {problem}")
    shown = len(shots) - len(missing)
    console.result(
        {"page": str(page), "shown": shown, "of": len(registry), "missing": missing},
        f"{shown} of {len(registry)} modes: {page}",
    )
    return int(bool(missing))
