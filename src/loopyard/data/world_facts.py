"""What a dataset says of its world: our own spec, checked, or what info.json tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError, expected
from loopyard.core.specs import (
    ACTION_KEY,
    IMAGE_PREFIX,
    STATE_KEY,
    CameraSpec,
    Channel,
    VectorSpec,
    WorldSpec,
)
from loopyard.data.layout import OWN_FILE


def world_spec(root: Path, info: dict[str, Any], own: dict[str, Any] | None) -> WorldSpec:
    """The spec of the data's world. Raises DatasetError where two parts disagree."""
    derived = derived_spec(info)
    if own is None:
        return derived
    path = root / OWN_FILE
    try:
        spec = WorldSpec.from_dict(own["world"])
    except (KeyError, TypeError) as error:
        raise DatasetError(expected(str(path), "world", repr(error), "a WorldSpec")) from error
    for name in ("fps", "cameras"):
        if getattr(spec, name) != getattr(derived, name):
            raise DatasetError(
                expected(
                    str(path),
                    f"world.{name}",
                    getattr(spec, name),
                    f"{getattr(derived, name)!r}, as in info.json",
                )
            )
    for name in ("state", "action"):
        found, wanted = getattr(spec, name).size, getattr(derived, name).size
        if found != wanted:
            raise DatasetError(
                expected(
                    str(path), f"world.{name}", f"{found} channels", f"{wanted}, as in info.json"
                )
            )
    return spec


def derived_spec(info: dict[str, Any]) -> WorldSpec:
    """What another's info.json tells of its world; limits of channels are unknown, so [-1, 1]."""
    features = info["features"]

    def vector(key: str) -> VectorSpec:
        if key not in features:  # a world without a state
            return VectorSpec(())
        size = int(features[key]["shape"][0])
        names = features[key].get("names")
        if isinstance(names, dict):
            names = next(iter(names.values()), None)
        if not isinstance(names, list) or len(names) != size:
            names = [f"{key.rsplit('.', 1)[-1]}_{index}" for index in range(size)]
        return VectorSpec(tuple(Channel(str(name)) for name in names))

    def camera(key: str) -> CameraSpec:
        shape = features[key]["shape"]
        height, width = shape[:2] if shape[2] == 3 else shape[1:]
        return CameraSpec(key.removeprefix(IMAGE_PREFIX), width=width, height=height)

    cameras = tuple(
        camera(key)
        for key, part in features.items()
        if part["dtype"] == "video" and key.startswith(IMAGE_PREFIX)
    )
    return WorldSpec(
        world=str(info.get("robot_type") or "unknown"),
        preset="",
        fps=info["fps"],
        max_steps=info["total_frames"],
        task="",
        state=vector(STATE_KEY),
        action=vector(ACTION_KEY),
        cameras=cameras,
    )
