"""What waits is predicted in one forward pass.

Nothing waits for company: while one pass runs, the observations that arrive meanwhile gather for
the next one. Of each client the newest waits, the one before it is answered as late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from loopyard.core.clock import Clock
from loopyard.core.errors import LoopyardError
from loopyard.policies.policy import Observation, Policy
from loopyard.surface.serve.metrics import FAILED, LATE, MALFORMED, Metrics
from loopyard.surface.serve.session import Request, Session


class Batcher:
    """Asks the policy, in a thread of its own, so that the event loop goes on meanwhile.

    largest: observations of one pass at most.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        largest: int,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._largest = largest
        self._metrics = metrics
        self._clock = clock
        self._waiting: dict[Session, Request] = {}
        self._wake = asyncio.Event()

    def put(self, request: Request) -> None:
        """Let a request wait for the next pass, in the place of its session's older one."""
        session = request.session
        loop = asyncio.get_running_loop()
        request.timer = loop.call_later(session.deadline_s, self._expire, request)
        self._waiting[session] = request
        self._wake.set()

    def forget(self, session: Session) -> None:
        """The client has gone."""
        self._waiting.pop(session, None)

    async def run(self) -> None:
        """Predict what waits, until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "loopyard-policy") as thread:
            while True:
                await self._wake.wait()
                requests = self._take()
                if not requests:
                    self._wake.clear()
                    continue
                seen = [request.observation for request in requests]
                begun_s = self._clock.monotonic()
                results = await loop.run_in_executor(thread, self._predict, seen)
                self._metrics.passed(len(requests), self._clock.monotonic() - begun_s)
                for request, result in zip(requests, results, strict=True):
                    self._settle(request, result)

    def _take(self) -> list[Request]:
        """The oldest first. One whose client was refused before is alone, lest it spoil a pass."""
        oldest = next(iter(self._waiting.values()), None)
        if oldest is None:
            return []
        if oldest.session.doubtful:
            taken = [oldest]
        else:
            sure = [request for request in self._waiting.values() if not request.session.doubtful]
            taken = sure[: self._largest]
        for request in taken:
            request.begun = True
            del self._waiting[request.session]
        return taken

    def _expire(self, request: Request) -> None:
        if self._waiting.get(request.session) is request:
            del self._waiting[request.session]
        limit_ms = 1e3 * request.session.deadline_s
        request.session.fail(request, LATE, f"late: no action within {limit_ms:.0f} ms")

    def _predict(self, seen: Sequence[Observation]) -> list[np.ndarray | Exception]:
        """A chunk each, or why there is none. Runs in the thread."""
        try:
            chunks = np.asarray(self._policy.predict_chunks(seen), np.float32)
            if len(chunks) == len(seen):
                return list(chunks)
            raise ValueError(f"{len(chunks)} chunks for {len(seen)} observations")
        except Exception as error:  # whatever it is, the server stays up and the robot stands still
            if len(seen) == 1:
                return [error]
        return [self._predict([one])[0] for one in seen]

    def _settle(self, request: Request, result: np.ndarray | Exception) -> None:
        session = request.session
        session.doubtful = isinstance(result, Exception)
        if not isinstance(result, Exception):
            session.settle(request, result)
        elif isinstance(result, LoopyardError):
            session.fail(request, MALFORMED, str(result))
        else:
            session.fail(request, FAILED, f"the policy failed: {_told(result)}")


def _told(error: Exception) -> str:
    """What it says, as it can be sent: a message of a stranger may be no text, or break."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    return text.encode(errors="replace").decode()
