"""Asks a policy server for actions: `PolicyClient`, for robots and for worlds in other processes.

It stands outside the floors because it has none: it needs numpy, msgpack and websockets, and never
torch, MuJoCo or anything else that a robot's computer would have to install:

    pip install --no-deps loopyard && pip install numpy msgpack websockets
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ServeError, expected
from loopyard.core.specs import STATE_KEY, TASK_KEY, WorldSpec
from loopyard.policies.policy import HISTORY_KEY
from loopyard.surface.serve.interface import Interface, expectation, safe_action
from loopyard.surface.serve.link import Link
from loopyard.surface.serve.wire import TOKEN, array_of, pack

log = logging.getLogger("loopyard.client")


@dataclass(frozen=True)
class Answer:
    """action: (A,) float32 in [-1, 1], or a chunk (K, A). safe: it is zeros, and `reason` says
    why. seconds: from the question to the answer."""

    action: np.ndarray
    safe: bool
    reason: str
    seconds: float


class PolicyClient:
    """A policy that is served elsewhere, behind the policy protocol: ``reset`` and ``act``.

    url: ws://host:port, or wss://. spec: of the world or robot; what differs from what the policy
    was trained for is an error. digest: of the one policy that is wanted. deadline_s: in which an
    action must be there, from the call on; one control tick by default. token: where the server
    asks for one; by default that of the environment variable LOOPYARD_SERVE_TOKEN.

    No call takes longer than the deadline. Where no action came in time, where the server calls the
    observation wrong, and where there is no connection, the action is zeros; `last` and the log say
    why. A lost connection is made again in the background, to the same policy only.

    Raises (when made):
        ServeError: nothing answers, or the server refuses: version, spec, policy or token.
    """

    def __init__(
        self,
        url: str = "ws://127.0.0.1:8765",
        *,
        spec: WorldSpec | None = None,
        digest: str | None = None,
        deadline_s: float | None = None,
        token: str | None = None,
        connect_s: float = 10.0,
    ) -> None:
        token = os.environ.get(TOKEN) if token is None else token
        self._link = Link(url, expectation(spec, digest), deadline_s, token)
        welcome = self._link.start(connect_s)
        self.interface = Interface.from_dict(welcome["interface"])
        self.deadline_s = welcome["deadline_s"]
        self.chunk_size = self.interface.chunk_size
        self.n_action_steps = self.interface.n_action_steps
        self.n_obs_steps = self.interface.n_obs_steps
        self.digest = self.interface.digest
        self.last: Answer | None = None
        self._most_bytes = welcome["most_bytes"]
        self._seq = 0
        self._fresh = True

    def reset(self) -> None:
        """A new drive begins: its first action is planned anew."""
        self._fresh = True

    def act(self, obs: dict[str, Any]) -> np.ndarray:
        """(A,) float32 in [-1, 1]: the action of this control tick. The server keeps the chunk."""
        return self.ask(obs).action

    def predict_chunk(self, obs: dict[str, Any]) -> np.ndarray:
        """(chunk_size, A) float32, for a client that executes it itself.

        Of a policy that looks at several ticks, the ones before are taken from ``history``.
        """
        return self.ask(obs, whole=True).action

    def predict_chunks(self, observations: Sequence[dict[str, Any]]) -> np.ndarray:
        """(N, chunk_size, A) float32, one after another, each with the deadline."""
        return np.stack([self.predict_chunk(obs) for obs in observations])

    def ask(self, obs: dict[str, Any], *, whole: bool = False) -> Answer:
        """The answer to an observation as a world gives it: images (H, W, 3) uint8, state (S,)
        float32, ``task`` str. whole: of the chunk and not of this tick."""
        begun_s = time.perf_counter()
        self._seq += 1
        try:
            frame = self._frame(obs, whole)
            left_s = self.deadline_s - (time.perf_counter() - begun_s)
            message = self._link.exchange(self._seq, frame, left_s)
            action = None if message.get("safe") else self._action(message, whole)
            reason = str(message.get("reason", ""))
            self._fresh = False
        except (ServeError, TimeoutError) as error:
            # The robot stands still and the server does not know it: what it planned is over.
            self._fresh, action = True, None
            reason = str(error) or f"late: no answer within {1e3 * self.deadline_s:.0f} ms"
        safe = action is None
        if action is None:
            action = safe_action(self.interface, whole=whole)
        answer = Answer(action, safe, reason, time.perf_counter() - begun_s)
        self._tell_change(answer)
        self.last = answer
        return answer

    def metrics(self, timeout_s: float = 5.0) -> dict[str, Any]:
        """What the server counts. Raises ServeError where it does not answer."""
        try:
            return self._link.exchange(None, pack({"type": "metrics"}), timeout_s)["metrics"]
        except TimeoutError:
            wanted = f"them within {timeout_s:g} s"
            raise ServeError(expected("server", "metrics", "nothing", wanted)) from None

    def close(self) -> None:
        """Leave the server."""
        self._link.close()

    def __enter__(self) -> PolicyClient:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def _frame(self, obs: dict[str, Any], whole: bool) -> bytes:
        if not isinstance(obs, dict):
            raise ServeError(expected("observation", "type", type(obs).__name__, "a dict"))
        asked: dict[str, Any] = {"observation": self._seen(obs), "fresh": self._fresh}
        if whole:
            earlier = tuple(obs.get(HISTORY_KEY, ()))[-self.n_obs_steps :]
            asked |= {"whole": True, "history": [self._seen(one) for one in earlier]}
        frame = pack({"type": "observe", "seq": self._seq, **asked})
        if len(frame) > self._most_bytes:
            found, wanted = f"{len(frame)} bytes", f"at most {self._most_bytes}"
            raise ServeError(expected("observation", "frame", found, wanted))
        return frame

    def _seen(self, obs: dict[str, Any]) -> dict[str, Any]:
        """What the policy looks at; what is missing is left to the server to name."""
        keys = [*(camera.key for camera in self.interface.cameras), TASK_KEY]
        seen = {key: obs[key] for key in keys if key in obs}
        if self.interface.state.size and STATE_KEY in obs:
            try:
                seen[STATE_KEY] = np.asarray(obs[STATE_KEY], np.float32)
            except (TypeError, ValueError) as error:
                wanted = "numbers"
                raise ServeError(expected("observation", STATE_KEY, str(error), wanted)) from None
        return seen

    def _action(self, message: dict[str, Any], whole: bool) -> np.ndarray:
        action = array_of("server", "action", message.get("action"))
        size = self.interface.action.size
        wanted = (self.chunk_size, size) if whole else (size,)
        if action.shape != wanted or action.dtype != np.float32 or not np.isfinite(action).all():
            found = f"{action.shape} {action.dtype}"
            raise ServeError(expected("server", "action", found, f"{wanted} finite float32"))
        return action

    def _tell_change(self, answer: Answer) -> None:
        """A line in the log when the robot is stopped, and when it may go on."""
        before = self.last is not None and self.last.safe
        if answer.safe and not before:
            log.warning("the robot stands still: %s", answer.reason)
        elif before and not answer.safe:
            log.warning("the robot goes on")
