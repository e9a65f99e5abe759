"""The websocket: a handshake with each client, then one answer to each of its messages.

Memory is bounded whatever clients do: a frame has a largest size, no more than `UNANSWERED` frames
of a client are read before their answers have left, and of its observations only the newest waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from loopyard import __version__
from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import ServeError, expected
from loopyard.policies.policy import Policy
from loopyard.surface.serve.batcher import Batcher
from loopyard.surface.serve.door import Door
from loopyard.surface.serve.interface import Difference, Interface, as_text, differences
from loopyard.surface.serve.log import ClientLog
from loopyard.surface.serve.metrics import Metrics
from loopyard.surface.serve.session import Session
from loopyard.surface.serve.wire import PROTOCOL, Message, pack, unpack

UNANSWERED = 8
SMALLEST_LIMIT = 1 << 20
MOST_DEADLINE_S = 600.0
REFUSED = 1008
"""The websocket's close code for a client that breaks a rule."""


@dataclass(frozen=True)
class ServerLimits:
    """clients: at once. batch: observations of one forward pass. hello_s: for the handshake after
    the connection stands. send_s: for an answer to leave; then the client is too slow. close_s: to
    say goodbye.
    """

    clients: int = 64
    batch: int = 32
    hello_s: float = 5.0
    send_s: float = 5.0
    close_s: float = 2.0


