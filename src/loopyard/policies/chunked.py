"""Chunking: chunks executed one action a tick. ChunkedPolicy: a network and its processing."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.core.specs import IMAGE_PREFIX, STATE_KEY, TASK_KEY, WorldSpec
from loopyard.policies.config import PolicyConfig
from loopyard.policies.policy import HISTORY_KEY, Observation, window_of
from loopyard.policies.processing import Processing
from loopyard.policies.temporal import TemporalEnsemble

LEAST_KNOWN = 0.5
"""An instruction with fewer known words is in another language, or about something else."""


class PolicyModel(Protocol):
    """What a network offers, besides being a ``torch.nn.Module``."""

    config: PolicyConfig

    def forward(self, images: list[torch.Tensor], state: torch.Tensor) -> torch.Tensor:
        """Normalised images, one (B, 3, h, w) a camera, and state (B, S) -> (B, K, A).

        Images are (B, T, 3, h, w), oldest first, where the config's ``window`` T is above one.

        One whose config ``takes_text`` is given the words' numbers (B, L) as well, after the state;
        in `training_forward` too.
        """
        ...

    def training_forward(
        self,
        images: list[torch.Tensor],
        state: torch.Tensor,
        action: torch.Tensor,
        is_pad: torch.Tensor,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """(prediction (B, K, A), further losses by name)."""
        ...


def draws_random(model: nn.Module) -> bool:
    """Whether the training pass draws random numbers; a network says so by ``random_forward``."""
    return bool(getattr(model, "random_forward", False))


class Chunking(ABC):
    """Predicts a chunk, executes its first ``n_action_steps``, predicts again.

    With ``temporal_ensemble`` (a coefficient, 0.01 in the ACT paper) it predicts at every tick and
    averages. n_obs_steps: ticks it looks at, this one included: `act` remembers the earlier ones,
    and `predict_chunks` takes them from the observation's ``history``.

    Raises (when made):
        ConfigError: n_action_steps is not in 1 to chunk_size.
    """

    def __init__(
        self,
        chunk_size: int,
        n_action_steps: int,
        temporal_ensemble: float | None,
        n_obs_steps: int = 1,
    ):
        if not 1 <= n_action_steps <= chunk_size:
            raise ConfigError(
                expected(
                    "policy", "n_action_steps", n_action_steps, f"1 to {chunk_size} (chunk_size)"
                )
            )
        self.chunk_size = chunk_size
        self.n_action_steps = n_action_steps
        self.temporal_ensemble = temporal_ensemble
        self._ensemble = (
            None if temporal_ensemble is None else TemporalEnsemble(temporal_ensemble, chunk_size)
        )
        self._running: list[np.ndarray] = []
        self.n_obs_steps = n_obs_steps
        self._earlier: deque[Observation] = deque(maxlen=n_obs_steps - 1)

    def reset(self) -> None:
        self._running = []
        self._earlier.clear()
        if self._ensemble is not None:
            self._ensemble.reset()

    def act(self, obs: Observation) -> np.ndarray:
        if not self._earlier.maxlen:
            return self._act(obs)
        action = self._act({**obs, HISTORY_KEY: tuple(self._earlier)})
        self._earlier.append(deepcopy(obs))  # a world may draw into the same array again
        return action

    def _act(self, obs: Observation) -> np.ndarray:
        if self._ensemble is not None:
            return self._ensemble.update(self.predict_chunk(obs))
        if not self._running:
            self._running = list(self.predict_chunk(obs)[: self.n_action_steps])
        return self._running.pop(0)

    def predict_chunk(self, obs: Observation) -> np.ndarray:
        return self.predict_chunks([obs])[0]

    @abstractmethod
    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray: ...


class ChunkedPolicy(Chunking):
    """One of our networks with its processing.

    spec: the world it was trained on, where known. path: its checkpoint folder.
    """

    def __init__(
        self,
        model: nn.Module,
        processing: Processing,
        *,
        n_action_steps: int | None = None,
        temporal_ensemble: float | None = None,
        spec: WorldSpec | None = None,
        path: Path | None = None,
    ):
        config = model.config
        assert isinstance(config, PolicyConfig)
        steps = config.n_action_steps if n_action_steps is None else n_action_steps
        super().__init__(config.chunk_size, steps, temporal_ensemble, config.window)
        self.model = model.eval()
        self.processing = processing
        self.config = config
        self.spec = spec
        self.path = path

    @property
    def device(self) -> torch.device:
        """Where the network computes; processing stays on the processor."""
        return next(self.model.parameters()).device

    def to(self, device: str) -> ChunkedPolicy:
        """The same policy, its network moved to `device` (``cpu``, ``cuda``)."""
        self.model.to(device)
        return self

    @property
    def digest(self) -> str:
        """16 hex digits over weights and processing: what a rollout record names."""
        content = hashlib.sha256(self.processing.digest.encode())
        for name, values in sorted(self.model.state_dict().items()):
            content.update(name.encode() + values.detach().cpu().contiguous().numpy().tobytes())
        return content.hexdigest()[:16]

    @torch.inference_mode()
    def predict_chunks(self, observations: Sequence[Observation]) -> np.ndarray:
        """Raises CheckpointError where an observation is not what the policy was trained on."""
        images = [self._images(camera, observations) for camera in self.config.cameras]
        state = np.stack([self._state(obs) for obs in observations])
        told = [self._text(observations)] if self.config.takes_text else []
        numbers = [self.processing.state(torch.from_numpy(state)), *told]
        device = self.device
        chunk = self.model([part.to(device) for part in images], *(n.to(device) for n in numbers))
        action = self.processing.denormalise_action(chunk.float().cpu())
        return action.clamp_(-1.0, 1.0).numpy()

    def _images(self, camera: str, observations: Sequence[Observation]) -> torch.Tensor:
        key = IMAGE_PREFIX + camera
        seen = [tick for obs in observations for tick in window_of(obs, self.n_obs_steps)]
        for obs in seen:
            image = obs.get(key)
            if image is None:
                raise CheckpointError(expected("policy", key, sorted(obs), "this camera too"))
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise CheckpointError(
                    expected("policy", key, f"{image.shape} {image.dtype}", "(H, W, 3) uint8")
                )
        images = self.processing.images(camera, torch.from_numpy(np.stack([o[key] for o in seen])))
        window = (len(observations), self.n_obs_steps)
        return images.unflatten(0, window) if self.n_obs_steps > 1 else images

    def _text(self, observations: Sequence[Observation]) -> torch.Tensor:
        tasks = [obs.get(TASK_KEY, "") for obs in observations]
        read = [] if "text" in self.processing.config.masked else tasks
        for task in read:
            if not isinstance(task, str) or self.processing.words.known_share(task) < LEAST_KNOWN:
                wanted = f"an instruction of which it knows {LEAST_KNOWN:.0%} of the words"
                raise CheckpointError(expected("policy", TASK_KEY, repr(task), wanted))
        return self.processing.text(tasks)

    def _state(self, obs: Observation) -> np.ndarray:
        size = self.config.state_size
        if size == 0:
            return np.zeros(0, np.float32)
        state = np.asarray(obs.get(STATE_KEY, ()), np.float32)
        if state.shape != (size,):
            raise CheckpointError(expected("policy", STATE_KEY, state.shape, f"shape ({size},)"))
        return state
