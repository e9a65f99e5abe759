"""All that a run needs before its first step: network, processing, data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from loopyard.core.errors import CheckpointError, ConfigError, expected
from loopyard.core.machine import usable_cores
from loopyard.core.specs import IMAGE_PREFIX, WorldSpec
from loopyard.policies.catalogue import make_config, make_model, own_inputs
from loopyard.policies.checkpoint import Checkpoint, load_checkpoint
from loopyard.policies.config import PolicyConfig, features_of
from loopyard.policies.processing import Processing, ProcessingConfig
from loopyard.training.batches import BatchMaker, BatchPlan, Samples
from loopyard.training.config import TrainConfig
from loopyard.training.features import ReadsFrozen, keep_features
from loopyard.training.schedule import Budget
from loopyard.training.sources import Source, Sources, open_sources

NORM_IMAGES = 256
"""Over so many images the mean and variance of a feature are known to a per cent or so."""


@dataclass(frozen=True)
class Setup:
    """A run that is ready to begin."""

    config: TrainConfig
    sources: Sources
    policy: PolicyConfig
    processing: Processing
    model: nn.Module
    device: torch.device
    bf16: bool

    @property
    def threads(self) -> int:
        """Processor threads to use."""
        return self.config.threads or usable_cores()

    @property
    def plan(self) -> BatchPlan:
        return BatchPlan(
            [len(part.training.usable) for part in self.sources.parts],
            self.config.samples_a_step,
            self.config.shares,
            self.config.seed,
        )

    def batches(self, samples: Sequence[Samples]) -> BatchMaker:
        return BatchMaker(samples, self.processing, self.policy.chunk_size, self.policy.window)

    def training_batches(self) -> BatchMaker:
        return self.batches([part.training for part in self.sources.parts])

    def holding_out(self) -> list[Source]:
        """The datasets that have held-out samples."""
        return [
            part
            for part in self.sources.parts
            if part.validation is not None and len(part.validation.usable)
        ]

    def validation(self) -> list[Samples]:
        """Held-out samples of each dataset that has any."""
        return [part.validation for part in self.holding_out() if part.validation is not None]

    def budget(self, left_s: float | None) -> Budget:
        n_samples = sum(len(part.training.usable) for part in self.sources.parts)
        return Budget.of(self.config, n_samples, left_s)

    def facts(self, out: Path) -> dict[str, Any]:
        """What every checkpoint of this run says of where it comes from.

        out: the folder training writes into. Paths are told from there, so that they hold when all
        of it is moved.
        """
        settings = self.config.model_dump(mode="json")
        if self.config.init_from is not None:
            settings["init_from"] = _seen_from(out, str(self.config.init_from))
        return {
            "world_spec": self.sources.spec.to_dict(),
            "datasets": [
                {**part.facts, **_told_from(out, part.facts)} for part in self.sources.parts
            ],
            "processing_digest": self.processing.digest,
            "settings": settings,
            "seed": self.config.seed,
        }


def _told_from(out: Path, facts: dict[str, Any]) -> dict[str, str]:
    return {"path": _seen_from(out, facts["path"])} if "path" in facts else {}


def _seen_from(out: Path, path: str) -> str:
    """A folder's path from another one; what is no folder here is left as it is."""
    return os.path.relpath(path, out) if Path(path).is_dir() else path


def prepare(
    config: TrainConfig, datasets: Sequence[Path] | Sources, resume_from: Path | None
) -> Setup:
    """Open the data, then make (or load) processing and network.

    A resumed run takes processing and sizes from its own checkpoint, a fine-tuning run from
    ``init_from``; a new run measures statistics on its training split.

    Raises:
        ConfigError, DatasetError, CheckpointError: see `loopyard.training.loop.train`.
    """
    origin = resume_from or config.init_from
    base = None if origin is None else load_checkpoint(origin)
    sources = (
        datasets
        if isinstance(datasets, Sources)
        else open_sources(
            config,
            datasets,
            base.config.cameras if base else config.cameras,
            lambda spec: base.config.image_size if base else _image_size(config, spec),
        )
    )
    policy = policy_config(config, sources.spec, base)
    if base is not None:
        _require_fit(base, sources.spec)
    if base is not None and (resume_from is not None or not config.new_statistics):
        processing = base.processing
    else:
        processing = _new_processing(config, policy, sources)
    torch.manual_seed(config.seed)
    model = base.model() if base is not None else make_model(policy)
    if base is None and isinstance(model, MeasuresNorms):
        model.measure_norms(_some_images(sources, processing, policy.cameras[0]))
    if base is None and isinstance(model, WeighsLabels):
        model.weigh_labels(_labels(sources, processing))
    device = _device(config)
    model = model.to(device)
    if isinstance(model, ReadsFrozen) and model.feature_key and config.feature_cache_gb:
        keep_features(model, sources, processing, device, config.feature_cache_gb)
    return Setup(config, sources, policy, processing, model, device, _use_bf16(config, device))


