"""Policies that cost what trained ones do."""

from __future__ import annotations

import numpy as np
import torch

from loopyard.policies.catalogue import make_config, make_model
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.config import features_of
from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of
from loopyard.policies.words import vocabulary_of
from loopyard.worlds.world import World, spec_of

SEEDS = range(900_000, 900_020)


def untrained(kind: str, world: World) -> ChunkedPolicy:
    """A network with fresh weights, for all that this world shows and takes."""
    spec = spec_of(world)
    seen = [world.reset(seed=seed)[0] for seed in SEEDS]
    images = {camera.name: np.stack([obs[camera.key] for obs in seen]) for camera in spec.cameras}
    size = next(iter(images.values())).shape[1:3]
    config = make_config(kind, "bench", {"type": kind, **features_of(spec, list(images), size)})
    processing = ProcessingConfig(
        cameras=tuple(images),
        image_size=config.image_size,
        state_names=tuple(spec.state.names),
        action_names=tuple(spec.action.names),
        vocabulary=vocabulary_of(obs["task"] for obs in seen) if config.takes_text else (),
    )
    rng = np.random.default_rng(0)
    state = rng.normal(size=(100, spec.state.size)).astype(np.float32)
    action = rng.uniform(-1, 1, (100, spec.action.size)).astype(np.float32)
    torch.manual_seed(0)
    return ChunkedPolicy(
        make_model(config), Processing(processing, statistics_of(images, state, action))
    )
