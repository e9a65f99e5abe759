"""A client's connection, kept: made again where it is lost, and alive while nobody asks.

Who asks uses the connection itself. A thread makes it, and looks after it between the questions.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

from websockets.exceptions import InvalidStatus, InvalidURI

from loopyard import __version__
from loopyard.core.errors import ServeError, expected
from loopyard.surface.serve.connection import Connection
from loopyard.surface.serve.interface import Interface
from loopyard.surface.serve.wire import PROTOCOL, UNKNOWN, Message, pack, unpack

RETRY_S = 0.5
"""Between two looks at the connection, and between two tries to make it."""
OPEN_S = 10.0
"""For a try: the websocket, the hello and the welcome."""
CLOSE_S = 1.0
"""For a question that is still asked, and then for the goodbye."""


class Link:
    """expects, deadline_s: what the client's hello says. token: shown where there is one."""

    def __init__(
        self, url: str, expects: dict[str, Any], deadline_s: float | None, token: str | None
    ) -> None:
        self._url = url
        self._hello: Message = {
            "type": "hello",
            "protocol": PROTOCOL,
            "client": f"loopyard {__version__}",
            "expects": expects,
            "deadline_s": deadline_s,
        }
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._thread = threading.Thread(target=self._keep, name="loopyard-client", daemon=True)
        self._over = threading.Event()
        self._turn = threading.Lock()
        """Of whoever uses the connection."""
        self._first: Future[Message] = Future()
        self._connection: Connection | None = None
        self._lost = expected("client", url, "no answer", "a policy server")

    def start(self, connect_s: float) -> Message:
        """The server's welcome. Raises ServeError where there is none within `connect_s`."""
        self._thread.start()
        try:
            return self._first.result(connect_s)
        except TimeoutError:
            self.close()
            raise ServeError(f"{self._lost} ({connect_s:g} s long)") from None
        except ServeError:
            self.close()
            raise

    def exchange(self, seq: int | None, frame: bytes, timeout_s: float) -> Message:
        """Send a frame and return what answers it. seq: None for metrics.

        Raises:
            TimeoutError: nothing came in time. ServeError: there is no connection.
        """
        until_s = time.monotonic() + timeout_s
        if not self._turn.acquire(timeout=max(0.0, timeout_s)):
            raise TimeoutError
        try:
            if self._over.is_set():
                raise ServeError("client: the connection was closed")
            if self._connection is None:
                raise ServeError(self._lost)
            try:
                return _ask(self._connection, seq, frame, until_s)
            except TimeoutError:
                raise
            except Exception as error:  # whatever answers, the robot is told and stands still
                self._lose(error)
                raise ServeError(self._lost) from None
        finally:
            self._turn.release()

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        if not self._turn.acquire(timeout=CLOSE_S):
            if (connection := self._connection) is not None:
                connection.abort()  # under who still asks
            self._turn.acquire()
        try:
            connection, self._connection = self._connection, None
        finally:
            self._turn.release()
        if connection is not None:  # else the thread may wait for a name, or a server that hangs
            connection.close(CLOSE_S)
            self._thread.join()

    def _keep(self) -> None:
        """Connect, and again where the connection is lost."""
        while True:
            if self._connection is None:
                try:
                    self._connect()
                except Exception as error:  # whatever is at the address
                    self._lost = _reason(self._url, error)
                    if not self._first.done() and _is_final(error):
                        self._first.set_exception(ServeError(self._lost))
                        return
            if self._over.wait(RETRY_S):
                return
            with self._turn:
                if self._connection is not None:
                    try:
                        self._connection.tend()
                    except Exception as error:
                        self._lose(error)

    def _connect(self) -> None:
        until_s = time.monotonic() + OPEN_S
        connection = Connection(self._url, self._headers, until_s)
        try:
            connection.send(pack(self._hello), until_s)
            welcome = unpack(connection.receive(until_s))
            self._check(welcome)
        except BaseException:
            connection.close()
            raise
        with self._turn:
            if self._over.is_set():
                connection.close()
                return
            self._connection = connection
        if not self._first.done():
            self._first.set_result(welcome)

    def _check(self, welcome: Message) -> None:
        if welcome["type"] == "refused":
            raise ServeError(str(welcome.get("reason")))
        if welcome["type"] != "welcome" or welcome.get("protocol") != PROTOCOL:
            found = f"{welcome['type'][:40]} of protocol {welcome.get('protocol')!r}"
            raise ServeError(expected("server", "message", found, f"welcome of {PROTOCOL}"))
        now = Interface.from_dict(welcome.get("interface")).to_dict()
        for name, kind in (("deadline_s", float), ("most_bytes", int)):
            if not isinstance(welcome.get(name), kind):
                raise ServeError(expected("welcome", name, welcome.get(name), f"a {kind.__name__}"))
        if self._first.done():
            before = Interface.from_dict(self._first.result()["interface"]).to_dict()
            for name, value in before.items():
                if now[name] != value:
                    raise ServeError(expected("server", name, now[name], f"{value!r} as before"))

    def _lose(self, error: Exception) -> None:
        """There is no connection any more. For who has the turn."""
        connection, self._connection, self._lost = self._connection, None, _reason(self._url, error)
        if connection is not None:
            connection.close()


def _ask(connection: Connection, seq: int | None, frame: bytes, until_s: float) -> Message:
    connection.drop_old()
    connection.send(frame, until_s)
    while True:
        message = unpack(connection.receive(until_s))
        if message["type"] == "metrics":
            answers = None
        elif type(answers := message.get("seq")) is not int:
            raise TypeError(f"a seq that is {type(answers).__name__}")
        # UNKNOWN: it could not read the question, and there is only one.
        if answers == seq or (answers == UNKNOWN and seq is not None):
            return message


def _is_final(error: Exception) -> bool:
    """Whether trying again would not help: an address that is none, a server that refuses."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code != 503
    return isinstance(error, InvalidURI | ServeError)


def _reason(url: str, error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        body = (error.response.body or b"").decode(errors="replace").strip()
        found = f"HTTP {error.response.status_code}: {body[:200]}"
        return expected("client", url, found, "a policy server that lets it in")
    if isinstance(error, ServeError):
        return str(error)
    found = "no answer" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
    return expected("client", url, found, "a policy server")
