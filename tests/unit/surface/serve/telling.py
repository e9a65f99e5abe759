"""A server in a thread of this process, with a policy that tells what it was shown."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from websockets.sync.client import connect
from websockets.sync.server import serve as listen

from loopyard.client import PolicyClient
from loopyard.core.errors import CheckpointError
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.surface.serve.interface import Interface
from loopyard.surface.serve.server import PolicyServer
from loopyard.surface.serve.wire import PROTOCOL, pack, unpack

LIMIT_S = 60.0
"""For what takes no time, on a machine that has other things to do."""
SIZE = 8
CHUNK, STEPS = 4, 2
SPEC = WorldSpec(
    "fake",
    "starter",
    10,
    50,
    "go",
    VectorSpec((Channel("x"), Channel("y"))),
    VectorSpec((Channel("ahead", "1 m/s", 0.0, 1.0), Channel("turn"), Channel("row"))),
    (CameraSpec("ego", SIZE, SIZE),),
)
INTERFACE = Interface(
    policy="fake",
    digest="0123456789abcdef",
    world=SPEC.world,
    task=SPEC.task,
    fps=SPEC.fps,
    chunk_size=CHUNK,
    n_action_steps=STEPS,
    n_obs_steps=1,
    reads_task=True,
    cameras=SPEC.cameras,
    state=SPEC.state,
    action=SPEC.action,
)

WELCOME = {
    "type": "welcome",
    "protocol": PROTOCOL,
    "interface": INTERFACE.to_dict(),
    "deadline_s": 0.1,
    "most_bytes": 1 << 20,
}


def observation(x: float = 0.5, y: float = 0.0, task: str = "go") -> dict[str, Any]:
    image = np.full((SIZE, SIZE, 3), 7, np.uint8)
    state = np.array([x, y], np.float32)
    return {"observation.images.ego": image, "observation.state": state, "task": task}


class TellingPolicy:
    """Its k-th action is (x, y, k / 10). y = 9 is no number, 8 fails, and "geh" is not understood.

    gate: passes wait for it. sizes: of the passes so far. began: set with each pass.
    """

    chunk_size, n_action_steps = CHUNK, STEPS

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.sizes: list[int] = []
        self.shown: list[dict[str, Any]] = []

    def reset(self) -> None:
        raise AssertionError("the server keeps the drives apart by itself")

    def act(self, obs: dict[str, Any]) -> np.ndarray:
        raise NotImplementedError

    def predict_chunk(self, obs: dict[str, Any]) -> np.ndarray:
        return self.predict_chunks([obs])[0]

    def predict_chunks(self, observations: Sequence[dict[str, Any]]) -> np.ndarray:
        self.sizes.append(len(observations))
        self.shown += observations
        self.began.set()
        assert self.gate.wait(LIMIT_S)
        chunks = np.zeros((len(observations), CHUNK, 3), np.float32)
        for chunk, obs in zip(chunks, observations, strict=True):
            if obs["task"] == "geh":
                raise CheckpointError("policy: task: found 'geh', expected English")
            if obs["observation.state"][1] == 8:
                raise RuntimeError("out of memory")
            chunk[:, :2] = obs["observation.state"]
            chunk[:, 2] = np.arange(CHUNK) / 10
            if obs["observation.state"][1] == 9:
                chunk[:, 1] = np.nan
        return chunks


class Served:
    """A running server: its address, its policy, its log, and clients to it."""

    def __init__(self, policy: Any, interface: Interface, **settings: Any) -> None:
        self.policy = policy
        self.log: list[str] = []
        self.server = PolicyServer(policy, interface, say=self.log.append, **settings)
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._clients: list[PolicyClient] = []

    def begin(self, port: int = 0) -> Served:
        self._ask_for = port
        self._thread.start()
        assert self._ready.wait(LIMIT_S)
        return self

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def client(self, **settings: Any) -> PolicyClient:
        """With a deadline that only a test of deadlines would miss."""
        made = PolicyClient(self.url, **{"deadline_s": LIMIT_S, "connect_s": LIMIT_S, **settings})
        self._clients.append(made)
        return made

    def end(self) -> None:
        self.policy.gate.set()
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

        def ready(port: int) -> None:
            self.port = port
            self._ready.set()

        await self.server.run("127.0.0.1", self._ask_for, ready=ready, stop=self._stop)


class Raw:
    """A client of its own making: sends any bytes, reads what comes. welcome: the first answer."""

    def __init__(self, served: Served, hello: dict[str, Any] | None = None, **settings: Any):
        settings = {"compression": None, "proxy": None, "open_timeout": LIMIT_S, **settings}
        self._stack = ExitStack()
        self._connect = connect(served.url, **settings)
        self._said = {"type": "hello", "protocol": PROTOCOL, "deadline_s": LIMIT_S, **(hello or {})}

    def __enter__(self) -> Raw:
        self.socket = self._stack.enter_context(self._connect)
        self.socket.send(pack(self._said))
        self.welcome = self.receive()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()

    def send(self, **message: Any) -> None:
        self.socket.send(pack(message))

    def observe(self, seq: Any, obs: dict[str, Any] | None = None, **more: Any) -> None:
        self.send(type="observe", seq=seq, observation=obs or observation(), **more)

    def receive(self) -> dict[str, Any]:
        return unpack(self.socket.recv(LIMIT_S, decode=False))


@contextmanager
def server_that(
    answers: Callable[..., object], welcome: Mapping[str, Any] = WELCOME, **settings: Any
) -> Iterator[str]:
    """A server that welcomes, and then does as it likes."""

    def converse(socket) -> None:
        socket.recv(decode=False)
        socket.send(pack(dict(welcome)))
        answers(socket)

    settings = {"compression": None, "max_queue": 1, "close_timeout": 0.2, **settings}
    with listen(converse, "127.0.0.1", 0, **settings) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def row(action) -> float:
    """Which action of a chunk it is."""
    return round(float(action[2]) * 10)
