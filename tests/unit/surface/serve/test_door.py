"""Who is let in, who is sent away, and what is told at the door."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from telling import INTERFACE, LIMIT_S, SPEC, Raw, observation, row
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from loopyard.client import PolicyClient
from loopyard.core.errors import ServeError
from loopyard.core.specs import CameraSpec
from loopyard.surface.serve.server import PolicyServer, ServerLimits
from loopyard.surface.serve.wire import unpack

TOKEN = "nobody-knows-this-secret"


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        ({"protocol": 2}, "client: protocol: found 2, expected 1"),
        ({"type": "observe"}, "type: found 'observe', expected hello first"),
        ({"deadline_s": -1}, "deadline_s: found '-1', expected seconds"),
        ({"deadline_s": float("nan")}, "deadline_s: found 'nan'"),
        ({"expects": {"fps": 30}}, "client: fps: found 30, expected 10"),
    ],
)
def test_a_client_that_does_not_fit_is_told_why(served, hello, said):
    with Raw(served, hello) as raw:
        assert raw.welcome["type"] == "refused"
        assert said in raw.welcome["reason"]
    assert any(said in line for line in served.log)


def test_one_that_says_nothing_is_sent_away(serve, policy):
    served = serve(policy, limits=ServerLimits(hello_s=0.05))
    with connect(served.url, proxy=None) as socket:
        answer = unpack(socket.recv(LIMIT_S, decode=False))
    assert "found 'nothing', expected hello within 0.05 s" in answer["reason"]


def test_the_client_raises_what_differs(served):
    other = replace(SPEC, fps=5, cameras=(CameraSpec("ego", 4, 4),))
    with pytest.raises(ServeError, match=r"fps: found 5, expected 10; .*ego: found \[4, 4\]"):
        PolicyClient(served.url, spec=other)
    with pytest.raises(ServeError, match="digest: found 'f00', expected 0123456789abcdef"):
        PolicyClient(served.url, digest="f00")


def test_health_and_metrics_are_told_over_http(served):
    client = served.client()
    client.act(observation())
    client.act(observation(float("inf")))
    web = served.url.replace("ws", "http")
    health = httpx.get(f"{web}/health", trust_env=False)
    assert health.json() == {"status": "ok", "policy": INTERFACE.digest}
    told = httpx.get(f"{web}/metrics", trust_env=False)
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = told.text.splitlines()
    assert "loopyard_serve_clients 1" in lines
    assert 'loopyard_serve_answers_total{kind="action"} 1' in lines
    assert 'loopyard_serve_answers_total{kind="malformed"} 1' in lines
    assert 'quantile="0.99"' in told.text
    assert all(line.startswith("#") or len(line.split()) == 2 for line in lines)
    assert httpx.get(f"{web}/other", trust_env=False).status_code == 404
    found = client.metrics()
    assert (found["actions"], found["malformed"], found["passes"]) == (1, 1, 1)
    assert found["latency_ms"]["p99"] > 0
    json.dumps(found)


def test_with_a_token_only_who_shows_it_comes_in(serve, policy, monkeypatch):
    served = serve(policy, token=TOKEN)
    web = served.url.replace("ws", "http")
    for shown in (None, "wrong", TOKEN[:-1], TOKEN + "x"):
        with pytest.raises(ServeError, match="HTTP 401: a token is needed"):
            PolicyClient(served.url, token=shown)
    assert httpx.get(f"{web}/metrics", trust_env=False).status_code == 401
    assert httpx.get(f"{web}/health", trust_env=False).status_code == 200
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert "refused_total 5" in httpx.get(f"{web}/metrics", headers=headers, trust_env=False).text
    assert served.client(token=TOKEN).act(observation()).any()
    monkeypatch.setenv("LOOPYARD_SERVE_TOKEN", TOKEN)
    assert served.client().act(observation()).any()
    assert TOKEN not in "".join(served.log)


def test_a_page_in_a_browser_does_not_come_in(served):
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        Raw(served, origin="https://example.org")


def test_more_clients_than_may_be_are_sent_away(serve, policy):
    served = serve(policy, limits=ServerLimits(clients=1))
    first = served.client()
    with pytest.raises(ServeError, match="HTTP 503: 1 clients are here already"):
        PolicyClient(served.url, connect_s=0.5)
    assert row(first.act(observation())) == 0
    served.server._door._most = 2  # one that comes at the same moment as the last that may
    with Raw(served) as raw:
        assert raw.welcome["reason"] == "server: clients: found 'all here', expected 1 at most"


def test_nothing_there_is_an_error_in_a_line():
    with pytest.raises(ServeError, match=r"client: ws://127.0.0.1:1: found .*a policy server"):
        PolicyClient("ws://127.0.0.1:1", connect_s=0.2)
    with pytest.raises(ServeError, match=r"client: nonsense: found .InvalidURI"):
        PolicyClient("nonsense", connect_s=LIMIT_S)


def test_a_port_that_is_taken_is_named(served):
    second = PolicyServer(served.policy, INTERFACE)
    with pytest.raises(ServeError, match=f"127.0.0.1:{served.port}: found '.*in use"):
        asyncio.run(
            second.run("127.0.0.1", served.port, ready=lambda port: None, stop=asyncio.Event())
        )
