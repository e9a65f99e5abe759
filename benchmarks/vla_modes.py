"""What `vla` costs with the whole backbone, with LoRA adapters and with a frozen one learning.

Trainable share, peak memory and samples a second of the real loop's own step (window 4, batch 1;
accumulation 8 on a GPU, as the predecessor had it, 2 on a processor; a head on kept features takes
64 at once), and the time of one prediction. Weights are random: they cost the same. On a GPU the
real architectures at full size; on a processor a small Kosmos-2, which says how the modes compare
and not what the real one takes, in processor seconds of one thread, which other programs do not
change. The weights of the real ones are counted either way.

    python benchmarks/vla_modes.py [--steps 10]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from _record import record
from loopyard.core.machine import usable_cores
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.vla.adapters import add_adapters
from loopyard.policies.vla.backbones import BACKBONES
from loopyard.policies.vla.config import VlaConfig
from loopyard.policies.vla.head import ActionHead
from loopyard.training.config import TrainConfig
from loopyard.training.setup import Setup, prepare
from loopyard.training.sources import Source, Sources
from loopyard.training.state import Progress
from loopyard.training.trainer import Trainer

FRAMES, PREDICTIONS, WARM_UP = 256, 6, 1
SMALL = {
    "text_config": {
        "vocab_size": 518,
        "embed_dim": 512,
        "layers": 6,
        "ffn_dim": 2048,
        "attention_heads": 8,
    },
    "vision_config": {
        "hidden_size": 384,
        "intermediate_size": 1536,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "image_size": 96,
        "patch_size": 16,
    },
}
MODES: dict[str, dict[str, Any]] = {
    "full": {"mode": "full"},
    "lora": {"mode": "lora"},
    "lora, backbone in bfloat16": {"mode": "lora", "base_dtype": "bfloat16"},
    "frozen": {"mode": "frozen", "readout": "pooled"},
    "frozen, features kept": {"mode": "frozen", "readout": "pooled"},
}


class RandomSamples:
    """Frames of noise: a step costs the same as on real ones."""

    def __init__(self, side: int) -> None:
        rng = np.random.default_rng(0)
        self.images = {"ego": rng.integers(0, 256, (FRAMES, side, side, 3), dtype=np.uint8)}
        self.state = np.zeros((FRAMES, 0), np.float32)
        self.action = rng.uniform(-1, 1, (FRAMES, 2)).astype(np.float32)
        self.usable = np.arange(FRAMES)
        self.features: np.ndarray | None = None
        self.tasks, self.task = ["go around the box on its left"], np.zeros(FRAMES, np.int64)

    def before(self, indices: np.ndarray, ticks: int) -> np.ndarray:
        return np.maximum(indices - ticks, 0)

    def targets(self, indices: np.ndarray, chunk_size: int) -> tuple[np.ndarray, np.ndarray]:
        chunks = np.repeat(self.action[indices][:, None], chunk_size, axis=1)
        return chunks, np.zeros(chunks.shape[:2], bool)


def prepared(backbone: str, mode: str, side: int) -> tuple[Setup, RandomSamples]:
    """A training of this mode on this machine's device."""
    on_gpu = torch.cuda.is_available()
    source = {"size": "full"} if on_gpu else {"architecture": SMALL}
    kept = mode.endswith("kept")
    config = TrainConfig(
        policy="vla",
        policy_options={"backbone": backbone, "n_obs_steps": 4, **source, **MODES[mode]},
        steps=10**6,
        batch_size=64 if kept else 1,
        accumulate=1 if kept else 8 if on_gpu else 2,
        ema_decay=0.0,
        constant_channels="center",
        threads=0 if on_gpu else 1,
    )
    spec = WorldSpec(
        "bench",
        "random",
        10,
        250,
        "task",
        VectorSpec(()),
        VectorSpec((Channel("linear_x"), Channel("linear_y"))),
        (CameraSpec("ego", side, side),),
    )
    samples = RandomSamples(side)
    torch.set_num_threads(usable_cores() if on_gpu else 1)
    setup = prepare(config, Sources(spec, [Source(samples, None)]), None)
    if kept:
        rng = np.random.default_rng(0)
        size = int(setup.model.feature_size)  # type: ignore[arg-type]
        samples.features = rng.normal(size=(FRAMES, size)).astype(np.float32)
    return setup, samples