class PolicyServer:
    """Serves one policy. say: takes lines for the log. token: what clients must show, if any."""

    def __init__(
        self,
        policy: Policy,
        interface: Interface,
        *,
        token: str | None = None,
        limits: ServerLimits | None = None,
        say: Callable[[str], None] = lambda line: None,
        clock: Clock | None = None,
    ) -> None:
        self.metrics = Metrics()
        self.interface = interface
        self._policy = policy
        self._limits = limits or ServerLimits()
        self._say = say
        self._clock = clock or SystemClock()
        self._door = Door(interface, self.metrics, token=token, most=self._limits.clients)
        self._numbers = count(1)
        self._largest = frame_limit(interface)
        self._batcher = Batcher(
            policy,
            largest=self._limits.batch,
            metrics=self.metrics,
            clock=self._clock,
        )

    async def run(
        self, host: str, port: int, *, ready: Callable[[int], None], stop: asyncio.Event
    ) -> None:
        """Serve until `stop`. port: 0 takes any that is free; `ready` is told which.

        Raises:
            ServeError: the address cannot be had.
        """
        predicting = asyncio.create_task(self._batcher.run())
        try:
            listening = await self._listen(host, port)
            async with listening:
                ready(listening.sockets[0].getsockname()[1])
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait({predicting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
        finally:
            predicting.cancel()
            await asyncio.gather(predicting, return_exceptions=True)
        if not predicting.cancelled():
            predicting.result()  # it ends by itself only where it fails

    async def _listen(self, host: str, port: int) -> Any:
        quiet = logging.Logger("loopyard.serve", logging.CRITICAL + 1)  # it tells tracebacks
        try:
            return await serve(
                self._client,
                host,
                port,
                process_request=self._door.look,
                origins=[None],
                compression=None,
                max_size=self._largest,
                max_queue=2,
                close_timeout=self._limits.close_s,
                logger=quiet,
            )
        except OSError as error:
            found = str(error.strerror or error).rpartition(": ")[2]
            wanted = "an address of this machine that is free"
            raise ServeError(expected("serve", f"{host}:{port}", found, wanted)) from None

    async def _client(self, connection: ServerConnection) -> None:
        """One client, from its handshake to its end."""
        log = ClientLog(next(self._numbers), self._say, self._clock)
        self.metrics.clients += 1
        self.metrics.counts["connections"] += 1
        try:
            address = connection.remote_address
            log.say(f"comes from {address[0]}:{address[1]}")
            deadline_s = await self._greet(connection, log)
            if deadline_s is not None:
                await self._converse(connection, deadline_s, log)
        except ConnectionClosed as error:
            log.closed(error)
        except Exception as error:  # of one client: the others are served on
            log.say(f"failed: {type(error).__name__}: {error}")
        finally:
            self.metrics.clients -= 1

    async def _greet(self, connection: ServerConnection, log: ClientLog) -> float | None:
        """The deadline of its answers; None where it was sent away."""
        most = self._limits.clients
        try:
            hello = await self._hello(connection)
            if self.metrics.clients > most:  # they came at once, so that the door let them pass
                raise ServeError(expected("server", "clients", "all here", f"{most} at most"))
            found, deadline_s = differences(hello, self.interface), self._deadline_s(hello)
        except ServeError as error:
            await self._refuse(connection, [], str(error), log)
            return None
        if found:
            await self._refuse(connection, found, as_text(found), log)
            return None
        welcome = {
            "type": "welcome",
            "protocol": PROTOCOL,
            "server": __version__,
            "interface": self.interface.to_dict(),
            "deadline_s": deadline_s,
            "most_bytes": self._largest,
        }
        await connection.send(pack(welcome))
        return deadline_s

    async def _hello(self, connection: ServerConnection) -> Message:
        try:
            async with asyncio.timeout(self._limits.hello_s):
                hello = unpack(await connection.recv(decode=False))
        except TimeoutError:
            wanted = f"hello within {self._limits.hello_s:g} s"
            raise ServeError(expected("message", "type", "nothing", wanted)) from None
        if hello["type"] != "hello":
            raise ServeError(expected("message", "type", hello["type"][:40], "hello first"))
        return hello

    async def _refuse(
        self, connection: ServerConnection, found: list[Difference], reason: str, log: ClientLog
    ) -> None:
        self.metrics.counts["refused"] += 1
        log.say(f"is refused: {reason}")
        refusal = {"type": "refused", "protocol": PROTOCOL, "server": __version__}
        await connection.send(pack({**refusal, "differences": found, "reason": reason}))
        await connection.close(REFUSED, "refused")

    def _deadline_s(self, hello: Message) -> float:
        """The client's, else one control tick."""
        told = hello.get("deadline_s")
        if told is None:
            return 1.0 / self.interface.fps
        if (
            isinstance(told, bool)
            or not isinstance(told, int | float)
            or not 0 < told <= MOST_DEADLINE_S
        ):
            wanted = f"seconds, up to {MOST_DEADLINE_S:g}"
            raise ServeError(expected("message", "deadline_s", repr(told)[:40], wanted))
        return float(told)

    async def _converse(
        self, connection: ServerConnection, deadline_s: float, log: ClientLog
    ) -> None:
        answers: asyncio.Queue[Message] = asyncio.Queue()
        room = asyncio.Semaphore(UNANSWERED)

        def reply(answer: Message) -> None:
            log.answered(answer)
            answers.put_nowait(answer)

        session = Session(
            self._policy,
            self.interface,
            deadline_s=deadline_s,
            reply=reply,
            metrics=self.metrics,
            clock=self._clock,
        )
        sending = asyncio.create_task(self._send(connection, answers, room, log))
        try:
            while True:
                await room.acquire()
                self._hear(await connection.recv(decode=False), session, reply)
        finally:
            self._batcher.forget(session)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _hear(self, frame: bytes, session: Session, reply: Callable[[Message], None]) -> None:
        """Every frame gets one answer, at once or later."""
        try:
            message = unpack(frame)
        except ServeError as error:
            session.refuse(str(error))
            return
        if message["type"] == "observe":
            request = session.observe(message)
            if request is not None:
                self._batcher.put(request)
        elif message["type"] == "metrics":
            reply({"type": "metrics", "metrics": self.metrics.to_dict()})
        else:
            found, wanted = message["type"][:40], "observe or metrics"
            session.refuse(expected("message", "type", found, wanted))

    async def _send(
        self,
        connection: ServerConnection,
        answers: asyncio.Queue[Message],
        room: asyncio.Semaphore,
        log: ClientLog,
    ) -> None:
        try:
            while True:
                answer = await answers.get()
                async with asyncio.timeout(self._limits.send_s):
                    await connection.send(pack(answer))
                room.release()
        except TimeoutError:
            log.say(f"is too slow: an answer did not leave within {self._limits.send_s:g} s")
            connection.transport.abort()  # a goodbye would wait behind what does not leave
        except ConnectionClosed:
            pass  # the one who reads tells of it


def frame_limit(interface: Interface) -> int:
    """Bytes of a frame: four times what the policy looks at, so that an observation of another size
    is told what is wrong with it and not only sent away."""
    images = sum(3 * camera.width * camera.height for camera in interface.cameras)
    return max(SMALLEST_LIMIT, 4 * interface.n_obs_steps * (images + 4 * interface.state.size))
