"""Writes the gallery: index.html and its pictures, nothing from a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.scenarios.mode import TIERS
from loopyard.scenarios.registry import Registry
from loopyard.store.atomic import write_bytes, write_text
from loopyard.surface.gallery.shots import VIEWS, Shot
from loopyard.surface.report.wording import plain
from loopyard.surface.templates import page_templates, styles_of

PAGE = "gallery/gallery.html.j2"
STYLES = ("report/style.css", "gallery/gallery.css")
TIER_TEXT = {
    1: "SPS 20 and more: what goes wrong first, and costs most.",
    2: "SPS 5 to 20.",
    3: "SPS below 5: rare, mild, or soon noticed.",
}


def write_gallery(folder: Path, shots: Sequence[Shot], registry: Registry, base: Scenario) -> Path:
    """Writes ``index.html`` and ``images/`` in ``folder``; returns the page's path.

    Raises:
        NoSpaceError: the disk is full.
    """
    for shot in shots:
        for view, picture in shot.pictures.items():
            write_bytes(folder / image_name(shot, view), picture)
    page = folder / "index.html"
    write_text(page, render(shots, registry, base))
    return page


def image_name(shot: Shot, view: str) -> str:
    """Where a picture lies, as the page links it."""
    return f"images/{shot.mode.id}-{view}.jpg"


def render(shots: Sequence[Shot], registry: Registry, base: Scenario) -> str:
    """The page: the modes by tier, the gravest first."""
    environment = page_templates("gallery")
    ordered = sorted(shots, key=lambda shot: (-shot.mode.sps, shot.mode.id))
    return environment.get_template(PAGE).render(
        style=styles_of(environment, STYLES),
        world=base.world,
        preset=base.preset,
        shown=sum(bool(shot.pictures) for shot in shots),
        total=len(registry),
        tiers=[
            (tier, TIER_TEXT[tier], [_card(shot) for shot in ordered if shot.mode.tier == tier])
            for tier in TIERS
        ],
        elsewhere=[mode.id for mode in registry.modes if base.world not in mode.worlds],
    )


def _card(shot: Shot) -> dict[str, Any]:
    mode, scene = shot.mode, shot.scene
    params = scene.scenario.params if scene else {}
    return {
        "id": mode.id,
        "text": mode.text[0].upper() + mode.text[1:],
        "function": mode.function,
        "sps": f"{mode.sps:.1f}",
        "scores": f"{mode.severity} x {mode.occurrence:g} / {mode.difficulty}",
        "expected": mode.behaviour or plain(mode.expected),
        "params": ", ".join(f"{name} {_value(value)}" for name, value in params.items()),
        "seed": scene.seed if scene else None,
        "problem": shot.problem,
        "views": [
            {"file": image_name(shot, view), "name": plain(view), "width": w, "height": h}
            for view, (w, h) in VIEWS.items()
            if view in shot.pictures
        ],
    }


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
