"""Whole drives: what each change keeps, and what undoes it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopyard.core.errors import ConfigError
from loopyard.core.specs import Channel, VectorSpec
from loopyard.data.augment.mirror import lateral_signs, mirror, mirror_text
from loopyard.data.augment.perturb import HeadingSpec, focal_px, perturb_heading
from loopyard.data.augment.retime import (
    Velocities,
    constant_rates,
    retime,
    warped_rates,
    within_limits,
)
from loopyard.data.augment.trajectory import Trajectory, mirrored, moved_right

SIGNS = np.array([1, -1, 1], np.float32), np.array([-1, 1], np.float32)
STEERED = Velocities(np.array([False, False, True]), np.array([True, False]), np.array([1.0, 1.0]))
"""The first action channel and the last state channel are velocities."""


def a_drive(length: int = 40, seed: int = 0) -> Trajectory:
    rng = np.random.default_rng(seed)
    action = rng.uniform(-1, 1, (length, 2)).astype(np.float32)
    return Trajectory(
        state=rng.uniform(-1, 1, (length, 3)).astype(np.float32),
        action=action,
        executed=(action * 0.5).astype(np.float32),
        phases=tuple("left turn" if tick < length // 2 else "dump" for tick in range(length)),
        task="Pass the box on the LEFT, then turn right.",
        source=np.arange(length),
        turned=rng.normal(0, 0.1, length),
        chunk=rng.uniform(-1, 1, (length, 4, 2)).astype(np.float32),
    )


def same(one: Trajectory, other: Trajectory) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in Trajectory.__dataclass_fields__
    )


def test_a_mirror_twice_is_nothing() -> None:
    drive = a_drive()
    once = mirror(drive, *SIGNS)
    assert not same(once, drive)
    assert same(mirror(once, *SIGNS), drive)


def test_a_mirror_changes_lateral_channels_alone() -> None:
    drive = a_drive()
    once = mirror(drive, *SIGNS)
    assert np.array_equal(once.state[:, 1], -drive.state[:, 1])
    assert np.array_equal(once.state[:, [0, 2]], drive.state[:, [0, 2]])
    assert np.array_equal(once.action[:, 0], -drive.action[:, 0])
    assert np.array_equal(once.executed[:, 1], drive.executed[:, 1])
    assert once.chunk is not None
    assert drive.chunk is not None
    assert np.array_equal(once.chunk[..., 0], -drive.chunk[..., 0])
    assert once.phases[0] == "right turn"
    assert once.task == "Pass the box on the RIGHT, then turn left."


def test_a_mirrored_picture_of_a_turned_robot_is_the_mirrored_turned_picture() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (6, 30, 3), dtype=np.uint8)
    drive = replace(a_drive(), turned=np.full(40, 0.2))
    turned = drive.picture(frame, 3, 20.0)
    assert np.array_equal(turned[:, 4:], frame[:, :-4])  # further right
    assert np.array_equal(mirror(drive, *SIGNS).picture(frame, 3, 20.0), mirrored(turned))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Turn left at the left-hand wall", "Turn right at the right-hand wall"),
        ("LEFT, Right, left", "RIGHT, Left, right"),
        ("take the leftmost cup leftwards", "take the rightmost cup rightwards"),
        ("a bright leftover", "a bright leftover"),
        ("장애물의 왼쪽으로 지나서 오른쪽에 있는 컵", "장애물의 오른쪽으로 지나서 왼쪽에 있는 컵"),
        ("좌회전 후 우측 차선", "우회전 후 좌측 차선"),
        ("", ""),
    ],
)
def test_words_of_the_instruction(text: str, other: str) -> None:
    assert mirror_text(text) == other
    assert mirror_text(other) == text


WORDS = st.sampled_from(
    ["left", "Right", "LEFT", "왼쪽", "오른쪽으로", "go", "rightward", ", ", "-"]
)


@settings(deadline=None, max_examples=50)
@given(st.lists(WORDS, max_size=8))
def test_words_twice_are_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assert mirror_text(mirror_text(text)) == text


def test_a_lateral_channel_is_symmetric() -> None:
    vector = VectorSpec((Channel("y", "m", -2, 2), Channel("lift", "m", 0, 1)))
    assert lateral_signs(vector, ("y",), "here").tolist() == [-1, 1]
    with pytest.raises(ConfigError, match="lateral channel lift: found 'limits 0 to 1'"):
        lateral_signs(vector, ("lift",), "here")


RATES = st.lists(st.floats(0.3, 3.0), min_size=1, max_size=60).map(np.array)


@settings(deadline=None, max_examples=40)
@given(RATES)
def test_retiming_keeps_the_path(rates: np.ndarray) -> None:
    drive = a_drive(len(rates))
    again = retime(drive, rates, STEERED)
    assert len(again) == math.ceil((1 / rates).sum() - 1e-6)
    for name in ("action", "executed"):
        before, after = getattr(drive, name)[:, 0], getattr(again, name)[:, 0]
        assert after.sum() == pytest.approx(before.sum(), abs=1e-4)
        assert np.abs(after).max() <= (np.abs(before) * rates).max() + 1e-5
    assert (np.diff(again.source) >= 0).all()
    seen = drive.state[again.source]
    assert np.array_equal(again.state[:, :2], seen[:, :2])  # a picture and its own state
    assert set(again.action[:, 1].tolist()) <= set(drive.action[:, 1].tolist())


def test_a_rate_of_one_changes_nothing() -> None:
    drive = replace(a_drive(), chunk=None)
    again = retime(drive, constant_rates(40, 1.0), STEERED)
    assert np.array_equal(again.source, drive.source)
    assert np.array_equal(again.state, drive.state)
    assert np.allclose(again.action, drive.action, atol=1e-6)


def test_half_speed_is_undone_by_double_speed() -> None:
    drive = a_drive()
    slow = retime(drive, constant_rates(40, 0.5), STEERED)
    assert len(slow) == 80
    assert np.allclose(slow.action[::2, 0], drive.action[:, 0] / 2, atol=1e-6)
    assert np.allclose(slow.state[::2, 2], drive.state[:, 2] / 2, atol=1e-6)
    again = retime(slow, constant_rates(80, 2.0), STEERED)
    assert np.array_equal(again.source, drive.source)
    assert np.allclose(again.action, drive.action, atol=1e-6)
    assert np.allclose(again.state, drive.state, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.2, 5.0), st.integers(0, 20))
def test_speed_stays_within_the_limits(speed: float, seed: int) -> None:
    drive = a_drive(30, seed)
    rates = within_limits(drive, constant_rates(30, speed), STEERED)
    assert np.abs(retime(drive, rates, STEERED).action[:, 0]).max() <= 1 + 1e-5
    driven = np.abs(drive.action[:, 0])  # more than what was executed
    assert np.allclose(rates, np.minimum(speed, 1 / driven), rtol=1e-5)


def test_a_warp_is_smooth_bounded_and_drawn_from_its_generator() -> None:
    rates = warped_rates(200, 0.5, 10, np.random.default_rng(3))
    assert rates.min() >= 1 / 1.5
    assert rates.max() <= 1.5
    assert rates.std() > 0.1
    assert np.abs(np.diff(np.log(rates))).max() <= 2 * math.log(1.5) / 10 * 1.1
    assert np.array_equal(rates, warped_rates(200, 0.5, 10, np.random.default_rng(3)))


COS_SIN = HeadingSpec(steering=0, radps=2.0, cos_sin=(0, 1))


def straight(length: int = 50) -> Trajectory:
    """Ahead, with room to steer; the heading is 0.5 rad throughout."""
    drive = replace(a_drive(length), turned=np.zeros(length), chunk=None)
    state = drive.state.copy()
    state[:, 0], state[:, 1] = math.cos(0.5), math.sin(0.5)
    action = drive.action * 0.2
    return replace(drive, state=state, action=action, executed=action.copy())


def perturbed(drive: Trajectory, std_rad: float, heading: HeadingSpec = COS_SIN) -> Trajectory:
    return perturb_heading(
        drive,
        heading,
        fps=10,
        std_rad=std_rad,
        recover_s=0.8,
        rng=np.random.default_rng(1),
    )


def test_the_heading_follows_what_is_executed() -> None:
    drive = straight()
    pushed = perturbed(drive, 0.05)
    assert pushed.turned[0] == 0
    assert 0.02 < pushed.turned.std() < 0.1
    more = (pushed.executed - drive.executed)[:-1, 0].astype(np.float64)
    assert np.allclose(np.diff(pushed.turned), more * 2.0 / 10, atol=1e-6)
    seen = np.arctan2(pushed.state[:, 1], pushed.state[:, 0])
    assert np.allclose(seen, 0.5 + pushed.turned, atol=1e-5)


def test_the_label_undoes_the_offset_in_the_time_given() -> None:
    drive = straight()
    pushed = perturbed(drive, 0.05)
    correction = (pushed.action - drive.action)[:, 0]
    inside = np.abs(pushed.action[:, 0]) < 1
    assert np.allclose(correction[inside], -pushed.turned[inside] / (2.0 * 0.8), atol=1e-5)
    undone = correction * 2.0 * 0.8  # rad turned by holding the correction for 0.8 s
    assert np.allclose((pushed.turned + undone)[inside], 0, atol=1e-5)
    assert np.array_equal(pushed.action[:, 1], drive.action[:, 1])


def test_a_channel_that_turns_right_is_corrected_the_other_way() -> None:
    drive = straight()
    pushed = perturbed(drive, 0.05, replace(COS_SIN, radps=-2.0))
    correction = (pushed.action - drive.action)[:, 0]
    assert (np.sign(correction) == np.sign(pushed.turned))[np.abs(pushed.turned) > 1e-4].all()


def test_without_pushes_nothing_changes() -> None:
    drive = straight()
    still = perturbed(drive, 0.0)
    assert np.array_equal(still.action, drive.action)
    assert np.array_equal(still.executed, drive.executed)
    assert np.allclose(still.state, drive.state, atol=1e-6)


def test_an_angle_in_the_state_wraps() -> None:
    drive = straight()
    state = drive.state.copy()
    state[:, 2] = 0.99  # of pi
    pushed = perturbed(replace(drive, state=state), 0.1, HeadingSpec(0, 2.0, angle=(2, math.pi)))
    assert np.abs(pushed.state[:, 2]).max() <= 1
    assert pushed.state[:, 2].min() < -0.9
    away = (pushed.state[:, 2] * math.pi - 0.99 * math.pi - pushed.turned) % (2 * math.pi)
    assert np.allclose(np.minimum(away, 2 * math.pi - away), 0, atol=1e-5)


def test_pixels_and_angles() -> None:
    assert focal_px(96, 90.0) == pytest.approx(48)
    frame = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    assert np.array_equal(moved_right(frame, 1.2)[0, :, 0], [0, 0, 3, 6])
    assert np.array_equal(moved_right(frame, -1.2)[0, :, 0], [3, 6, 9, 9])
    assert np.array_equal(moved_right(frame, 9)[0, :, 0], [0, 0, 0, 0])
