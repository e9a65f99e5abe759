"""Which frames make which batch (a pure function of seed and step), and the batch itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch

from loopyard.core.errors import ConfigError, expected
from loopyard.core.seeds import stream
from loopyard.data.augment import Augmentation
from loopyard.data.augment.images import shift
from loopyard.policies.processing import Processing
from loopyard.policies.words import PAD, UNKNOWN


class Samples(Protocol):
    """What training asks of a dataset: see `loopyard.data.samples.Samples`.

    images: {camera: (N, H, W, 3) uint8}. state: (N, S) and action: (N, A) float32. tasks: the
    instructions there are, and task (N,) int64 each frame's place among them.
    usable: (M,) int64, the frames that may start a sample. features: (N, F) float32, what a frozen
    backbone says of each frame, where that was computed.
    """

    @property
    def images(self) -> Mapping[str, np.ndarray]: ...
    @property
    def state(self) -> np.ndarray: ...
    @property
    def action(self) -> np.ndarray: ...
    @property
    def usable(self) -> np.ndarray: ...
    @property
    def tasks(self) -> Sequence[str]: ...
    @property
    def task(self) -> np.ndarray: ...
    @property
    def features(self) -> np.ndarray | None: ...

    def before(self, indices: np.ndarray, ticks: int) -> np.ndarray:
        """The frames so many ticks before these, or the first of their episode."""
        ...

    def targets(self, indices: np.ndarray, chunk_size: int) -> tuple[np.ndarray, np.ndarray]:
        """(chunks (B, K, A) float32, is_pad (B, K) bool)."""
        ...


@dataclass(frozen=True)
class Batch:
    """One training batch, normalised. images: one (B, 3, h, w) a camera, (B, T, 3, h, w) of a
    window, or in their place a frozen backbone's features (B, T, F). text: (B, L) numbers of words,
    or None where the network does not read."""

    images: list[torch.Tensor]
    state: torch.Tensor
    action: torch.Tensor
    is_pad: torch.Tensor
    text: torch.Tensor | None = None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What the network is given."""
        told = () if self.text is None else (self.text,)
        return self.images, self.state, *told

    def to(self, device: torch.device) -> Batch:
        return Batch(
            [image.to(device) for image in self.images],
            self.state.to(device),
            self.action.to(device),
            self.is_pad.to(device),
            None if self.text is None else self.text.to(device),
        )

    def pieces(self, count: int) -> list[Batch]:
        """The same samples in ``count`` batches, fewer where there are fewer samples."""
        if count == 1:
            return [self]
        count = min(count, len(self.state))
        whole = (self.state, self.action, self.is_pad, *(() if self.text is None else (self.text,)))
        parts = [torch.tensor_split(tensor, count) for tensor in whole]
        images = zip(*(torch.tensor_split(image, count) for image in self.images), strict=True)
        return [Batch(list(i), *rest) for i, *rest in zip(images, *parts, strict=True)]


class BatchPlan:
    """The frames of step s: each source gives its share, walking through its own permutations.

    Every frame of a source is used once before one is used twice; nothing depends on what was
    asked before, so a resumed run goes on with the very batches it would have had.
    """

    def __init__(
        self, sizes: Sequence[int], batch_size: int, shares: Sequence[float] | None, seed: int
    ):
        if shares is not None and len(shares) != len(sizes):
            raise ConfigError(
                expected(
                    "train", "shares", len(shares), f"one for each of the {len(sizes)} datasets"
                )
            )
        self.sizes = list(sizes)
        self.counts = _split(
            batch_size, list(shares) if shares is not None else [float(size) for size in sizes]
        )
        self.seed = seed
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def rows(self, step: int) -> list[np.ndarray]:
        """For each source, the positions in its ``usable`` that step ``step`` takes."""
        return [self._take(source, step * count, count) for source, count in enumerate(self.counts)]

    def _take(self, source: int, start: int, count: int) -> np.ndarray:
        taken, place = [], start
        while place < start + count:
            epoch, offset = divmod(place, self.sizes[source])
            part = self._order(source, epoch)[offset : offset + start + count - place]
            taken.append(part)
            place += len(part)
        return np.concatenate(taken) if taken else np.zeros(0, np.int64)

    def _order(self, source: int, epoch: int) -> np.ndarray:
        if self._orders.get(source, (-1, None))[0] != epoch:
            rng = stream("batches", self.seed, source, epoch)
            self._orders[source] = (epoch, rng.permutation(self.sizes[source]))
        return self._orders[source][1]


def _split(total: int, shares: list[float]) -> list[int]:
    """``total`` in whole parts by largest remainder."""
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(part) for part in exact]
    rest = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in rest[: total - sum(counts)]:
        counts[i] += 1
    return counts


def split_rows(rows: Sequence[np.ndarray], parts: int) -> list[list[np.ndarray]]:
    """The rows of a step in ``parts`` of equal size, in order; each again one array a source."""
    if parts == 1:
        return [list(rows)]
    ends = np.cumsum([0, *map(len, rows)])
    cuts = np.linspace(0, ends[-1], parts + 1).round().astype(int)
    return [
        [
            row[max(0, low - start) : max(0, high - start)]
            for row, start in zip(rows, ends, strict=False)
        ]
        for low, high in pairwise(cuts)
    ]


