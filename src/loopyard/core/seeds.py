"""Seed ranges that never overlap, and random streams that depend on nothing but their names."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

Split = Literal["train", "select", "gate"]

SEED_RANGES: dict[Split, range] = {
    "train": range(0, 800_000),
    "select": range(800_000, 900_000),
    "gate": range(900_000, 1_000_000),
}
"""Scenes to learn from, to choose a checkpoint on, and to judge it on."""

TRAIN_SEEDS_PER_CAMPAIGN = 20_000
"""A campaign's own stretch of train seeds: 40 campaign seeds before they repeat."""


def split_of(seed: int) -> Split | None:
    """The split a scene seed belongs to, or None outside all of them."""
    return next((split for split, seeds in SEED_RANGES.items() if seed in seeds), None)


def train_seed(campaign_seed: int, index: int) -> int:
    """The scene seed of a campaign's ``index``-th training scene."""
    stretches = len(SEED_RANGES["train"]) // TRAIN_SEEDS_PER_CAMPAIGN
    offset = index % TRAIN_SEEDS_PER_CAMPAIGN
    return (campaign_seed % stretches) * TRAIN_SEEDS_PER_CAMPAIGN + offset


def stream(*names: str | int) -> np.random.Generator:
    """A random generator that is a pure function of its names.

    The same names give the same numbers on any machine and in any order of calls,
    so a scene can be drawn without knowing which scenes were drawn before it.
    """
    text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
