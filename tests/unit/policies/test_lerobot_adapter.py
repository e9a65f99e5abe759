"""The adapter with a stand-in for LeRobot's network; tests/lerobot has the real ones."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.policies.lerobot_adapter import LeRobotPolicy, Parts
from loopyard.policies.lerobot_inputs import Inputs


class Network:
    """Says the mean state of the last two ticks, and noise."""

    config = SimpleNamespace(n_obs_steps=2, n_action_steps=3, image_features={})

    def reset(self):
        self._queues = {"observation.state": deque(maxlen=2), "action": deque(maxlen=3)}

    def predict_action_chunk(self, batch):
        mean = torch.stack(list(self._queues["observation.state"])).mean(0)
        noise = 0.01 * torch.randn(1, 4, 1)
        return mean[:, None].expand(1, 4, 2) + noise


def policy(actions: int = 2, **options) -> LeRobotPolicy:
    inputs = Inputs("there", {}, 2, actions)
    parts = Parts(Network(), dict, lambda chunk: chunk)
    return LeRobotPolicy(parts, inputs, path=Path("there"), **options)


def seen(value: float) -> dict:
    return {"observation.state": np.full(2, value, np.float32)}


def test_it_looks_at_the_ticks_before_and_repeats_the_first():
    one = policy()
    assert (one.chunk_size, one.n_action_steps, one.n_obs_steps) == (4, 3, 2)
    assert one.predict_chunk(seen(0.5)) == pytest.approx(np.full((4, 2), 0.5), abs=0.05)
    before = {**seen(0.5), "history": (seen(9.0), seen(0.1))}
    assert one.predict_chunk(before) == pytest.approx(np.full((4, 2), 0.3), abs=0.05)
    one.reset()
    for value in (0.0, 0.0, 0.2):
        assert one.act(seen(value)) == pytest.approx([0, 0], abs=0.05)
    assert one.act(seen(0.6)) == pytest.approx([0.4, 0.4], abs=0.05)
    one.reset()
    assert one.act(seen(0.6)) == pytest.approx([0.6, 0.6], abs=0.05)


def test_the_same_sight_gives_the_same_chunk_and_the_callers_generator_stays():
    one, first = policy(), seen(0.5)
    chunk = one.predict_chunk(first)
    torch.manual_seed(3)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    many = one.predict_chunks([seen(0.1), first, seen(0.5), first])
    assert torch.equal(torch.rand(1), drawn)
    assert all(np.array_equal(row, chunk) for row in many[1:])
    assert len(np.unique(chunk[:, 0])) == 4
    assert one.predict_chunk(seen(5.0)).max() == 1


def test_what_does_not_fit_is_told():
    assert policy(n_action_steps=2).n_action_steps == 2
    for steps in (0, 5):
        with pytest.raises(ConfigError, match="n_action_steps"):
            policy(n_action_steps=steps)
    with pytest.raises(CheckpointError, match=r"predicted chunk: found \(4, 2\)"):
        policy(actions=3)