class BatchMaker:
    """Gathers, varies and normalises batches from several sources of samples.

    window: ticks that the network looks at. Of a source with ``features`` (N, F) those are taken,
    and no pictures.
    """

    def __init__(
        self, sources: Sequence[Samples], processing: Processing, chunk_size: int, window: int = 1
    ):
        self.sources = list(sources)
        self.processing = processing
        self.chunk_size = chunk_size
        self.window = window
        self.cameras = processing.config.cameras
        self._told: dict[int, torch.Tensor] = {}

    def plain(self, source: int, frames: np.ndarray) -> Batch:
        """These frames of one source as they are, for validation."""
        return self._make([(self.sources[source], frames)], None)

    def varied(self, rows: Sequence[np.ndarray], vary: Variation) -> Batch:
        """The frames at these positions of each source's ``usable``, varied."""
        return self._make(
            [
                (source, source.usable[row])
                for source, row in zip(self.sources, rows, strict=True)
                if len(row)
            ],
            vary,
        )

    def _make(self, parts: list[tuple[Samples, np.ndarray]], vary: Variation | None) -> Batch:
        processing = self.processing
        targets = [source.targets(frames, self.chunk_size) for source, frames in parts]
        action = torch.from_numpy(np.concatenate([chunk for chunk, _ in targets]))
        is_pad = torch.from_numpy(np.concatenate([pad for _, pad in targets]))
        state = processing.state(
            torch.from_numpy(np.concatenate([source.state[frames] for source, frames in parts]))
        )
        text = self._text(parts) if processing.config.vocabulary else None
        return Batch(
            self._images(parts, vary),
            state if vary is None else vary.state(state),
            processing.normalise_action(action),
            is_pad,
            text if text is None or vary is None else vary.text(text),
        )

    def _images(
        self, parts: list[tuple[Samples, np.ndarray]], vary: Variation | None
    ) -> list[torch.Tensor]:
        kept = [
            np.stack([source.features[source.before(frames, back)] for back in self._ticks], axis=1)
            for source, frames in parts
            if source.features is not None
        ]
        if len(kept) == len(parts):
            return [torch.from_numpy(np.concatenate(kept))]
        images = []
        for camera in self.cameras:
            if self.window == 1:
                images.append(self._frames(camera, parts, vary))
                continue
            drawn = None if vary is None else vary.generator.get_state()
            ticks = []
            for back in self._ticks:
                if vary is not None and drawn is not None:
                    vary.generator.set_state(drawn)  # all frames of a window are varied alike
                seen = [(source, source.before(frames, back)) for source, frames in parts]
                ticks.append(self._frames(camera, seen, vary))
            images.append(torch.stack(ticks, dim=1))
        return images

    @property
    def _ticks(self) -> range:
        """How far back each frame of a window is, the oldest first."""
        return range(self.window - 1, -1, -1)

    def _frames(
        self, camera: str, parts: list[tuple[Samples, np.ndarray]], vary: Variation | None
    ) -> torch.Tensor:
        """(B, 3, h, w) normalised."""
        batch = torch.from_numpy(
            np.concatenate([source.images[camera][frames] for source, frames in parts])
        )
        pixels = self.processing.pixels(batch if vary is None else vary.shifted(batch))
        if vary is not None:
            pixels = vary.coloured(pixels)
        return self.processing.normalise_pixels(camera, pixels)

    def _text(self, parts: list[tuple[Samples, np.ndarray]]) -> torch.Tensor:
        told = []
        for source, frames in parts:
            if id(source) not in self._told:
                self._told[id(source)] = self.processing.text(source.tasks)
            told.append(self._told[id(source)][torch.from_numpy(source.task[frames])])
        return torch.cat(told)


@dataclass(frozen=True)
class Variation:
    """The changes of one batch: a pure function of the generator's state.

    state_dropout: share of samples whose state is hidden (set to its mean). word_dropout: share of
    words that are made unknown.
    """

    augmentation: Augmentation
    generator: torch.Generator
    state_dropout: float = 0.0
    word_dropout: float = 0.0

    def shifted(self, images: torch.Tensor) -> torch.Tensor:
        """(B, H, W, 3) uint8: moved before they become floats, a quarter of the bytes."""
        planes = shift(images.permute(0, 3, 1, 2), self.augmentation.shift_px, self.generator)
        return planes.permute(0, 2, 3, 1)

    def coloured(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) in [0, 1]."""
        return self.augmentation.model_copy(update={"shift_px": 0}).images(pixels, self.generator)

    def text(self, text: torch.Tensor) -> torch.Tensor:
        """(B, L) numbers of words."""
        if self.word_dropout == 0:
            return text
        lost = torch.rand(text.shape, generator=self.generator) < self.word_dropout
        return text.masked_fill(lost & (text != PAD), UNKNOWN)

    def state(self, state: torch.Tensor) -> torch.Tensor:
        """(B, S) normalised."""
        state = self.augmentation.state(state, self.generator)
        if self.state_dropout == 0:
            return state
        hidden = torch.rand((len(state), 1), generator=self.generator) < self.state_dropout
        return state.masked_fill(hidden, 0.0)
