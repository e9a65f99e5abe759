"""Driving on along a chunk while the next one is predicted, without a real clock."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.evaluation.execution import LatencyModel, start_execution
from loopyard.policies.asynchronous import AsynchronousPolicy, ticks_between

CHUNK = 10
PATIENCE_S = 60.0


class Telling:
    """Action k of the chunk that tick t was seen for is (t + 1, k); waits until it is allowed to
    answer, so that a test says how many ticks a prediction takes."""

    chunk_size = CHUNK
    temporal_ensemble: float | None = None

    def __init__(self, n_action_steps: int = 2) -> None:
        self.n_action_steps = n_action_steps
        self.allowed = threading.Semaphore(0)
        self.seen: list[dict] = []

    def reset(self) -> None:
        pass

    def act(self, obs):
        raise NotImplementedError

    def predict_chunk(self, obs):
        assert self.allowed.acquire(timeout=PATIENCE_S)
        self.seen.append(obs)
        return self.predict_chunks([obs])[0]

    def predict_chunks(self, observations):
        chunk = np.zeros((len(observations), CHUNK, 2), np.float32)
        chunk[..., 0] = [[obs["tick"] + 1] for obs in observations]
        chunk[..., 1] = np.arange(CHUNK)
        return chunk


class Drive:
    """Calls ``act`` tick by tick and knows at which tick the prediction under way was begun."""

    def __init__(self, policy: Telling) -> None:
        self.policy = policy
        self.running = AsynchronousPolicy(policy, action_size=2)
        self.tick = self.begun = 0

    def answer(self) -> None:
        self.policy.allowed.release()
        coming = self.running._coming
        assert coming is not None
        assert wait([coming], timeout=PATIENCE_S).done

    def act(self) -> tuple[float, float]:
        before = self.running._coming
        action = self.running.act({"tick": self.tick})
        if self.running._coming not in (before, None):
            self.begun = self.tick
        self.tick += 1
        return float(action[0]), float(action[1])


@pytest.fixture
def drive():
    drives: list[Drive] = []

    def make(n_action_steps: int = 2) -> Drive:
        drives.append(Drive(Telling(n_action_steps)))
        return drives[-1]

    yield make
    for one in drives:
        one.policy.allowed.release(100)
        one.running.close()


@pytest.mark.parametrize("n_action_steps", [1, 2, 4, CHUNK])
@pytest.mark.parametrize("delay_ticks", [1, 2, 3, 5, 7])
def test_it_drives_as_the_simulated_latency_says(drive, n_action_steps, delay_ticks):
    real = drive(n_action_steps)
    simulated = start_execution(Telling(n_action_steps), LatencyModel(delay_ticks))
    for tick in range(40):
        if tick % simulated.stride == 0:
            simulated.offer(real.policy.predict_chunks([{"tick": tick}])[0])
        if tick and real.tick - real.begun == delay_ticks:
            real.answer()
        assert real.act() == tuple(simulated.next()), tick
    assert real.running.timeliness.metrics() == simulated.metrics()


def test_a_chunk_is_aligned_to_the_tick_it_was_seen_at(drive):
    one = drive()
    assert [one.act() for _ in range(3)] == [(0.0, 0.0)] * 3
    one.answer()
    assert one.act() == (1.0, 3.0)
    assert one.running.timeliness.metrics() == {
        "starting_ticks": 3.0,
        "late_ticks": 0.0,
        "observation_age_ticks": 3.0,
    }


def test_a_late_chunk_is_bridged_by_the_old_one_and_then_by_zeros(drive):
    one = drive()
    one.act()
    one.answer()
    rest = [one.act() for _ in range(CHUNK + 2)]
    assert rest == [(1.0, float(age)) for age in range(1, CHUNK)] + [(0.0, 0.0)] * 3
    one.answer()  # it was begun at tick 2, which is 11 ticks ago: all of it is past
    assert one.act() == (0.0, 0.0)
    one.answer()
    assert one.act() == (CHUNK + 3 + 1, 1.0)
    assert one.running.timeliness.late_ticks == 4


def test_reset_and_close_leave_no_thread(drive):
    def threads() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("prediction")]

    one = drive()
    one.act()
    assert len(threads()) == 1
    one.policy.allowed.release()
    one.running.reset()
    assert threads() == []
    assert one.running.timeliness.starting_ticks == 0
    one.tick = 20
    assert one.act() == (0.0, 0.0)  # what was predicted before the reset is forgotten
    one.answer()
    assert one.act() == (21.0, 1.0)
    with one.running:
        one.policy.allowed.release(9)
    assert threads() == []


def test_what_a_prediction_raises_arrives_at_the_tick_that_finds_it(drive):
    one = drive()
    one.running.act({"observation.state": 3})
    one.answer()
    with pytest.raises(KeyError, match="tick"):
        one.act()
    one.tick = 2
    one.act()
    one.answer()
    assert one.act() == (3.0, 1.0)


def test_an_observation_may_change_while_it_is_looked_at(drive):
    one = drive()
    obs = {"tick": np.array(0)}
    one.running.act(obs)
    obs["tick"] += 50
    one.answer()
    assert one.running.act(obs)[0] == 1.0


def test_a_policy_that_looks_at_several_ticks_is_shown_those_before(drive):
    policy = Telling(n_action_steps=1)
    policy.n_obs_steps = 3  # type: ignore[attr-defined]
    one = Drive(policy)
    one.act()
    one.answer()
    for _ in range(3):
        one.act()
        one.answer()
    shown = [[early["tick"] for early in obs["history"]] for obs in policy.seen]
    assert shown == [[], [0], [0, 1], [1, 2]]
    one.running.close()


def test_an_ensemble_is_refused():
    policy = Telling()
    policy.temporal_ensemble = 0.01
    with pytest.raises(ConfigError, match=r"temporal_ensemble: found 0\.01"):
        AsynchronousPolicy(policy, 2)


@pytest.mark.parametrize(
    ("asked", "between"),
    [((2, 10, 0), 2), ((2, 10, 5), 5), ((10, 10, 3), 7), ((10, 10, 7), 7), ((1, 1, 0), 1)],
)
def test_how_often_it_predicts(asked, between):
    assert ticks_between(*asked) == between


def test_errors_of_a_policy_keep_their_kind(drive):
    class Refusing(Telling):
        def predict_chunk(self, obs):
            raise CheckpointError("policy: observation.images.ego: missing")

    with AsynchronousPolicy(Refusing(), 2) as policy:
        policy.act({"tick": 0})
        coming = policy._coming
        assert coming is not None
        wait([coming], timeout=PATIENCE_S)
        with pytest.raises(CheckpointError, match=r"images\.ego"):
            policy.act({"tick": 1})
