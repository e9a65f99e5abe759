"""The server over a real socket: drives, batches, deadlines."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from telling import CHUNK, INTERFACE, LIMIT_S, SPEC, STEPS, Raw, observation, row

from loopyard.surface.serve.server import ServerLimits
from loopyard.surface.serve.wire import array_of


def test_a_drive_goes_along_chunks_and_reset_begins_a_new_one(served):
    client = served.client(spec=SPEC, digest=INTERFACE.digest)
    assert [row(client.act(observation())) for _ in range(5)] == [0, 1, 0, 1, 0]
    client.reset()
    assert row(client.act(observation())) == 0
    assert served.policy.sizes == [1] * 4
    assert client.last is not None
    assert not client.last.safe
    assert (client.chunk_size, client.n_action_steps, client.digest) == (
        CHUNK,
        STEPS,
        INTERFACE.digest,
    )


def test_actions_keep_to_the_limits_of_their_channels(served):
    client = served.client()
    np.testing.assert_array_equal(client.act(observation(-0.5, 3.0)), [0, 1, 0])
    assert client.predict_chunk(observation(-0.5, 3.0))[1:, 1].tolist() == [1, 1, 1]


def test_each_client_has_a_drive_of_its_own(served):
    one, other = served.client(), served.client()
    assert [row(one.act(observation(0.1))) for _ in range(1)] == [0]
    found = other.act(observation(0.2))
    assert (row(found), round(float(found[0]), 1)) == (0, 0.2)
    found = one.act(observation(0.3))
    assert (row(found), round(float(found[0]), 1)) == (1, 0.1)


def test_a_chunk_can_be_asked_for_and_leaves_the_drive_alone(served):
    client = served.client()
    assert row(client.act(observation())) == 0
    chunks = client.predict_chunks([observation(0.1), observation(0.2)])
    assert chunks.shape == (2, CHUNK, 3)
    np.testing.assert_allclose(chunks[:, 0, 0], [0.1, 0.2], atol=1e-6)
    assert row(client.act(observation())) == 1


def test_a_policy_that_looks_back_is_shown_the_ticks_before(serve, policy):
    client = serve(policy, replace(INTERFACE, n_obs_steps=3)).client()
    for x in (0.1, 0.2, 0.3, 0.4, 0.5):
        client.act(observation(x))
    client.reset()
    client.act(observation(0.6))
    seen = [[obs["observation.state"][0] for obs in shown["history"]] for shown in policy.shown]
    np.testing.assert_allclose(seen[1], [0.1, 0.2])
    np.testing.assert_allclose(seen[2], [0.3, 0.4])
    assert seen[3] == []


def test_for_a_chunk_the_client_tells_the_ticks_before(serve, policy):
    client = serve(policy, replace(INTERFACE, n_obs_steps=3)).client()
    history = [observation(x) for x in (0.1, 0.2, 0.3)]
    assert client.predict_chunk({**observation(0.4), "history": history}).any()
    client.act(observation(0.5))
    seen = [[obs["observation.state"][0] for obs in shown["history"]] for shown in policy.shown]
    np.testing.assert_allclose(seen[0], [0.2, 0.3])
    assert seen[1] == []
    assert not client.predict_chunk({**observation(), "history": [observation(9, np.nan)]}).any()
    assert client.last is not None
    assert "found nan" in client.last.reason


def test_what_waits_is_predicted_in_one_pass(serve, policy):
    served = serve(policy)
    policy.gate.clear()
    with Raw(served) as first, Raw(served) as second, Raw(served) as third:
        first.observe(1)
        assert policy.began.wait(LIMIT_S)
        for raw, x in ((second, 0.2), (third, 0.3)):
            raw.observe(1, observation(x))
            raw.send(type="metrics")
            assert raw.receive()["type"] == "metrics"  # so its observation waits by now
        policy.gate.set()
        actions = [array_of("t", "a", raw.receive()["action"]) for raw in (first, second, third)]
    assert policy.sizes == [1, 2]
    np.testing.assert_allclose([action[0] for action in actions], [0.5, 0.2, 0.3], atol=1e-6)


def test_a_pass_takes_no_more_than_it_may(serve, policy):
    served = serve(policy, limits=ServerLimits(batch=2))
    policy.gate.clear()
    with ExitStack() as stack:
        raws = [stack.enter_context(Raw(served)) for _ in range(5)]
        for number, raw in enumerate(raws):
            raw.observe(1)
            if number == 0:
                assert policy.began.wait(LIMIT_S)
            raw.send(type="metrics")
            raw.receive()
        policy.gate.set()
        assert not any(raw.receive()["safe"] for raw in raws)
    assert policy.sizes == [1, 2, 2]


def test_the_newest_observation_wins(serve, policy):
    served = serve(policy)
    policy.gate.clear()
    with Raw(served) as raw:
        for seq in range(1, 5):
            raw.observe(seq, observation(seq / 10))
            if seq == 1:
                assert policy.began.wait(LIMIT_S)
        late = [raw.receive() for _ in range(2)]
        policy.gate.set()
        answers = [raw.receive() for _ in range(2)]
    assert [(one["seq"], one["safe"], one["kind"]) for one in late] == [
        (2, True, "late"),
        (3, True, "late"),
    ]
    assert "observation 3 came before the action" in late[0]["reason"]
    assert [(one["seq"], one["safe"]) for one in answers] == [(1, False), (4, False)]
    assert policy.sizes == [1, 1]


def test_no_action_in_time_is_the_safe_one_from_the_server(serve, policy):
    served = serve(policy)
    policy.gate.clear()
    with Raw(served, {"deadline_s": 0.05}) as raw:
        raw.observe(1)
        answer = raw.receive()
        policy.gate.set()
        assert (answer["seq"], answer["kind"]) == (1, "late")
        assert answer["reason"] == "late: no action within 50 ms"
        assert array_of("t", "a", answer["action"]).tolist() == [0, 0, 0]
        raw.send(type="metrics")
        assert raw.receive()["metrics"]["late"] == 1


def test_no_answer_in_time_is_the_safe_one_from_the_client(serve, policy):
    served = serve(policy)
    client = served.client(deadline_s=0.2)
    policy.gate.clear()
    assert client.act(observation()).tolist() == [0, 0, 0]
    assert client.last is not None
    assert client.last.safe
    assert client.last.reason.startswith("late: no a")
    assert client.predict_chunk(observation()).tolist() == [[0, 0, 0]] * CHUNK
    policy.gate.set()
    patient = served.client()
    assert row(patient.act(observation())) == 0
    client.deadline_s = LIMIT_S
    assert [row(client.act(observation())) for _ in range(3)] == [0, 1, 0]  # planned anew


def test_a_safe_action_ends_the_chunk(served):
    client = served.client()
    assert row(client.act(observation())) == 0
    assert client.act(observation(float("nan"))).tolist() == [0, 0, 0]
    assert row(client.act(observation())) == 0


def test_a_policy_that_fails_stops_one_robot_and_not_the_others(serve, policy):
    served = serve(policy)
    policy.gate.clear()
    with Raw(served) as first, Raw(served) as bad, Raw(served) as good:
        first.observe(1)
        assert policy.began.wait(LIMIT_S)
        for raw, obs in ((bad, observation(y=8)), (good, observation(0.2))):
            raw.observe(1, obs)
            raw.send(type="metrics")
            raw.receive()
        policy.gate.set()
        assert not first.receive()["safe"]
        assert not good.receive()["safe"]
        assert bad.receive()["reason"] == "the policy failed: RuntimeError: out of memory"
        assert policy.sizes == [1, 2, 1, 1]  # together, and then each alone
        bad.observe(2, observation(y=9))
        answer = bad.receive()
        assert (answer["kind"], answer["safe"]) == ("failed", True)
        assert "chunk: found 'a value that is not finite'" in answer["reason"]
    assert any("stands still, 1 of its ticks: the policy failed" in line for line in served.log)


class NoTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it does not even say why")


@pytest.mark.parametrize("error", [RuntimeError("caf\udce9"), NoTextError()])
def test_a_failure_that_cannot_be_told_as_it_is_is_told_all_the_same(serve, policy, error):
    def fails(observations) -> None:
        raise error

    works, policy.predict_chunks = policy.predict_chunks, fails
    client = serve(policy).client()
    assert client.act(observation()).tolist() == [0, 0, 0]
    assert client.last is not None
    assert client.last.reason.startswith(f"the policy failed: {type(error).__name__}")
    policy.predict_chunks = works
    assert row(client.act(observation())) == 0


def test_one_whose_instruction_is_not_understood_is_shown_alone(serve, policy):
    served = serve(policy)
    client = served.client()
    assert client.act(observation(task="geh")).tolist() == [0, 0, 0]
    assert client.last is not None
    assert client.last.reason == "policy: task: found 'geh', expected English"
    policy.sizes.clear()
    policy.began.clear()
    policy.gate.clear()
    with Raw(served) as first, Raw(served) as good:
        first.observe(1)
        assert policy.began.wait(LIMIT_S)
        asking = threading.Thread(target=client.act, args=(observation(task="geh"),))
        asking.start()
        good.observe(1)
        good.send(type="metrics")
        good.receive()
        policy.gate.set()
        assert not first.receive()["safe"]
        assert not good.receive()["safe"]
        asking.join()
    assert policy.sizes == [1, 1, 1]
    assert row(client.act(observation())) == 0
