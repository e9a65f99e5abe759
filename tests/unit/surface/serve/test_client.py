"""The client where the server hangs, goes, comes again, or is another one."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from telling import (
    CHUNK,
    INTERFACE,
    LIMIT_S,
    SIZE,
    WELCOME,
    observation,
    server_that,
    wait_for,
)

from loopyard.client import PolicyClient
from loopyard.core.errors import ServeError
from loopyard.policies.policy import Policy
from loopyard.surface.serve.wire import pack, unpack

HEAVY = {"torch", "mujoco", "gymnasium", "pydantic", "pyarrow", "matplotlib", "tyro", "rich"}


def test_it_imports_nothing_that_a_robot_would_have_to_install():
    code = "import sys; from loopyard.client import PolicyClient; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()}.isdisjoint(HEAVY)


def test_it_is_a_policy(served):
    assert isinstance(served.client(), Policy)


def test_a_server_that_goes_and_comes_again_is_found_again(serve, policy):
    first = serve(policy)
    client = first.client(deadline_s=1.0)
    assert client.act(observation()).any()
    first._clients.clear()
    first.end()
    wait_for(lambda: not client.act(observation()).any())
    assert "found" in client.last.reason
    serve(policy, port=first.port)
    wait_for(lambda: bool(client.act(observation()).any()))
    client.close()


def test_another_policy_in_its_place_is_not_asked(serve, policy):
    first = serve(policy)
    client = first.client(deadline_s=1.0)
    first._clients.clear()
    first.end()
    serve(policy, replace(INTERFACE, digest="another"), port=first.port)

    def told() -> bool:
        assert not client.act(observation()).any()
        return (
            "digest: found 'another', expected '0123456789abcdef' as before" in client.last.reason
        )

    wait_for(told)
    client.close()


def test_a_server_that_hangs_does_not_hold_the_robot():
    over = threading.Event()
    obs = {**observation(), "observation.images.ego": np.zeros((500, 500, 3), np.uint8)}
    reasons = set()

    def nothing_leaves_any_more() -> bool:
        assert client.predict_chunk(obs).tolist() == [[0, 0, 0]] * CHUNK
        assert client.last is not None
        assert client.last.seconds < LIMIT_S / 2
        reasons.add(client.last.reason)
        return client.last.reason == "late: the server does not take what was sent before"

    with server_that(lambda socket: over.wait(LIMIT_S)) as url:
        try:
            with PolicyClient(url, connect_s=LIMIT_S) as client:
                client.deadline_s = 0.05
                wait_for(nothing_leaves_any_more)
        finally:
            over.set()
    assert "late: no answer within 50 ms" in reasons


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": None}, "server: action: found 'NoneType', expected an array"),
        ({"action": np.zeros(2, np.float32)}, r"server: action: found '\(2,\) float32', expected"),
        ({"action": np.full(3, np.nan, np.float32)}, "expected .* finite float32"),
        ({"action": np.zeros(3, np.uint8)}, "uint8"),
    ],
)
def test_an_answer_that_is_none_is_not_driven(answer, said):
    def answers(socket) -> None:
        seq = unpack(socket.recv(decode=False))["seq"]
        socket.send(pack({"type": "action", "seq": seq, "safe": False, **answer}))
        socket.recv(decode=False)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        client.deadline_s = LIMIT_S
        assert client.act(observation()).tolist() == [0, 0, 0]
        assert client.last is not None
        with pytest.raises(AssertionError, match=said):
            raise AssertionError(client.last.reason)


@pytest.mark.parametrize(
    ("welcome", "said"),
    [
        ({"type": "hello"}, "server: message: found 'hello of protocol None', expected welcome"),
        ({**WELCOME, "protocol": 2}, "found 'welcome of protocol 2', expected welcome of 1"),
        ({**WELCOME, "interface": [1]}, "welcome: interface: found"),
        ({**WELCOME, "deadline_s": None}, "welcome: deadline_s: found None, expected a float"),
        ({"type": "refused", "reason": "not you"}, "not you"),
    ],
)
def test_a_welcome_that_is_none_is_an_error(welcome, said):
    with (
        server_that(lambda socket: None, welcome) as url,
        pytest.raises(ServeError, match=said),
    ):
        PolicyClient(url, connect_s=LIMIT_S)


def test_what_makes_no_sense_at_all_is_not_driven_either():
    def answers(socket) -> None:
        socket.recv(decode=False)
        socket.send(pack({"type": "action", "seq": [1]}))
        socket.recv(decode=False)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        client.deadline_s = LIMIT_S
        assert client.act(observation()).tolist() == [0, 0, 0]
        assert client.last is not None
        assert "TypeError" in client.last.reason


@pytest.mark.parametrize(
    "obs",
    [
        None,
        {},
        {**observation(), "observation.state": "north"},
        {**observation(), "observation.state": [1.0]},
        {**observation(), "observation.images.ego": "a picture"},
        {**observation(), "observation.images.ego": np.zeros((SIZE, SIZE, 3))},
        {**observation(), "observation.images.ego": object()},
        {**observation(), "task": None},
        {**observation(), "task": "x" * 5_000},
    ],
)
def test_an_observation_that_is_none_stops_the_robot_and_raises_nothing(served, obs):
    client = served.client()
    assert client.act(obs).tolist() == [0, 0, 0]
    assert client.last is not None
    assert " found " in client.last.reason
    assert client.act(observation()).any()


def test_the_log_tells_when_the_robot_stops_and_goes_on(served, caplog):
    client = served.client()
    for obs in (observation(), {}, {}, observation(), observation()):
        client.act(obs)
    lines = [record.getMessage() for record in caplog.records if record.name == "loopyard.client"]
    assert [line[:22] for line in lines] == ["the robot stands still", "the robot goes on"]


def test_after_its_end_it_stands_still(served):
    client = served.client()
    client.close()
    client.close()
    assert client.act(observation()).tolist() == [0, 0, 0]
    assert client.last is not None
    assert client.last.reason == "client: the connection was closed"
