"""How good a network is on the episodes that are held out: its loss, and figures with units."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from loopyard.training.batches import Batch
from loopyard.training.held_out import Errors, figures
from loopyard.training.setup import Setup

Piece = tuple[int, np.ndarray]
"""Frames of one of the sources that hold something out."""
Judge = Callable[[Batch], tuple[float, torch.Tensor]]
"""Loss of a batch, and what is predicted, (B, K, A) normalised."""
Map = Callable[
    [Callable[[Piece], tuple[float, Errors]], Iterable[Piece]], list[tuple[float, Errors]]
]


def validated(
    setup: Setup, judge: Judge, weights: torch.Tensor, map: Map, size: int
) -> tuple[float | None, dict[str, float]]:
    """Loss and `loopyard.training.held_out.figures` on the held-out frames; (None, {}) without any.

    At most ``validation_frames`` of them, evenly taken. weights: of the steps of a chunk. size:
    frames that are judged at a time.
    """
    sources, held_out = setup.holding_out(), setup.validation()
    if not held_out:
        return None, {}
    maker, undo = setup.batches(held_out), setup.processing.denormalise_action
    channels = setup.sources.spec.action.channels
    pieces: list[Piece] = []
    for source, samples in enumerate(held_out):
        every = max(1, len(samples.usable) * len(held_out) // setup.config.validation_frames)
        frames = samples.usable[::every]
        pieces += [(source, frames[start : start + size]) for start in range(0, len(frames), size)]

    def judged(piece: Piece) -> tuple[float, Errors]:
        batch = maker.plain(*piece).to(setup.device)
        loss, predicted = judge(batch)
        vectors = undo(predicted.cpu()), undo(batch.action.cpu())
        errors = Errors.of(*vectors, batch.is_pad, weights, channels)
        return loss * len(batch.state), errors

    found = map(judged, pieces)
    value = sum(loss for loss, _ in found) / sum(len(frames) for _, frames in pieces)
    strata = [told for source, frames in pieces for told in sources[source].strata_of(frames)]
    return value, figures(Errors.joined(errors for _, errors in found), channels, strata)
