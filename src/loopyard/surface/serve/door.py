"""Who may come in, and what plain HTTP is told on the same port.

Without a token the server is for this machine alone. Browsers are kept out: a page from anywhere
may open a websocket to 127.0.0.1, and says so by its ``Origin``.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Mapping
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from loopyard.core.errors import ConfigError, expected
from loopyard.surface.serve.interface import Interface
from loopyard.surface.serve.metrics import Metrics
from loopyard.surface.serve.wire import TOKEN

SHORTEST = 16
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def token_of(environment: Mapping[str, str], host: str) -> str | None:
    """The token that clients must show; None where none is set and `host` is this machine.

    Raises:
        ConfigError: no token, and others could come in; or one that is soon guessed.
    """
    token = environment.get(TOKEN)
    if token is None and not _is_own(host):
        wanted = f"127.0.0.1, or a token in the environment variable {TOKEN}"
        raise ConfigError(expected("serve", "--host", host, wanted))
    if token is not None and (len(token) < SHORTEST or not token.isascii() or " " in token):
        found = f"{len(token)} characters"
        wanted = f"at least {SHORTEST}, plain ASCII without spaces"
        raise ConfigError(expected("serve", TOKEN, found, wanted))
    return token


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door:
    """Looks at each HTTP request before it becomes a websocket. most: clients at once."""

    def __init__(
        self, interface: Interface, metrics: Metrics, *, token: str | None, most: int
    ) -> None:
        self._interface = interface
        self._metrics = metrics
        self._token = token
        self._most = most

    def look(self, connection: ServerConnection, request: Request) -> Response | None:
        """None lets the websocket in."""
        path = request.path.partition("?")[0]
        if path == "/health":
            content = {"status": "ok", "policy": self._interface.digest}
            response = connection.respond(HTTPStatus.OK, json.dumps(content) + "\n")
            return _with_type(response, "application/json")
        if not self._knows(request.headers.get("Authorization", "")):
            self._metrics.counts["refused"] += 1
            answer = "a token is needed: Authorization: Bearer TOKEN\n"
            return connection.respond(HTTPStatus.UNAUTHORIZED, answer)
        if path == "/metrics":
            response = connection.respond(HTTPStatus.OK, self._metrics.prometheus())
            return _with_type(response, PROMETHEUS)
        if path != "/":
            found = expected("serve", "path", path[:80], "/, /health or /metrics")
            return connection.respond(HTTPStatus.NOT_FOUND, found + "\n")
        if self._metrics.clients >= self._most:
            self._metrics.counts["refused"] += 1
            answer = f"{self._most} clients are here already, as many as may be (--max-clients)\n"
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, answer)
        return None

    def _knows(self, authorization: str) -> bool:
        if self._token is None:
            return True
        shown = authorization.removeprefix("Bearer ").strip()
        return hmac.compare_digest(shown.encode(), self._token.encode())


def _with_type(response: Response, kind: str) -> Response:
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = kind
    return response
