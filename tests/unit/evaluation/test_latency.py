"""Latency with a clock that is told the time, and once with a real one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.evaluation.latency import measure_latency
from loopyard.policies.asynchronous import AsynchronousPolicy

SCENES = [(Scenario(world="glue_world:GlueWorld"), seed) for seed in (5, 10, 15)]
"""Glued: these drives last their whole time."""


class Told:
    """A clock that stands still, but for what the policy says that it took."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def glue(importable_worlds):
    import glue_world

    return glue_world


def taking(glue, clock: Told, times_ms: list[float], pop_ms: float = 1.0, n_action_steps: int = 4):
    """A policy whose predictions take these times in turn, again and again."""

    class Taking(glue.Homing):
        predictions = tick = 0

        def reset(self):
            self.tick = 0

        def act(self, obs):
            predicts = self.tick % self.n_action_steps == 0
            took_ms = times_ms[self.predictions % len(times_ms)] if predicts else pop_ms
            self.predictions += predicts
            self.tick += 1
            clock.sleep(took_ms / 1e3)
            return np.zeros(2, np.float32)

    return Taking(n_action_steps)


def test_ticks_that_predict_and_ticks_that_do_not_are_told_apart(glue):
    clock = Told()
    policy = taking(glue, clock, [900.0, 900.0, *[50.0] * 17, 150.0, 150.0, 150.0])
    latency = measure_latency(
        policy, glue.GlueWorld(), SCENES, predictions=20, warm_up=2, clock=clock
    )
    assert latency.warm_up is not None
    assert latency.popping is not None
    assert (latency.warm_up.ticks, latency.warm_up.max_ms) == (8, 900.0)
    assert latency.predicting.ticks == 20
    assert latency.predicting.p50_ms == pytest.approx(50.0)
    assert latency.predicting.p95_ms == latency.predicting.max_ms == pytest.approx(150.0)
    assert latency.popping.max_ms == pytest.approx(1.0)
    assert latency.ticks.ticks == latency.popping.ticks + 20 == 80
    assert (latency.budget_ms, latency.late_ticks) == (100.0, 3)


def test_every_tick_may_predict(glue):
    clock = Told()
    policy = taking(glue, clock, [10.0], n_action_steps=1)
    latency = measure_latency(
        policy, glue.GlueWorld(), SCENES, predictions=90, warm_up=0, clock=clock
    )
    assert (latency.popping, latency.warm_up) == (None, None)
    assert latency.ticks == latency.predicting
    assert latency.ticks.ticks == 90


def test_a_paced_drive_keeps_the_worlds_rate(glue):
    clock = Told()
    policy = taking(glue, clock, [30.0], n_action_steps=1)
    measure_latency(
        policy,
        glue.GlueWorld(),
        SCENES,
        predictions=20,
        warm_up=0,
        paced=True,
        clock=clock,
        sleep=clock.sleep,
    )
    assert clock.now_s == pytest.approx(19 * 0.1 + 0.03)


def test_torch_computes_on_the_threads_of_a_server_and_is_left_as_it_was(glue):
    import torch

    class Spy(glue.Homing):
        def act(self, obs):
            seen.add(torch.get_num_threads())
            return super().act(obs)

    seen: set[int] = set()
    before = torch.get_num_threads()
    asked: dict[str, Any] = {"predictions": 2, "warm_up": 1}
    assert measure_latency(Spy(), glue.GlueWorld(), SCENES, **asked, threads=3).threads == 3
    assert seen == {3}
    assert measure_latency(Spy(), glue.GlueWorld(), SCENES, **asked).threads == max(
        1, usable_cores() // 2
    )
    assert torch.get_num_threads() == before


def test_no_scenes_are_named(glue):
    with pytest.raises(ConfigError, match="scenes: found 0"):
        measure_latency(glue.Homing(), glue.GlueWorld(), [])


class Sleeping:
    """As slow as a large backbone: 150 ms for a chunk."""

    chunk_size, n_action_steps = 10, 1

    def reset(self) -> None:
        pass

    def act(self, obs):
        return self.predict_chunk(obs)[0]

    def predict_chunk(self, obs):
        time.sleep(0.15)
        return self.predict_chunks([obs])[0]

    def predict_chunks(self, observations):
        return np.zeros((len(observations), 10, 2), np.float32)


def test_a_slow_policy_meets_the_rate_when_it_is_asynchronous(glue):
    """In real time, at 10 Hz: every tick is late without the wrapper, and none with it."""
    asked: dict[str, Any] = {"predictions": 8, "warm_up": 0, "paced": True}
    alone = measure_latency(Sleeping(), glue.GlueWorld(), SCENES, **asked)
    assert alone.late_ticks == alone.ticks.ticks == 8
    with AsynchronousPolicy(Sleeping(), action_size=2) as policy:
        wrapped = measure_latency(policy, glue.GlueWorld(), SCENES, **asked)
        timeliness = policy.timeliness
    assert wrapped.late_ticks == 0
    assert wrapped.ticks.ticks == 8
    assert timeliness.late_ticks == 0
    assert timeliness.planned_ticks >= 4
