"""The lockstep drive: outcomes, batching, observers, and what must not change a drive."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.execution import ChunkQueue, start_execution
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.rollout import RolloutJob, Watcher, drive, rollout

SCENARIO = Scenario(world="glue_world:GlueWorld")


@pytest.fixture
def dots(importable_worlds):
    import glue_world

    return glue_world


class Diary(Watcher):
    def __init__(self):
        self.actions, self.states, self.ticks, self.record, self.final = [], [], [], None, None

    def tick(self, tick, world, obs, action, info):
        self.ticks.append(tick)
        self.actions.append(action.copy())
        self.states.append(world.snapshot()[0])

    def end(self, record, world, obs, info):
        self.record, self.final = record, info


def jobs(seeds):
    return [RolloutJob(SCENARIO, seed, index) for index, seed in enumerate(seeds)]


def test_a_drive_that_succeeds(dots):
    record = rollout(dots.GlueWorld(), dots.Homing(), SCENARIO, 3, digest="abc")
    assert record.outcome.success
    assert record.outcome.reason == "success"
    assert record.outcome.progress > 0.8
    assert record.outcome.counts == {"move": record.outcome.steps}
    assert record.outcome.seconds == record.outcome.steps / 10
    assert (record.seed, record.policy, record.lockstep) == (3, "abc", 1)


def test_what_the_scene_drew_is_kept_with_the_record(dots):
    class Drawing(dots.GlueWorld):
        def reset(self, **options):
            obs, info = super().reset(**options)
            return obs, {**info, "drawn": {"grip": 0.25, "floor": "tile"}}

    record = rollout(Drawing(), dots.Homing(), SCENARIO, 3)
    assert record.drawn == {"grip": 0.25, "floor": "tile"}
    assert RolloutRecord.from_dict(json.loads(record.to_json())) == record
    assert rollout(dots.GlueWorld(), dots.Homing(), SCENARIO, 3).drawn == {}


def test_a_drive_without_an_end_is_a_timeout_or_the_worlds_own_reason(dots):
    world = dots.GlueWorld()
    stuck = rollout(world, dots.Homing(), SCENARIO, 5)
    assert not stuck.outcome.success
    assert (stuck.outcome.steps, stuck.outcome.reason) == (40, "glued")

    class Lazy(dots.Homing):
        def predict_chunks(self, observations):
            return 0.01 * super().predict_chunks(observations)

    slow = rollout(world, Lazy(), SCENARIO, 5)
    assert slow.outcome.reason == "timeout"
    assert slow.outcome.idle_share == 1.0


def test_all_jobs_are_driven_once_with_full_batches(dots):
    policy = dots.Homing()
    results = list(drive([dots.GlueWorld() for _ in range(4)], policy, jobs(range(1, 12))))
    assert sorted(job.index for job, _ in results) == list(range(11))
    assert all(job.seed == record.seed for job, record in results)
    assert set(policy.batches) == {4}


def test_batches_are_filled_to_a_multiple_of_four_rows(dots):
    policy = dots.Homing()
    worlds = [dots.GlueWorld() for _ in range(8)]
    assert len(list(drive(worlds, policy, jobs(range(1, 14))))) == 13
    assert set(policy.batches) == {4, 8}


@pytest.mark.parametrize("worlds", [2, 3, 7])
@pytest.mark.parametrize("ensemble", [None, 0.1])
def test_company_does_not_change_a_drive(dots, worlds, ensemble):
    alone, together = {}, {}
    for count, found in ((1, alone), (worlds, together)):
        diaries = {}

        def observe(job, diaries=diaries):
            diaries[job.seed] = Diary()
            return [diaries[job.seed]]

        places = [dots.GlueWorld() for _ in range(count)]
        for _ in drive(places, dots.Homing(temporal_ensemble=ensemble), jobs(range(11)), observe):
            pass
        found.update(diaries)
    for seed in range(11):
        np.testing.assert_array_equal(alone[seed].actions, together[seed].actions)
        np.testing.assert_array_equal(alone[seed].states, together[seed].states)
        assert alone[seed].record.outcome == together[seed].record.outcome


def test_observers_see_the_state_before_the_action_and_the_end(dots):
    diary = Diary()
    record = rollout(dots.GlueWorld(), dots.Homing(), SCENARIO, 2, [diary])
    assert diary.ticks == list(range(record.outcome.steps))
    np.testing.assert_array_equal(diary.states[0], np.zeros(2))
    np.testing.assert_allclose(
        np.diff(diary.states, axis=0),
        dots.SPEED * np.array(diary.actions[:-1], np.float64),
        atol=1e-9,
    )
    assert diary.final is not None
    assert diary.final["success"]
    assert diary.record == record


def test_an_observer_that_forks_and_restores_changes_nothing(dots):
    class Fork(Watcher):
        def tick(self, tick, world, obs, action, info):
            here = world.snapshot()
            for _ in range(3):
                world.step(np.array([1.0, -1.0], np.float32))
            world.restore(here)

    plain = rollout(dots.GlueWorld(), dots.Homing(), SCENARIO, 2)
    forked = rollout(dots.GlueWorld(), dots.Homing(), SCENARIO, 2, [Fork()])
    assert forked.outcome == plain.outcome


def test_jobs_are_pulled_no_earlier_than_worlds_are_free(dots):
    pulled = []

    def endless():
        for index in itertools.count():
            pulled.append(index)
            yield RolloutJob(SCENARIO, 5 * index + 1, index)

    running = drive([dots.GlueWorld(), dots.GlueWorld()], dots.Homing(), endless())
    next(running)
    assert len(pulled) == 2


def test_actions_beyond_the_limits_are_clipped(dots):
    class Strong(dots.Homing):
        def predict_chunks(self, observations):
            return 100 * super().predict_chunks(observations)

    diary = Diary()
    rollout(dots.GlueWorld(), Strong(), SCENARIO, 2, [diary])
    assert np.abs(diary.actions).max() == 1.0


def test_a_policy_whose_numbers_went_bad_fails_its_drives(dots):
    class Broken(dots.Homing):
        def predict_chunks(self, observations):
            return np.full((len(observations), 6, 2), np.nan, np.float32)

    record = rollout(dots.GlueWorld(), Broken(), SCENARIO, 2)
    assert (record.outcome.success, record.outcome.reason) == (False, "non_finite_action")
    assert record.outcome.steps == 0


def test_a_policy_of_another_action_size_is_named(dots):
    class Wide(dots.Homing):
        def predict_chunks(self, observations):
            return np.zeros((len(observations), 6, 4), np.float32)

    with pytest.raises(CheckpointError, match=r"found \(1, 6, 4\), expected \(1, 6, 2\)"):
        rollout(dots.GlueWorld(), Wide(), SCENARIO, 2)


def test_an_ensemble_plans_every_tick_and_averages(dots):
    policy = dots.Homing(temporal_ensemble=0.5)
    execution = start_execution(policy)
    assert execution.stride == 1
    execution.offer(np.arange(12, dtype=np.float32).reshape(6, 2))
    np.testing.assert_array_equal(execution.next(), [0, 1])
    execution.offer(np.full((6, 2), 10, np.float32))
    old, new = np.exp([0.0, -0.5])
    np.testing.assert_allclose(
        execution.next(), (old * np.array([2, 3]) + new * 10) / (old + new), rtol=1e-6
    )


def test_queue_gives_the_chunk_in_order():
    queue = ChunkQueue(2)
    queue.offer(np.array([[1.0], [2.0], [3.0]], np.float32))
    assert [float(queue.next()[0]), float(queue.next()[0])] == [1.0, 2.0]


def test_a_policy_that_looks_at_several_ticks_is_shown_those_before(dots):
    def place(obs):
        return float(obs["observation.state"][0])

    class Remembering(dots.Homing):
        n_obs_steps = 3
        seen: list[list[float]] = []  # noqa: RUF012

        def predict_chunks(self, observations):
            self.seen += [[place(one) for one in (*obs["history"], obs)] for obs in observations]
            return super().predict_chunks(observations)

    class Witness(Watcher):
        def __init__(self):
            self.places = []

        def tick(self, tick, world, obs, action, info):
            self.places.append(place(obs))

    policy = Remembering(n_action_steps=2)
    for seed in (3, 4):
        witness, policy.seen = Witness(), []
        rollout(dots.GlueWorld(), policy, SCENARIO, seed, [witness])
        ticks = range(0, len(witness.places), 2)
        assert len(ticks) > 2
        assert policy.seen == [witness.places[max(0, tick - 2) : tick + 1] for tick in ticks]
