"""A client's connection, in a thread of its own: a deadline holds whatever the network does.

At most one question waits for its answer. What did not leave this machine yet keeps later ones from
being sent, so that nothing piles up before a server that hangs.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI

from loopyard import __version__
from loopyard.core.errors import ServeError, expected
from loopyard.surface.serve.interface import Interface
from loopyard.surface.serve.wire import PROTOCOL, UNKNOWN, Message, pack, unpack

RETRY_S = 0.5
MOST_BYTES = 1 << 24


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
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="loopyard-client", daemon=True)
        self._first: Future[Message] = Future()
        self._connection: ClientConnection | None = None
        self._lost = expected("client", url, "no answer", "a policy server")
        self._answers: dict[int | None, asyncio.Future[Message]] = {}

    def start(self, connect_s: float) -> Message:
        """The server's welcome. Raises ServeError where there is none within `connect_s`."""
        self._keeping = self._loop.create_task(self._keep())
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
        if not self._thread.is_alive():
            raise ServeError("client: the connection was closed")
        asked = asyncio.run_coroutine_threadsafe(self._exchange(seq, frame), self._loop)
        try:
            return asked.result(max(0.0, timeout_s))
        except TimeoutError:
            asked.cancel()
            raise

    def close(self) -> None:
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it ended meanwhile
                self._loop.call_soon_threadsafe(self._leave)
            self._thread.join()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._keeping)
        self._loop.close()

    def _leave(self) -> None:
        if self._connection is not None and self._connection.transport.get_write_buffer_size():
            self._connection.transport.abort()  # a goodbye would wait behind what does not leave
        self._keeping.cancel()

    async def _keep(self) -> None:
        """Connect, and again where the connection is lost."""
        while True:
            try:
                await self._converse()
                self._fail("the server closed the connection")
            except Exception as error:  # whatever is at the address, the robot is told and stands
                self._fail(_reason(self._url, error))
                if not self._first.done() and _is_final(error):
                    self._first.set_exception(ServeError(self._lost))
                    return
            await asyncio.sleep(RETRY_S)

    async def _converse(self) -> None:
        async with connect(
            self._url,
            additional_headers=self._headers,
            compression=None,
            max_size=MOST_BYTES,
            close_timeout=1.0,
            proxy=None,
        ) as connection:
            await connection.send(pack(self._hello))
            welcome = unpack(await connection.recv(decode=False))
            self._check(welcome)
            if not self._first.done():
                self._first.set_result(welcome)
            self._connection = connection
            try:
                while True:
                    self._hear(unpack(await connection.recv(decode=False)))
            except asyncio.CancelledError:
                await connection.close()  # a goodbye (1000), not an error (1011)
                raise

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

    def _hear(self, message: Message) -> None:
        seq = None if message["type"] == "metrics" else message.get("seq")
        if seq == UNKNOWN:  # it could not read the question: there is only one
            seq = max((number for number in self._answers if number is not None), default=UNKNOWN)
        waiting = self._answers.get(seq)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def _exchange(self, seq: int | None, frame: bytes) -> Message:
        connection = self._connection
        if connection is None:
            raise ServeError(self._lost)
        if connection.transport.get_write_buffer_size():
            raise ServeError("late: the server does not take what was sent before")
        answer = self._answers[seq] = self._loop.create_future()
        try:
            await connection.send(frame)
            return await answer
        except ConnectionClosed as error:
            raise ServeError(_reason(self._url, error)) from None
        finally:
            self._answers.pop(seq, None)

    def _fail(self, reason: str) -> None:
        """There is no connection: who waits is told."""
        self._connection, self._lost = None, reason
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(ServeError(reason))


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
    found = f"{type(error).__name__}: {error}"
    return expected("client", url, found, "a policy server")
