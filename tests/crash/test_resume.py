"""N steps, kill -9, N steps: the same weights, optimizer and generator as 2N steps."""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path

import pytest
from harness import Zygote

STEPS = 8
NANO = ("--policy", "act-nano", "--batch-size", "32")
NANO_SIZES = {"policy_options.hidden": "16", "policy_options.vision": "16"}
ACT = ("--policy", "act", "--batch-size", "4")
ACT_SIZES = {
    "policy_options.dim_model": "16",
    "policy_options.n_heads": "2",
    "policy_options.dim_feedforward": "16",
    "policy_options.n_encoder_layers": "1",
    "policy_options.n_vae_encoder_layers": "1",
    "policy_options.latent_dim": "4",
}
MIX = ("--dataset", "../data", "../more", "--shares", "0.4", "0.6")
ONE = ("--dataset", "../data")
CASES = {
    "nano": (*ONE, *NANO, NANO_SIZES | {"bf16": "off"}),
    "nano, bf16, a mix, without average": (
        *MIX,
        *NANO,
        NANO_SIZES | {"bf16": "on", "ema_decay": "0"},
    ),
    "nano on two cores, a mix": (
        *MIX,
        *NANO,
        NANO_SIZES | {"threads": "2", "state_dropout": "0.2"},
    ),
    "act": (*ONE, *ACT, ACT_SIZES | {"bf16": "off"}),
    "act, bf16, a mix, in two batches a step": (
        *MIX,
        *ACT,
        ACT_SIZES | {"bf16": "on", "accumulate": "2"},
    ),
}
"""Augmentation is on in all of them, as it is by default."""


@pytest.fixture(scope="module")
def folder(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the datasets ``data`` and ``more``."""
    folder = tmp_path_factory.mktemp("resume")
    world = ("--world", "reach_world:ReachWorld", "--preset", "", "--workers", "1")
    for name, seed in (("data", 0), ("more", 1)):
        more = ("--episodes", "20", "--seed", seed, "--out", name)
        done = zygote.run("generate", *world, *more, cwd=folder)
        assert done.code == 0, done.said
    return folder


def train_command(case: str, steps: int) -> list[str]:
    *options, settings = CASES[case]
    often = {"log_every": "1", "validate_every": "3", "checkpoint_every": "2", "warmup_steps": "2"}
    pairs = [word for pair in ({"threads": "1"} | often | settings).items() for word in pair]
    return ["train", *options, "--out", "out", "--steps", str(steps), "--resume", "--set", *pairs]


def checkpoints(folder: Path) -> dict[str, str]:
    """sha256 of every file of the last and the best checkpoint, wall times left out."""
    found = {}
    for path in sorted([*folder.glob("last/*"), *folder.glob("best/*")]):
        data = path.read_bytes()
        if path.name == "resume.json":
            data = json.dumps({**json.loads(data), "seconds": 0}).encode()
        if path.name != "manifest.json":
            found[f"{path.parent.name}/{path.name}"] = hashlib.sha256(data).hexdigest()
    return found


def rows(out: Path) -> int:
    log = out / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case == "act")) for case in CASES]
)
def test_killed_at_random_it_comes_to_the_same_bits(zygote, folder, case):
    whole, parts = folder / f"{case}, whole", folder / f"{case}, parts"
    done = zygote.run(*train_command(case, 2 * STEPS), cwd=whole)
    assert done.code == 0, done.said
    rng = random.Random(case)
    for moment in (rng.randrange(1, STEPS), STEPS + rng.randrange(1, STEPS - 1)):
        running = zygote.start(*train_command(case, 2 * STEPS), cwd=parts)
        while rows(parts / "out") < moment and running.alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.02))
        running.kill()
        killed = running.wait()
        assert killed.code == -9, killed.said
    done = zygote.run(*train_command(case, 2 * STEPS), cwd=parts)
    assert done.code == 0, done.said
    assert checkpoints(parts / "out") == checkpoints(whole / "out")