def measure(backbone: str, mode: str, side: int, steps: int) -> dict[str, Any]:
    """One mode, in a process of its own: its peak of memory is then its alone."""
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    setup, samples = prepared(backbone, mode, side)
    on_gpu = setup.device.type == "cuda"
    weights = sum(part.numel() for part in setup.model.parameters())
    learning = sum(part.numel() for part in setup.model.parameters() if part.requires_grad)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(setup, Path(folder), Progress())
        step_s = median_s(lambda: trainer.step(0.0), steps, on_gpu=on_gpu)
        trainer.close()
    peak_mb = (
        torch.cuda.max_memory_allocated() / 1e6
        if on_gpu
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 - before_mb
    )
    return {
        "backbone": backbone,
        "mode": mode,
        "weights": weights,
        "trainable": learning,
        "trainable_share": round(learning / weights, 5),
        "peak_memory_mb": round(peak_mb),
        "samples_per_s": round(setup.config.samples_a_step / step_s, 2),
        "samples_a_step": setup.config.samples_a_step,
        "prediction_ms": prediction_ms(setup, samples, on_gpu=on_gpu),
    }


def median_s(call: Callable[[], object], count: int, *, on_gpu: bool) -> float:
    """By the clock on a GPU; else processor seconds, which other programs do not change."""
    clock = time.perf_counter if on_gpu else time.process_time
    seconds = []
    for _ in range(count + WARM_UP):
        begin_s = clock()
        call()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(clock() - begin_s)
    return statistics.median(seconds[WARM_UP:])


def prediction_ms(setup: Setup, samples: RandomSamples, *, on_gpu: bool) -> float:
    """One chunk from the pictures of the last four ticks, preprocessing included."""
    policy = ChunkedPolicy(setup.model, setup.processing)
    obs = {"observation.images.ego": samples.images["ego"][0], "task": samples.tasks[0]}
    return round(1e3 * median_s(lambda: policy.predict_chunk(obs), PREDICTIONS, on_gpu=on_gpu), 1)


def counted(backbone: str, mode: str) -> dict[str, Any]:
    """Weights of the architecture at full size, counted and not made."""
    setup, _ = prepared("kosmos-2", mode, 96)
    config = setup.policy.model_copy(update={"backbone": backbone})
    assert isinstance(config, VlaConfig)
    kind = BACKBONES[backbone]
    with torch.device("meta"):
        model = kind.classes()[1](kind.architecture("full", 224))
        width = model.get_input_embeddings().embedding_dim
        model.requires_grad_(config.mode == "full")
        if config.mode == "lora":
            add_adapters(model, config)
        head = ActionHead(config, width if config.readout == "action" else 2 * width)
    parts = [*model.parameters(), *head.parameters()]
    learning = sum(part.numel() for part in parts if part.requires_grad)
    weights = sum(part.numel() for part in parts)
    return {
        "backbone": backbone,
        "mode": mode,
        "weights": weights,
        "trainable": learning,
        "trainable_share": round(learning / weights, 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10)
    steps = parser.parse_args().steps
    on_gpu = torch.cuda.is_available()
    sides = {"kosmos-2": 224, "smolvlm": 512} if on_gpu else {"kosmos-2": 96}
    found = []
    context = multiprocessing.get_context("spawn")
    for backbone, side in sides.items():
        for mode in MODES:
            with ProcessPoolExecutor(1, mp_context=context) as process:
                found.append(process.submit(measure, backbone, mode, side, steps).result())
            print(found[-1], flush=True)
    counts = [counted(backbone, mode) for backbone in BACKBONES for mode in list(MODES)[:4]]
    record(
        "vla_modes_gpu" if on_gpu else "vla_modes",
        {
            "device": torch.cuda.get_device_name() if on_gpu else "cpu",
            "architecture": "full size, random weights" if on_gpu else SMALL,
            "window": 4,
            "clock": "elapsed seconds" if on_gpu else "processor seconds, one thread",
            "modes": found,
            "counted_at_full_size": counts,
        },
    )


if __name__ == "__main__":
    main()
