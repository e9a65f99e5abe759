"""Robots in other processes drive through the real command as with the policy itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.e2e

LIMIT_S = 600.0
TICKS = 12
ROBOT = f"""
import json, sys
from loopyard.client import PolicyClient
from loopyard.worlds.world import spec_of
from reach_world import ReachWorld

url, seed = sys.argv[1], int(sys.argv[2])
world = ReachWorld()
with PolicyClient(url, spec=spec_of(world), deadline_s={LIMIT_S}, connect_s={LIMIT_S}) as client:
    obs, info = world.reset(seed=seed)
    actions = []
    for tick in range({TICKS}):
        actions.append(client.act(obs).tolist())
        assert not client.last.safe, client.last.reason
        obs, *rest = world.step(actions[-1])
assert "torch" not in sys.modules
print(json.dumps(actions))
"""


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An untrained policy of the toy world."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "toy"))
    import torch
    from reach_world import ReachWorld

    from loopyard.policies.catalogue import make_config, make_model
    from loopyard.policies.checkpoint import save_checkpoint
    from loopyard.policies.config import features_of
    from loopyard.policies.processing import Processing, ProcessingConfig, statistics_of
    from loopyard.worlds.world import spec_of

    world = ReachWorld()
    spec = spec_of(world)
    sizes = {"chunk_size": 6, "n_action_steps": 3, "vision": 16, "hidden": 16}
    features = features_of(spec, ["ego"], (24, 24))
    config = make_config("act-nano", "test", {"type": "act-nano", **features, **sizes})
    seen = [world.reset(seed=seed)[0] for seed in range(20)]
    rng = np.random.default_rng(0)
    statistics = statistics_of(
        {"ego": np.stack([obs["observation.images.ego"] for obs in seen])},
        np.stack([obs["observation.state"] for obs in seen]),
        rng.uniform(-1, 1, (20, 2)),
    )
    processing = Processing(
        ProcessingConfig(
            cameras=("ego",),
            image_size=(24, 24),
            state_names=tuple(spec.state.names),
            action_names=tuple(spec.action.names),
        ),
        statistics,
    )
    torch.manual_seed(0)
    weights = make_model(config).state_dict()
    facts = {"world_spec": spec.to_dict()}
    return save_checkpoint(
        tmp_path / "policy", config=config, weights=weights, processing=processing, facts=facts
    )


def driven_here(checkpoint: Path, seed: int) -> np.ndarray:
    from reach_world import ReachWorld

    from loopyard.policies.checkpoint import load_policy

    world, policy = ReachWorld(), load_policy(checkpoint)
    obs, _ = world.reset(seed=seed)
    actions = []
    for _ in range(TICKS):
        actions.append(policy.act(obs))
        obs, *_ = world.step(actions[-1])
    return np.stack(actions)


def robot(shell, url: str, seed: int, code: str = ROBOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(seed)],
        cwd=shell.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_robots_in_other_processes_drive_as_with_the_policy_itself(shell, checkpoint):
    server = shell.start("serve", checkpoint, "--port", "0")
    assert server.stdout is not None
    begun = server.stdout.readline()
    assert begun.startswith("act-nano ")
    url = begun.split(" listens on ")[1].split(";")[0]
    other = robot(shell, url, 0, ROBOT.replace("ReachWorld()", "ReachWorld(actions=3)"))
    robots = [robot(shell, url, seed) for seed in (1, 2)]
    for seed, each in zip((1, 2), robots, strict=True):
        out, err = each.communicate(timeout=LIMIT_S)
        assert each.returncode == 0, err
        found, wanted = np.array(json.loads(out)), driven_here(checkpoint, seed)
        np.testing.assert_allclose(found, wanted, atol=1e-4)  # a batch of two rounds differently
        assert np.abs(wanted).max() > 0.01
    _, err = other.communicate(timeout=LIMIT_S)
    assert "client: action.size: found 3, expected 2" in err
    os.killpg(server.pid, signal.SIGINT)
    out, err = server.communicate(timeout=LIMIT_S)
    assert (server.returncode, err) == (0, "")
    log = [line.partition(" serve: ")[2] for line in out.splitlines()]
    assert sum("comes from 127.0.0.1:" in line for line in log) == 3
    assert sum("is refused: client: action.size" in line for line in log) == 1
    assert sum(f"goes after {TICKS} answers, 0 of them safe" in line for line in log) == 2
    assert out.splitlines()[-1] == f"ended after {2 * TICKS} actions and 0 safe ones"


@pytest.mark.slow
def test_as_json_it_answers_once_and_sigterm_ends_it_as_well(shell, checkpoint):
    server = shell.start("serve", checkpoint, "--port", "0", "--n-action-steps", "2", "--json")
    assert server.stdout is not None
    told = json.loads(server.stdout.readline())
    assert (told["interface"]["policy"], told["interface"]["n_action_steps"]) == ("act-nano", 2)
    driving = robot(shell, told["url"], 1)
    _, err = driving.communicate(timeout=LIMIT_S)
    assert driving.returncode == 0, err
    server.terminate()
    assert server.communicate(timeout=LIMIT_S) == ("", "")
    assert server.returncode == 0
