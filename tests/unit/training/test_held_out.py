"""Held-out errors by their right names: units, channels, strata, and steps that are not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.specs import Channel
from loopyard.training.held_out import Errors, figures, scale_of

BASE = (Channel("linear_x", "1.15 m/s", 0.0, 1.0), Channel("linear_y", "0.5 x 2 m/s from 0.1"))
LEVERS = (Channel("throttle", "0.8 m/s"), Channel("steering", "2 rad/s"), Channel("lift"))
WEIGHTS = torch.tensor([1.5, 0.5])


def errors(difference: list, channels=BASE, pad: list | None = None) -> Errors:
    """difference: (B, 2, A) of what was predicted."""
    off = torch.tensor(difference, dtype=torch.float32)
    is_pad = torch.zeros(off.shape[:2], dtype=torch.bool) if pad is None else torch.tensor(pad)
    return Errors.of(off + 0.25, torch.full_like(off, 0.25), is_pad, WEIGHTS, channels)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("1.15 m/s", (1.15, "m/s")),
        ("m/s", (1.0, "m/s")),
        ("0.5 x m/s from 0.5", (0.5, "m/s")),
        ("0.5 x 2 m/s", (1.0, "m/s")),
        ("1", (1.0, "1")),
        ("pi rad", (1.0, "pi rad")),
    ],
)
def test_what_one_is_worth(unit, scale):
    assert scale_of(unit) == pytest.approx(scale)


def test_velocities_are_told_in_metres_a_second():
    found = figures(errors([[[0.2, 0.0], [0.2, 0.4]]]), BASE, [{}])
    assert found["rmse_velocity_act.linear_x"] == pytest.approx(0.23)
    assert found["rmse_velocity_act.linear_y"] == pytest.approx(0.4 / np.sqrt(2))
    assert found["rmse_velocity_act"] == pytest.approx(np.sqrt((2 * 0.23**2 + 0.16) / 4))
    # The first step weighs three times as much.
    assert found["loss_velocity_act"] == pytest.approx((2 * 0.23 + 0.5 * 0.4) / 4)


def test_steps_past_the_end_do_not_count():
    padded = errors([[[0.2, 0.0], [9.0, 9.0]]], pad=[[False, True]])
    found = figures(padded, BASE, [{}])
    assert found["rmse_velocity_act.linear_x"] == pytest.approx(0.23)
    assert found["loss_velocity_act"] == pytest.approx(0.115)


def test_each_stratum_is_told_where_there_are_several():
    made = [[[0.1, 0.1]] * 2, [[0.3, 0.3]] * 2, [[0.3, 0.3]] * 2]
    strata = [{"side": side, "boxes": "1"} for side in ("left", "right", "right")]
    found = figures(errors(made, (Channel("a", "m/s"), Channel("b", "m/s"))), BASE[:1] * 2, strata)
    assert found["rmse_velocity_act.side=left"] == pytest.approx(0.1)
    assert found["rmse_velocity_act.side=right"] == pytest.approx(0.3)
    assert not [name for name in found if "boxes" in name]


def test_what_is_no_velocity_keeps_its_own_unit():
    found = figures(errors([[[0.1, 0.1, 0.1]] * 2], LEVERS), LEVERS, [{}])
    assert found == pytest.approx(
        {
            "loss_velocity_act": 0.08,
            "rmse_velocity_act": 0.08,
            "rmse_velocity_act.throttle": 0.08,
            "rmse_action.steering": 0.2,
            "rmse_action.lift": 0.1,
        }
    )
    alike = LEVERS[1:2] * 2
    assert "rmse_action" in figures(errors([[[0.1, 0.1]] * 2], alike), alike, [{}])


def test_parts_join():
    first, second = errors([[[0.1, 0.1]] * 2]), errors([[[0.3, 0.1]] * 2])
    whole = errors([[[0.1, 0.1]] * 2, [[0.3, 0.1]] * 2])
    for name in ("absolute", "weight", "squared", "steps"):
        joined = getattr(Errors.joined([first, second]), name)
        assert np.array_equal(joined, getattr(whole, name))