@runtime_checkable
class MeasuresNorms(Protocol):
    """A fresh network whose frozen norms are filled from images before the first step."""

    def measure_norms(self, images: torch.Tensor) -> None: ...


@runtime_checkable
class WeighsLabels(Protocol):
    """A fresh network that looks at how often each label comes before the first step."""

    def weigh_labels(self, action: torch.Tensor) -> None: ...


def _labels(sources: Sources, processing: Processing) -> torch.Tensor:
    """(N, A) normalised: the first step of every training chunk."""
    labels = [part.training.targets(part.training.usable, 1)[0] for part in sources.parts]
    return processing.normalise_action(torch.from_numpy(np.concatenate(labels)[:, 0]))


def _some_images(sources: Sources, processing: Processing, camera: str) -> torch.Tensor:
    samples = sources.parts[0].training
    frames = samples.usable[:: max(1, len(samples.usable) // NORM_IMAGES)][:NORM_IMAGES]
    return processing.images(camera, torch.from_numpy(samples.images[camera][frames]))


def policy_config(
    config: TrainConfig, spec: WorldSpec, base: Checkpoint | None = None
) -> PolicyConfig:
    """The network's sizes: as asked, or those of the checkpoint it begins from.

    Raises:
        ConfigError: a size or camera that cannot be.
    """
    if base is not None:
        steps = min(config.n_action_steps or base.config.n_action_steps, base.config.chunk_size)
        data = base.config.model_dump(mode="json") | {"n_action_steps": steps}
        for key, value in config.policy_options.items():
            if data.get(key, value) != value:
                raise ConfigError(
                    expected(
                        "train", f"policy_options.{key}", value, f"{data[key]!r}, as in {base.path}"
                    )
                )
        return make_config(base.config.type, "train", data)
    cameras = list(config.cameras or [camera.name for camera in spec.cameras])
    features = features_of(spec, cameras, _image_size(config, spec))
    chunks = {"chunk_size": config.chunk_size, "n_action_steps": config.n_action_steps}
    given = {name: size for name, size in chunks.items() if size is not None}
    return make_config(
        config.policy,
        "policy_options",
        {**features, "type": config.policy, **given, **config.policy_options},
    )


def _new_processing(config: TrainConfig, policy: PolicyConfig, sources: Sources) -> Processing:
    """Statistics of the training split; of what a backbone brings along, its own."""
    statistics, tokenizer = sources.statistics(policy.cameras), ""
    own = own_inputs(policy)
    if own is not None:
        tokenizer, colours = own
        statistics |= {IMAGE_PREFIX + camera: colours for camera in policy.cameras}
    settings = _processing_config(config, policy, sources)
    return Processing(settings, statistics, "training split", tokenizer)


def _processing_config(
    config: TrainConfig, policy: PolicyConfig, sources: Sources
) -> ProcessingConfig:
    spec = sources.spec
    return ProcessingConfig(
        cameras=tuple(policy.cameras),
        image_size=policy.image_size,
        state_names=tuple(spec.state.names),
        action_names=tuple(spec.action.names),
        image_mode=config.image_mode,
        state_mode=config.state_mode,
        action_mode=config.action_mode,
        constant_channels=config.constant_channels,
        vocabulary=sources.vocabulary() if policy.takes_text else (),
        masked=config.masked,
    )


def _image_size(config: TrainConfig, spec: WorldSpec) -> tuple[int, int]:
    """What was asked, or the size of the first camera used."""
    if config.image_size is not None:
        return config.image_size
    wanted = config.cameras or tuple(camera.name for camera in spec.cameras)
    for camera in spec.cameras:
        if camera.name == wanted[0]:
            return camera.height, camera.width
    raise ConfigError(
        expected(
            "train", "cameras", wanted[0], f"one of {[camera.name for camera in spec.cameras]}"
        )
    )


def _require_fit(base: Checkpoint, spec: WorldSpec) -> None:
    for name, found, wanted in (
        ("action", spec.action.size, base.config.action_size),
        ("state", spec.state.size, base.config.state_size),
    ):
        if found != wanted:
            raise CheckpointError(
                expected(
                    str(base.path),
                    f"{name} size of the dataset",
                    found,
                    f"{wanted}, the checkpoint's",
                )
            )


def _device(config: TrainConfig) -> torch.device:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(expected("train", "device", "cuda", "cpu: there is no GPU here"))
    use_gpu = config.device != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if use_gpu else "cpu")


def _use_bf16(config: TrainConfig, device: torch.device) -> bool:
    if config.fp16:
        return False
    if config.bf16 != "auto":
        return config.bf16 == "on"
    return device.type == "cuda" or has_bf16()


def has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor multiplies in bfloat16; without that autocast only costs time."""
    try:
        flags = cpuinfo.read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
