"""The expert before someone who walks about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loopyard.experts.movers import must_wait
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.truth import MoverTruth, YardTruth


def truth_of(load: int) -> YardTruth:
    """A loader mid-floor with its bucket half up, and a brick ahead."""
    params, flags = yard_params("mid"), np.ones(3, dtype=bool)
    return YardTruth(
        x_m=0.0,
        y_m=0.0,
        yaw_rad=0.0,
        lift=0.5,
        bucket=0.8,
        lift_target=0.5,
        bucket_target=0.8,
        bricks=np.array([[2.0, 0.0, 0.065]] * 3),
        held=np.arange(3) < load,
        delivered=~flags,
        furniture=np.empty((0, 5)),
        view_half_rad=0.7,
        params=params,
        box_m=np.full(2, params.box_centre_m),
        required=flags,
        fits=flags,
        tries=np.zeros(3, dtype=int),
    )


def with_mover(truth: YardTruth, *, alert: bool) -> YardTruth:
    return replace(truth, movers=(MoverTruth("pet", 1.0, 0.0, 0.0, 0.0, alert),))


def test_it_waits_for_whom_the_world_calls_near():
    truth = truth_of(0)
    assert not must_wait(truth)
    assert not must_wait(with_mover(truth, alert=False))
    assert must_wait(with_mover(truth, alert=True))


@pytest.mark.parametrize("load", [0, 2])
def test_waiting_it_moves_nothing_and_keeps_its_load(load):
    truth = truth_of(load)
    expert = YardExpert()
    assert not np.array_equal(expert.act(with_mover(truth, alert=False)), np.zeros(4))
    near = with_mover(truth, alert=True)
    assert np.array_equal(expert.act(near), np.zeros(4))
    assert expert.phase(near) == "wait"
