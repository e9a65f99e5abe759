"""An ``act`` checkpoint as a folder that is LeRobot's alone, or the reason why it cannot be one.

Every ``act`` checkpoint holds LeRobot's files already. What this adds is the promise that LeRobot
computes the same from the same observation, and a folder without what only Loopyard reads.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file

from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.policies import lerobot
from loopyard.policies.checkpoint import CONFIG, WEIGHTS, Checkpoint, load_checkpoint
from loopyard.store.atomic import staged_folder


def export_policy(source: Path, out: Path) -> Checkpoint:
    """Write the checkpoint at `source` to `out`, for ``ACTPolicy.from_pretrained``.

    Raises:
        CheckpointError: it is damaged, or LeRobot has nothing that computes the same.
        ConfigError: there is something at `out`.
    """
    checkpoint = load_checkpoint(source)
    where = str(checkpoint.path)
    if checkpoint.config.type != "act":
        raise CheckpointError(
            expected(
                where,
                "type",
                checkpoint.config.type,
                "'act': the other networks are Loopyard's own and LeRobot has none of their form",
            )
        )
    _require_unscaled(checkpoint)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(expected(str(out), "out", "something there", "a new or empty folder"))
    weights = checkpoint.model().state_dict()
    config = lerobot.config_dict(checkpoint.config, checkpoint.processing)
    with staged_folder(out) as staging:
        (staging / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        named = {lerobot.PREFIX + name: values.contiguous() for name, values in weights.items()}
        save_file(named, staging / WEIGHTS)
        lerobot.write_processors(staging, checkpoint.config, checkpoint.processing)
    return checkpoint


def _require_unscaled(checkpoint: Checkpoint) -> None:
    """LeRobot's ACT takes a camera's picture as it comes; ours scales it to `image_size` first."""
    if checkpoint.spec is None:
        return
    height, width = checkpoint.config.image_size
    for camera in checkpoint.spec.cameras:
        if camera.name not in checkpoint.config.cameras:
            continue
        if (camera.height, camera.width) != (height, width):
            raise CheckpointError(
                expected(
                    str(checkpoint.path),
                    camera.key,
                    f"{camera.height} x {camera.width}, scaled to {height} x {width} inside",
                    "a policy trained at its cameras' own size: LeRobot's ACT scales nothing",
                )
            )
