"""Traces: kept of any world, whole on disk, and never of half a drive."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.errors import DatasetError, WorldError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.rollout import rollout
from loopyard.evaluation.trace import TraceRecorder, read_trace


@pytest.fixture
def toys(importable_worlds):
    import glue_world
    import signal_world

    return glue_world, signal_world


def recorded(world, seed, **settings):
    from glue_world import Homing

    recorder = TraceRecorder(2, **settings)
    record = rollout(world, Homing(), Scenario(world="toy"), seed, [recorder])
    return record, recorder.trace()


def test_a_row_for_each_action_and_one_for_the_end(toys):
    record, trace = recorded(toys[1].SignalWorld(), 3)
    assert trace.ticks == record.outcome.steps
    assert trace.signals.shape == (trace.ticks + 1, len(trace.signal_names))
    assert trace.signal("x_m")[0] == 0.0
    moved = np.diff(trace.signal("x_m"))
    np.testing.assert_allclose(moved, 0.1 * trace.actions[:, 0], atol=1e-6)
    assert trace.event("move").tolist() == [1] * trace.ticks
    assert trace.event("never").tolist() == [0] * trace.ticks
    assert (trace.stride, trace.fps) == (2, 10)
    assert trace.layout["targets_m"].shape == (1, 2)


def test_a_world_without_signals_still_gives_actions_and_events(toys):
    _, trace = recorded(toys[0].GlueWorld(), 3)
    assert trace.signal_names == ()
    assert trace.signals.shape == (trace.ticks + 1, 0)
    assert trace.event("move").sum() == trace.ticks
    with pytest.raises(KeyError):
        trace.signal("x_m")


def test_signals_may_be_left_out(toys):
    _, trace = recorded(toys[1].SignalWorld(), 3, signals=False)
    assert trace.signal_names == ()
    assert trace.layout == {}


def test_what_is_written_is_read_again(toys, tmp_path):
    _, trace = recorded(toys[1].SignalWorld(), 3)
    path = tmp_path / "trace.npz"
    path.write_bytes(trace.to_bytes())
    again = read_trace(path)
    np.testing.assert_array_equal(again.signals, trace.signals)
    np.testing.assert_array_equal(again.actions, trace.actions)
    np.testing.assert_array_equal(again.events, trace.events)
    assert (again.signal_names, again.event_names) == (trace.signal_names, trace.event_names)
    assert again.layout.keys() == trace.layout.keys()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY"])
def test_what_is_no_trace_is_named(content, tmp_path):
    path = tmp_path / "trace.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"trace.npz: content: found .*expected a trace"):
        read_trace(path)
    with pytest.raises(DatasetError, match=r"none\.npz"):
        read_trace(tmp_path / "none.npz")


def test_signals_that_come_and_go_are_the_worlds_mistake(toys):
    class Moody(toys[1].SignalWorld):
        def signals(self):
            found = super().signals()
            return found if self.place.any() else {"x_m": found["x_m"]}

    with pytest.raises(WorldError, match=r"world: signals\(\): found"):
        recorded(Moody(), 3)
