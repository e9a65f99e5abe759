"""The client's side of a websocket: what comes in pieces, too late, without end, or not at all."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from telling import LIMIT_S, observation, server_that, wait_for

from loopyard.client import PolicyClient
from loopyard.core.errors import ServeError
from loopyard.surface.serve.link import OPEN_S
from loopyard.surface.serve.wire import UNKNOWN, pack, unpack

AHEAD = np.array([0.5, 0, 0], np.float32)


def action(seq: int, **more: object) -> bytes:
    return pack({"type": "action", "seq": seq, "action": AHEAD, "safe": False, **more})


def asked(robot) -> int:
    return unpack(robot.recv(decode=False))["seq"]


def until_it_goes(robot) -> None:
    for _ in robot:
        pass


def test_an_answer_in_fragments_is_put_together():
    def answers(robot) -> None:
        frame = action(asked(robot))
        robot.send([frame[:5], frame[5:9], frame[9:]])
        until_it_goes(robot)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        client.deadline_s = LIMIT_S
        assert client.act(observation()).tolist() == AHEAD.tolist()


def test_an_answer_that_comes_too_late_is_none_to_the_next_question():
    asked_again, told = threading.Event(), threading.Event()

    def answers(robot) -> None:
        asked(robot)
        assert asked_again.wait(LIMIT_S)
        robot.send(action(UNKNOWN, reason="of the first"))
        told.set()
        seq = asked(robot)
        robot.send(action(seq - 1, reason="of the first"))
        robot.send(action(seq, reason="of the second"))
        until_it_goes(robot)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        client.deadline_s = 0.05
        assert not client.act(observation()).any()
        asked_again.set()
        assert told.wait(LIMIT_S)
        time.sleep(0.05)  # over loopback it is there by then
        client.deadline_s = LIMIT_S
        assert client.act(observation()).any()
        assert client.last is not None
        assert client.last.reason == "of the second"


def test_a_server_that_talks_without_end_does_not_hold_the_robot():
    over = threading.Event()

    def answers(robot) -> None:
        for number in count():
            if over.is_set():
                return
            robot.send(action(10**6 + number))

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        client.deadline_s = 0.1
        for _ in range(3):
            assert not client.act(observation()).any()
            assert client.last is not None
            assert client.last.seconds < LIMIT_S / 10
        over.set()


def test_between_the_questions_the_server_hears_that_the_robot_lives():
    heard = []

    def answers(robot) -> None:
        heard.append(robot.ping().wait(LIMIT_S))
        until_it_goes(robot)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S):
        wait_for(lambda: bool(heard))
    assert heard == [True]


def test_a_server_that_is_heard_no_more_is_left(monkeypatch):
    monkeypatch.setattr("loopyard.surface.serve.connection.PING_S", 0.2)
    over = threading.Event()
    stopped = []

    def answers(robot) -> None:
        if not stopped:  # the first connection falls silent: nobody reads its pings any more
            stopped.append(True)
            with robot.protocol_mutex:
                over.wait(LIMIT_S)
            return
        until_it_goes(robot)

    with server_that(answers) as url, PolicyClient(url, connect_s=LIMIT_S) as client:
        link, first = client._link, client._link._connection
        try:
            wait_for(lambda: link._connection not in (None, first))
            assert "nothing was heard for" in link._lost
            second = link._connection
            time.sleep(1.0)
            assert link._connection is second  # which answers pings
        finally:
            over.set()


def test_who_takes_the_call_and_says_nothing_is_waited_for_no_longer_than_told():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun_s = time.monotonic()
        with pytest.raises(ServeError, match=r"no answer.*\(0.2 s long\)"):
            PolicyClient(f"ws://127.0.0.1:{silent.getsockname()[1]}", connect_s=0.2)
        assert time.monotonic() - begun_s < OPEN_S / 2


def test_it_can_be_closed_under_who_still_asks(monkeypatch):
    monkeypatch.setattr("loopyard.surface.serve.link.CLOSE_S", 0.1)
    begun = threading.Event()

    def answers(robot) -> None:
        asked(robot)
        begun.set()
        until_it_goes(robot)

    with server_that(answers) as url:
        client = PolicyClient(url, connect_s=LIMIT_S)
        client.deadline_s = LIMIT_S
        asking = threading.Thread(target=client.act, args=(observation(),))
        asking.start()
        assert begun.wait(LIMIT_S)
        client.close()
        asking.join(LIMIT_S / 2)
        assert not asking.is_alive()
        assert client.last is not None
        assert client.last.safe


@pytest.fixture(params=["ws", "wss"])
def encryption(request, tmp_path: Path, monkeypatch) -> dict[str, ssl.SSLContext]:
    """Settings of a server; the client trusts its certificate."""
    if request.param == "ws":
        return {}
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    name = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*words.split(), *name], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return {"ssl": context}


def test_what_could_not_leave_in_time_leaves_later_and_whole(encryption):
    reads = threading.Event()
    picture = np.random.default_rng(0).integers(0, 255, (500, 500, 3), np.uint8)
    obs = {**observation(), "observation.images.ego": picture}

    def answers(robot) -> None:
        reads.wait(LIMIT_S)
        for frame in robot:
            message = unpack(frame)
            seen = message["observation"]["observation.images.ego"]["data"]
            assert seen == picture.tobytes()
            robot.send(action(message["seq"]))

    def stuck() -> bool:
        assert not client.act(obs).any()
        assert client.last is not None
        return client.last.reason == "late: the server does not take what was sent before"

    with server_that(answers, **encryption) as url:
        address = url.replace("ws:", "wss:") if encryption else url
        with PolicyClient(address, connect_s=LIMIT_S) as client:
            connection = client._link._connection
            client.deadline_s = 0.05
            try:
                wait_for(stuck)
            finally:
                reads.set()
            client.deadline_s = LIMIT_S
            assert all(client.act(obs).any() for _ in range(5))
            assert client._link._connection is connection
