"""LeRobot's other policies (diffusion, SmolVLA and so on) behind the policy protocol.

LeRobot itself computes: its network, its processors, its checks. It is imported when such a folder
is loaded and not before, and nothing is downloaded unless ``HF_HUB_OFFLINE=0`` asks for it.

A policy that draws noise draws it from a generator seeded by what it sees: the same observations
give the same chunk, in whatever process and beside whichever other drives.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loopyard.core.errors import CheckpointError, expected
from loopyard.core.specs import ACTION_KEY
from loopyard.policies.chunked import Chunking
from loopyard.policies.lerobot_inputs import Inputs, read_inputs
from loopyard.policies.policy import Observation, window_of

IMAGES_STACK, IMAGE_ALONE = "observation.images", "observation.image"
"""What diffusion and VQ-BeT call all pictures as one tensor, and TD-MPC its one picture."""

WEIGHTS_FROM_ELSEWHERE = {"pretrained_backbone_weights": None, "load_vlm_weights": False}
"""Settings that let a network begin from downloaded weights; the folder's own replace them all."""


class LeRobotPolicy(Chunking):
    """A policy of LeRobot's, run by it.

    n_obs_steps: ticks it looks at, this one included. `predict_chunks` takes the earlier ones from
    the observation's ``history``; what is missing there it repeats, as LeRobot does. path: its
    folder. Made by `load_lerobot_policy`.
    """

    def __init__(
        self,
        parts: Parts,
        inputs: Inputs,
        *,
        path: Path,
        n_action_steps: int | None = None,
        temporal_ensemble: float | None = None,
    ):
        self.inputs = inputs
        self.path = path
        self.n_obs_steps = int(getattr(parts.network.config, "n_obs_steps", 1))
        self._parts = parts
        chunk_size = len(self._predict(inputs.blank()))
        own = int(getattr(parts.network.config, "n_action_steps", chunk_size))
        steps = min(own, chunk_size) if n_action_steps is None else n_action_steps
        super().__init__(chunk_size, steps, temporal_ensemble, self.n_obs_steps)

    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        """Raises CheckpointError where an observation is not what the policy was trained on."""
        # One after another: noise drawn for a batch would depend on who else is in it.
        made: dict[int, np.ndarray] = {}
        for obs in observations:
            if id(obs) not in made:  # the same one may be there again, to fill up a batch
                made[id(obs)] = self._predict(obs)
        return np.stack([made[id(obs)] for obs in observations])

    @torch.inference_mode()
    def _predict(self, obs: Observation) -> np.ndarray:
        """(K, A) float32 in [-1, 1]."""
        batches = [self.inputs.batch(one) for one in window_of(obs, self.n_obs_steps)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(batches))
            chunk = self._chunk([self._parts.before(batch) for batch in batches])
            action = self._parts.after(chunk[0].float())
        found = tuple(action.shape)
        if len(found) != 2 or found[1] != self.inputs.action_size:
            wanted = f"(steps, {self.inputs.action_size})"
            raise CheckpointError(expected(str(self.path), "predicted chunk", found, wanted))
        return action.float().clamp(-1.0, 1.0).cpu().numpy()

    def _chunk(self, batches: list[dict[str, Any]]) -> torch.Tensor:
        """(1, K, A): from its own memory of the last ticks where it keeps one, else from this."""
        network = self._parts.network
        network.reset()
        memory: dict[str, deque[torch.Tensor]] = getattr(network, "_queues", {})
        for batch in batches:
            batch.pop(ACTION_KEY, None)  # the processors leave an empty place for it
            if IMAGES_STACK in memory:
                pictures = [batch[key] for key in network.config.image_features]
                batch[IMAGES_STACK] = torch.stack(pictures, dim=-4)
            if IMAGE_ALONE in memory:
                batch[IMAGE_ALONE] = batch[next(iter(network.config.image_features))]
            for key in memory.keys() & batch.keys():
                memory[key].append(batch[key])
        return network.predict_action_chunk(batches[-1])


@dataclass(frozen=True)
class Parts:
    """What LeRobot makes of a folder. before and after: its processors, as functions."""

    network: Any
    before: Any
    after: Any


def load_lerobot_policy(
    folder: Path, *, n_action_steps: int | None = None, temporal_ensemble: float | None = None
) -> LeRobotPolicy:
    """The policy in a folder that LeRobot wrote (``pretrained_model`` of its training).

    Raises:
        CheckpointError: LeRobot is not installed or does not know the policy; the folder is
            damaged; the policy asks for an input that no world has.
        ConfigError: n_action_steps is more than a chunk holds.
    """
    inputs = read_inputs(folder)
    parts = _load(folder)
    return LeRobotPolicy(
        parts,
        inputs,
        path=folder,
        n_action_steps=n_action_steps,
        temporal_ensemble=temporal_ensemble,
    )


def _load(folder: Path) -> Parts:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when LeRobot is imported
    try:
        from lerobot.configs.policies import (  # pyright: ignore[reportMissingImports]
            PreTrainedConfig,
        )
        from lerobot.policies.factory import (  # pyright: ignore[reportMissingImports]
            get_policy_class,
            make_pre_post_processors,
        )
    except ImportError as error:
        raise CheckpointError(
            expected(
                str(folder),
                "lerobot",
                str(error),
                "LeRobot, which runs this type of policy: pip install 'loopyard[lerobot]'",
            )
        ) from None
    device = {"device_processor": {"device": "cpu"}}
    try:
        config = PreTrainedConfig.from_pretrained(folder)
        config.device = "cpu"
        for name, value in WEIGHTS_FROM_ELSEWHERE.items():
            if hasattr(config, name):
                setattr(config, name, value)
        network = get_policy_class(config.type).from_pretrained(folder, config=config, strict=True)
        before, after = make_pre_post_processors(
            config,
            pretrained_path=str(folder),
            preprocessor_overrides=device,
            postprocessor_overrides=device,
        )
    except Exception as error:  # whatever LeRobot and what it builds on raise
        why = f"{type(error).__name__}: {error}"
        raise CheckpointError(
            expected(str(folder), "policy", why, "one that the installed LeRobot loads")
        ) from error
    return Parts(network.eval(), before, after)


def _seed(batches: list[dict[str, Any]]) -> int:
    content = hashlib.sha256()
    for batch in batches:
        for key, value in sorted(batch.items()):
            content.update(key.encode())
            content.update(
                value.numpy().tobytes() if torch.is_tensor(value) else repr(value).encode()
            )
    return int.from_bytes(content.digest()[:8], "big") >> 1
