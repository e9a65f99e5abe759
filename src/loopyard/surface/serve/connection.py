"""A client's websocket without a thread of its own: who asks sends and waits at the socket itself.

A question that is handed to an event loop in another thread, and its answer handed back, costs two
wake-ups more, which is most of what a policy server adds. The protocol is websockets'; here are
only the socket and its deadlines, moments of `time.monotonic`.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

MOST_BYTES = 1 << 24
"""Of a message."""
PIECE_BYTES = 1 << 16
PING_S = 20.0
"""The server is asked whether it lives after so long a silence, and is lost after twice of it."""


class Connection:
    """Not for two threads at once, but for `abort`.

    Raises (when made, and wherever it reads or writes):
        InvalidURI, InvalidHandshake: no websocket there. ConnectionClosed, OSError: it is lost.
        TimeoutError: not until `until_s`; the connection stays.
    """

    def __init__(self, url: str, headers: Mapping[str, str], until_s: float) -> None:
        uri = parse_uri(url)
        self._protocol = ClientProtocol(uri, max_size=MOST_BYTES)
        self._unsent = bytearray()
        self._part = bytearray()
        self._messages: deque[bytes] = deque()
        self._heard_s = time.monotonic()
        self._pinged = False
        self._socket = _socket(uri, until_s)
        try:
            self._shake_hands(headers, until_s)
        except BaseException:
            self._socket.close()
            raise

    def send(self, message: bytes, until_s: float) -> None:
        """What does not leave in time is sent before the next message, and stands in its way: so
        nothing piles up before a server that hangs."""
        if self._unsent:
            try:
                self._flush(until_s)
            except TimeoutError:
                why = "late: the server does not take what was sent before"
                raise TimeoutError(why) from None
        self._protocol.send_binary(message)
        self._flush(until_s)

    def receive(self, until_s: float) -> bytes:
        """The next message."""
        while not self._messages:
            self._read(_left_s(until_s))
        return self._messages.popleft()

    def drop_old(self) -> None:
        """Forget what came since the last question: it answers none that is still asked."""
        with suppress(TimeoutError):
            self._read(0.0)
        self._messages.clear()

    def tend(self) -> None:
        """To be called now and then while nobody asks: answers pings, notices that it is lost."""
        self.drop_old()
        silent_s = time.monotonic() - self._heard_s
        if silent_s > 2 * PING_S:
            raise ConnectionError(f"nothing was heard for {silent_s:.0f} s")
        if silent_s > PING_S and not self._pinged:
            self._pinged = True
            self._protocol.send_ping(b"")
        with suppress(TimeoutError):
            self._flush(0.0)

    def close(self, wait_s: float = 0.0) -> None:
        """Say goodbye, unless it would wait behind what does not leave, and wait for the answer."""
        until_s = time.monotonic() + wait_s
        try:
            if not self._unsent and self._protocol.state is State.OPEN:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._flush(until_s)
                while True:
                    self._read(_left_s(until_s))
        except (OSError, ConnectionClosed):
            pass  # it is over either way
        finally:
            self._socket.close()

    def abort(self) -> None:
        """End it under a thread that waits at it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _shake_hands(self, headers: Mapping[str, str], until_s: float) -> None:
        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        self._flush(until_s)
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            self._read(_left_s(until_s))
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc

    def _read(self, wait_s: float) -> None:
        """Take in one piece of what came."""
        with self._waiting(wait_s):
            data = self._socket.recv(PIECE_BYTES)
        self._heard_s, self._pinged = time.monotonic(), False
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                self._part += event.data
                if event.fin:
                    self._messages.append(bytes(self._part))
                    self._part.clear()
        with suppress(TimeoutError):
            self._flush(0.0)  # pongs, and the answer to a goodbye
        if self._protocol.state in (State.CLOSING, State.CLOSED) and not self._messages:
            self._protocol.receive_eof()  # so that it tells why
            raise self._protocol.close_exc

    def _flush(self, until_s: float) -> None:
        for data in self._protocol.data_to_send():
            self._unsent += data
        while self._unsent:
            with self._waiting(max(0.0, until_s - time.monotonic())):
                sent = self._socket.send(self._unsent)
            del self._unsent[:sent]

    @contextmanager
    def _waiting(self, wait_s: float) -> Iterator[None]:
        """So long at most for the socket, however it says that it is not ready."""
        self._socket.settimeout(wait_s)
        try:
            yield
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise TimeoutError from None


def _socket(uri: WebSocketURI, until_s: float) -> socket.socket:
    made = socket.create_connection((uri.host, uri.port), _left_s(until_s))
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        if uri.secure:
            made.settimeout(_left_s(until_s))
            return ssl.create_default_context().wrap_socket(made, server_hostname=uri.host)
    except BaseException:
        made.close()
        raise
    return made


def _left_s(until_s: float) -> float:
    """Raises TimeoutError where nothing is left, so that none who sends without end holds us."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
