"""The whole loop with a backbone of transformers, tiny: generate, train, roll out, gate, merge."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopyard
from loopyard.evaluation.gate import judge
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.surface.cli import main

pytestmark = [pytest.mark.e2e, pytest.mark.gl]
GATE = (900_000, 900_001)


def test_a_tiny_backbone_goes_through_the_whole_loop(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generate = ("generate", "--world", "corridor", "--episodes", "2", "--workers", "1")
    assert main([*generate, "--out", "data", "--json"]) == 0
    train = ("train", "--dataset", "data", "--policy", "vla", "--steps", "2", "--threads", "1")
    options = ("policy_options.size", "tiny", "policy_options.hidden", "32", "batch_size", "2")
    assert main([*train, "--out", "run", "--set", *options, "--json"]) == 0
    assert main(["merge", "run", "merged", "--json"]) == 0
    whole, adapters = (Path(folder) / "model.safetensors" for folder in ("merged", "run/last"))
    assert whole.stat().st_size > adapters.stat().st_size

    policy = loopyard.load_policy("merged", n_action_steps=10)
    assert isinstance(policy, ChunkedPolicy)
    policy.path = None  # so that it is driven in this process
    result = loopyard.evaluate(
        policy, "corridor", seeds=GATE, params={"time_limit_s": 4.0}, traces=False
    )
    assert len(result.records) == len(GATE)
    assert judge(result.successes, len(GATE), seeds=GATE).verdict == "reject"
