"""One client of a policy server: its running chunk, and one answer to each of its observations.

An answer is the policy's action, or the safe one: zeros, with the kind of what was wrong and the
reason. A safe answer ends the running chunk: the robot stood still for a tick, so what was planned
for it no longer holds.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loopyard.core.clock import Clock
from loopyard.core.errors import ServeError, expected
from loopyard.evaluation.execution import Execution, start_execution
from loopyard.policies.policy import HISTORY_KEY, Observation, Policy
from loopyard.surface.serve.interface import Interface, safe_action
from loopyard.surface.serve.metrics import FAILED, LATE, MALFORMED, Metrics
from loopyard.surface.serve.observation import read_history, read_observation
from loopyard.surface.serve.wire import UNKNOWN, Message

MOST_SEQ = 1 << 63


@dataclass(eq=False)
class Request:
    """An observation that the policy has to be asked about.

    whole: the client wants the chunk and executes it itself. execution: what its chunk is for,
    which a safe answer or a new drive replaces meanwhile. timer: runs out at the deadline. begun:
    it is being predicted.
    """

    session: Session
    seq: int
    observation: Observation
    whole: bool
    arrived_s: float
    execution: Execution
    timer: TimerHandle | None = None
    begun: bool = False
    answered: bool = False

    def close(self) -> None:
        """It has its answer. A timer that runs on would keep the images."""
        self.answered = True
        if self.timer is not None:
            self.timer.cancel()


class Session:
    """reply: takes an answer and must not wait. deadline_s: from a frame's arrival to its answer.

    doubtful: the policy refused its last observation, so that it is not shown others' beside it.
    """

    def __init__(
        self,
        policy: Policy,
        interface: Interface,
        *,
        deadline_s: float,
        reply: Callable[[Message], None],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.deadline_s = deadline_s
        self.doubtful = False
        self._policy = policy
        self._interface = interface
        self._reply = reply
        self._metrics = metrics
        self._clock = clock
        channels = interface.action.channels
        self._low = np.array([channel.low for channel in channels], np.float32)
        self._high = np.array([channel.high for channel in channels], np.float32)
        self._earlier: deque[Observation] = deque(maxlen=interface.n_obs_steps - 1)
        self._newest: Request | None = None
        self._restart()

    def observe(self, message: Message) -> Request | None:
        """A request for the batcher; None where the answer could be given at once.

        message: an ``observe`` with its ``seq``, ``observation`` and, where they are set, ``fresh``
        (nothing of before counts: a new drive, or the robot stood still), ``whole`` (the chunk) and
        with it ``history`` (the ticks before, oldest first).
        """
        arrived_s = self._clock.monotonic()
        seq = message.get("seq")
        if type(seq) is not int or not 0 <= seq < MOST_SEQ:
            wanted = "a number from 0 on"
            self.refuse(expected("message", "seq", repr(seq)[:40], wanted), arrived_s=arrived_s)
            return None
        self._give_up_waiting(seq)
        if message.get("fresh"):
            self._restart()
            self._earlier.clear()
        whole = bool(message.get("whole"))
        try:
            seen = self._seen(message, whole)
        except ServeError as error:
            self.refuse(str(error), seq, arrived_s=arrived_s, whole=whole)
            return None
        request = Request(self, seq, seen, whole, arrived_s, self._execution)
        if whole or self._left == 0:
            self._newest = request
            return request
        self._left -= 1
        self._answer(request, self._execution.next())
        return None

    def settle(self, request: Request, chunk: np.ndarray) -> None:
        """The policy's chunk for a request, (K, A) float32."""
        if request.answered:
            return
        wanted = (self._interface.chunk_size, self._interface.action.size)
        if chunk.shape != wanted or not np.isfinite(chunk).all():
            found = chunk.shape if chunk.shape != wanted else "a value that is not finite"
            self.fail(request, FAILED, expected("policy", "chunk", found, f"{wanted} numbers"))
        elif request.whole:
            self._answer(request, chunk)
        else:
            request.execution.offer(chunk)
            if request.execution is self._execution:
                self._left = self._execution.stride - 1
            self._answer(request, request.execution.next())

    def fail(self, request: Request, kind: str, reason: str) -> None:
        """The safe answer to a request."""
        if request.answered:
            return
        request.close()
        if request.execution is self._execution:
            self._restart()
        self._safe(request.seq, kind, reason, request.arrived_s, whole=request.whole)

    def refuse(
        self,
        reason: str,
        seq: int = UNKNOWN,
        *,
        arrived_s: float | None = None,
        whole: bool = False,
    ) -> None:
        """The safe answer to a message that is no observation for this policy."""
        self._restart()
        since_s = self._clock.monotonic() if arrived_s is None else arrived_s
        self._safe(seq, MALFORMED, reason, since_s, whole=whole)

    def _seen(self, message: Message, whole: bool) -> Observation:
        """What the policy is shown: with the ticks before, where it looks at several."""
        obs = read_observation(message.get("observation"), self._interface)
        if not self._earlier.maxlen:
            return obs
        if whole:
            earlier = read_history(message.get("history", []), self._interface)
        else:
            earlier = tuple(self._earlier)
            self._earlier.append(obs)
        return {**obs, HISTORY_KEY: earlier}

    def _give_up_waiting(self, seq: int) -> None:
        """The newest observation wins: one that still waits is answered as late."""
        older = self._newest
        if older is not None and not older.begun:
            self.fail(older, LATE, f"late: observation {seq} came before the action")

    def _restart(self) -> None:
        self._execution = start_execution(self._policy)
        self._left = 0

    def _answer(self, request: Request, action: np.ndarray) -> None:
        request.close()
        self._metrics.answered("", self._clock.monotonic() - request.arrived_s)
        action = np.clip(action, self._low, self._high)
        self._reply({"type": "action", "seq": request.seq, "action": action, "safe": False})

    def _safe(self, seq: int, kind: str, reason: str, arrived_s: float, *, whole: bool) -> None:
        self._metrics.answered(kind, self._clock.monotonic() - arrived_s)
        action = safe_action(self._interface, whole=whole)
        told = {"kind": kind, "reason": reason}
        self._reply({"type": "action", "seq": seq, "action": action, "safe": True, **told})
