"""Pairs of drives: one scene, two instructions, and what the policy made of each."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from loopyard.core.specs import TASK_KEY
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.suite_folder import trace_path
from loopyard.evaluation.trace import read_trace
from loopyard.evaluation.vla.proof import Proof
from loopyard.evaluation.vla.prove import POLICY
from loopyard.evaluation.worker import make_scenario_world
from loopyard.worlds.world import World, spec_of

PAIRS = 4
MOMENTS = 5
WIDTH = 220
"""Pixels of a picture."""
JPEG_QUALITY = 82
VIEW = "birds_eye"


def swap_sheet(proof: Proof) -> list[dict[str, Any]]:
    """Pairs, those with a failure first: ``seed`` and two ``drives``, each with ``task``, ``end``,
    ``success`` and ``pictures``."""
    both = list(zip(proof.records, proof.swapped, strict=True))
    failed = [pair for pair in both if not all(one.outcome.success for one in pair)]
    obeyed = [pair for pair in both if pair not in failed]
    shown = failed[: PAIRS // 2] + obeyed + failed[PAIRS // 2 :]
    world = make_scenario_world(proof.records[0].scenario)
    try:
        return [
            {
                "seed": pair[0].seed,
                "drives": [_drive(world, record, proof.asked.rollouts) for record in pair],
            }
            for pair in shown[:PAIRS]
        ]
    finally:
        world.close()


def _drive(world: World, record: RolloutRecord, rollouts: Path) -> dict[str, Any]:
    """A drive once more, from its actions, looked at in a few moments."""
    actions = read_trace(trace_path(rollouts, POLICY, record)).actions
    obs, _ = world.reset(seed=record.seed, options={"scenario": record.scenario})
    task = str(obs.get(TASK_KEY, ""))
    wanted = set(np.linspace(0, len(actions), MOMENTS).round().astype(int).tolist())
    pictures = []
    for tick in range(len(actions) + 1):
        if tick in wanted:
            pictures.append(_data_url(_picture(world, obs)))
        if tick < len(actions):
            obs, *_ = world.step(actions[tick])
    return {
        "task": task,
        "end": record.outcome.reason,
        "success": record.outcome.success,
        "seconds": record.outcome.seconds,
        "pictures": pictures,
    }


def _picture(world: World, obs: dict[str, Any]) -> np.ndarray:
    """From above where the world can show that, else what its first camera saw."""
    camera_image = getattr(getattr(world, "unwrapped", world), "camera_image", None)
    if camera_image is not None:
        return camera_image(VIEW, 2 * WIDTH, 2 * WIDTH)
    return obs[spec_of(world).cameras[0].key]


def _data_url(image: np.ndarray) -> str:
    picture = Image.fromarray(image)
    picture = picture.resize((WIDTH, WIDTH * picture.height // picture.width))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
