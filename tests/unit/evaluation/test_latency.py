"""Latency with a clock that is told the time."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.evaluation.latency import measure_latency


class Told:
    """Every look is later than the one before by the next of `steps_s`."""

    def __init__(self, steps_s):
        self._times_s = np.cumsum([0.0, *steps_s])
        self._looks = -1

    def monotonic(self) -> float:
        self._looks += 1
        return float(self._times_s[self._looks])

    def wall(self) -> float:
        return 0.0


def test_percentiles_of_what_the_clock_said(importable_worlds):
    from glue_world import Homing

    steps_s = [0.004, 1.0] * 99 + [0.024, 1.0]
    latency = measure_latency(
        Homing(n_action_steps=4),
        {"observation.state": np.zeros(2)},
        passes=100,
        warm_up=3,
        clock=Told(steps_s),
    )
    assert latency.p50_ms == pytest.approx(4.0)
    assert 4.0 < latency.p99_ms < 24.0
    assert latency.max_ms == pytest.approx(24.0)
    assert latency.tick_mean_ms == pytest.approx((99 * 4 + 24) / 100 / 4)


def test_torch_is_left_as_it_was(importable_worlds):
    import torch
    from glue_world import Homing

    class Spy(Homing):
        def predict_chunk(self, obs):
            seen.add(torch.get_num_threads())
            return super().predict_chunk(obs)

    seen = set()
    before = torch.get_num_threads()
    measure_latency(Spy(), {"observation.state": np.zeros(2)}, passes=2, warm_up=1)
    assert seen == {1}
    assert torch.get_num_threads() == before
