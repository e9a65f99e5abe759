"""Topics onto one clock: nearest pictures, held and interpolated numbers, gaps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import DatasetError
from loopyard.data.importers.bags.clock import NS, Timeline, Track, timeline, track


def at(topic: str, times_s: list[float], values: Any = None, names: tuple[str, ...] = ()) -> Track:
    values = np.empty((len(times_s), 0)) if values is None else np.array(values, np.float64)
    names = names or tuple(map(str, range(values.shape[1])))
    return track("drive.bag", topic, [round(t * NS) for t in times_s], names, values)


def lined_up(
    pictures: list[float] | None = None, state: Track | None = None, **options: Any
) -> Timeline:
    beat = [t / 10 for t in range(11)]
    settings = {"fps": 10, "tolerance_s": 0.1, "linear": False, "max_gap_s": 0.5} | options
    camera = at("/camera", beat if pictures is None else pictures)
    state = state or at("/odom", [0.0, 1.0], [[0.0], [10.0]])
    return timeline("drive.bag", {"ego": camera}, [state], [ACTION], **settings)


ACTION = at("/cmd_vel", [-0.05, 0.25, 0.51, 2.0], [[1.0], [2.0], [3.0], [4.0]])


def test_a_command_holds_until_the_next_one():
    ticks = lined_up(max_gap_s=5.0)
    assert ticks.action[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]
    assert ticks.action.dtype == np.float32
    assert ticks.ended is None


def test_a_picture_is_the_nearest_and_the_earlier_of_two_as_near():
    ticks = lined_up([0.0, 0.14, 0.26, 0.4, 0.6, 0.69, 0.81, 1.0], max_gap_s=5.0)
    assert ticks.pictures["ego"].tolist() == [0, 1, 1, 2, 3, 3, 4, 5, 6, 6, 7]


def test_states_are_held_or_interpolated():
    state = at("/odom", [0.0, 0.3, 1.0], [[0.0], [3.0], [10.0]])
    assert lined_up(state=state, max_gap_s=5.0).state[:5, 0].tolist() == [0, 0, 0, 3, 3]
    linear = lined_up(state=state, max_gap_s=5.0, linear=True).state[:, 0]
    assert linear == pytest.approx(np.arange(11))


def test_an_angle_goes_the_short_way_round():
    state = at("/odom", [0.0, 1.0], [[math.pi - 0.1], [-math.pi + 0.1]], ("yaw",))
    yaw = lined_up(state=state, max_gap_s=5.0, linear=True).state[:, 0]
    assert np.all(np.abs(yaw) >= math.pi - 0.1 - 1e-6)


@pytest.mark.parametrize(
    ("options", "length", "words"),
    [
        ({"max_gap_s": 0.3}, 4, "/odom: 0.400 s since the last message at 0.40 s, more than 0.3 s"),
        ({"max_gap_s": 0.3, "linear": True}, 1, "/odom: 1.000 s between two messages at 0.10 s"),
        ({"pictures": [0.0, 0.1, 0.9, 1.0], "max_gap_s": 5.0}, 3, "/camera: 0.200 s from the near"),
    ],
)
def test_a_gap_ends_the_timeline_and_is_told(options: dict[str, Any], length: int, words: str):
    ticks = lined_up(**options)
    assert ticks.length == length == len(ticks.state) == len(ticks.pictures["ego"])
    assert ticks.ended is not None
    assert words in ticks.ended


def test_topics_without_a_moment_in_common_are_refused():
    with pytest.raises(DatasetError, match=r"/odom.*some time in common; stamps=receive"):
        lined_up(state=at("/odom", [5.0, 6.0], [[0.0], [0.0]]))


def test_stamps_that_fall_are_refused():
    with pytest.raises(DatasetError, match=r"drive.bag: /odom: header.stamp of message 2: found"):
        at("/odom", [0.0, 0.2, 0.1])
    with pytest.raises(DatasetError, match="no message"):
        at("/odom", [])


def test_a_wild_stamp_does_not_make_billions_of_ticks():
    far = [0.0, 2e9]
    tracks = [at("/odom", far, [[0.0], [1.0]])], [at("/cmd_vel", far, [[0.0], [1.0]])]
    settings = {"fps": 1000, "tolerance_s": 0.1, "linear": False, "max_gap_s": 0.5}
    ticks = timeline("drive.bag", {"ego": at("/camera", far)}, *tracks, **settings)
    assert ticks.length == 101
    assert ticks.ended is not None
