"""Trace: what one drive looked like from inside, tick by tick; and the observer that keeps it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from loopyard.core.errors import DatasetError, WorldError, expected
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.rollout import RolloutJob, Watcher
from loopyard.worlds.world import World, spec_of

LAYOUT_PREFIX = "layout."


@dataclass(frozen=True)
class Trace:
    """One drive of T control ticks at `fps` a second.

    signals: (T + 1, S) float32 named by `signal_names`: row t is the moment in which action t was
    given, the last row the end. actions: (T, A) float32 as executed. events: (T, E) int16, how
    often each happened in the tick of that action. stride: actions executed of each predicted
    chunk, so that a chunk begins at every multiple of it. layout: what stood where at the start,
    as the world's ``layout()`` says.
    """

    fps: int
    actions: np.ndarray
    action_names: tuple[str, ...]
    signals: np.ndarray
    signal_names: tuple[str, ...] = ()
    events: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int16))
    event_names: tuple[str, ...] = ()
    stride: int = 1
    layout: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def ticks(self) -> int:
        return len(self.actions)

    @property
    def seconds(self) -> float:
        return self.ticks / self.fps

    def has(self, *names: str) -> bool:
        """Whether all of these signals were kept."""
        return set(names) <= set(self.signal_names)

    def signal(self, name: str) -> np.ndarray:
        """(T + 1,) float64. Raises KeyError for a signal that the world does not give."""
        if name not in self.signal_names:
            raise KeyError(name)
        return self.signals[:, self.signal_names.index(name)].astype(np.float64)

    def event(self, name: str) -> np.ndarray:
        """(T,) int: how often it happened in each tick; zeros for what never did."""
        if name not in self.event_names:
            return np.zeros(self.ticks, int)
        return self.events[:, self.event_names.index(name)].astype(int)

    def to_bytes(self) -> bytes:
        """A compressed NPZ archive."""
        stream = io.BytesIO()
        layout = {LAYOUT_PREFIX + name: value for name, value in self.layout.items()}
        content: dict[str, Any] = {
            "fps": self.fps,
            "stride": self.stride,
            "actions": self.actions,
            "action_names": np.array(self.action_names, str),
            "signals": self.signals,
            "signal_names": np.array(self.signal_names, str),
            "events": self.events,
            "event_names": np.array(self.event_names, str),
            **layout,
        }
        np.savez_compressed(stream, **content)
        return stream.getvalue()


def read_trace(path: Path) -> Trace:
    """Inverse of `Trace.to_bytes`.

    Raises:
        DatasetError: there is no such file, or it is no trace.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            return Trace(
                fps=int(found["fps"]),
                stride=int(found["stride"]),
                actions=found["actions"],
                action_names=tuple(map(str, found["action_names"])),
                signals=found["signals"],
                signal_names=tuple(map(str, found["signal_names"])),
                events=found["events"],
                event_names=tuple(map(str, found["event_names"])),
                layout={
                    name.removeprefix(LAYOUT_PREFIX): found[name]
                    for name in found.files
                    if name.startswith(LAYOUT_PREFIX)
                },
            )
    except (OSError, EOFError, KeyError, ValueError, AttributeError, BadZipFile) as error:
        raise DatasetError(
            expected(str(path), "content", f"{type(error).__name__}", "a trace of a rollout")
        ) from error


class TraceRecorder(Watcher):
    """Keeps one drive's trace. stride: see `Trace`. signals: False for the actions alone."""

    def __init__(self, stride: int, *, signals: bool = True) -> None:
        self._stride, self._wanted = stride, signals

    def begin(
        self, job: RolloutJob, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        spec = spec_of(world)
        self._fps, self._action_names = spec.fps, tuple(spec.action.names)
        self._read = _method(world, "signals") if self._wanted else None
        layout = _method(world, "layout") if self._wanted else None
        self._layout = {} if layout is None else {k: np.asarray(v) for k, v in layout().items()}
        self._names: tuple[str, ...] | None = None
        self._actions: list[np.ndarray] = []
        self._rows: list[tuple[float, ...]] = []
        self._events: list[dict[str, int]] = []

    def tick(
        self, tick: int, world: World, obs: dict[str, Any], action: np.ndarray, info: dict[str, Any]
    ) -> None:
        self._look(info)
        self._actions.append(action.copy())

    def end(
        self, record: RolloutRecord, world: World, obs: dict[str, Any], info: dict[str, Any]
    ) -> None:
        self._look(info)

    def actions(self) -> np.ndarray:
        """(T, A) float32."""
        return np.array(self._actions, np.float32).reshape(-1, len(self._action_names))

    def trace(self) -> Trace:
        """What was kept; whole after the drive's end."""
        ticks = len(self._actions)
        events = self._events[1:]  # those of the reset are nobody's doing
        names = tuple(sorted(set().union(*events)))
        counts = [[event.get(name, 0) for name in names] for event in events]
        return Trace(
            fps=self._fps,
            stride=self._stride,
            actions=self.actions(),
            action_names=self._action_names,
            signals=np.array(self._rows, np.float32).reshape(ticks + 1, -1),
            signal_names=self._names or (),
            events=np.array(counts, np.int16).reshape(ticks, len(names)),
            event_names=names,
            layout=self._layout,
        )

    def _look(self, info: dict[str, Any]) -> None:
        self._events.append(info.get("events", {}))
        if self._read is None:
            self._rows.append(())
            return
        now = self._read()
        names = tuple(now)
        if self._names is None:
            self._names = names
        elif names != self._names:
            raise WorldError(
                expected("world", "signals()", names, f"the same as at first, {self._names}")
            )
        self._rows.append(tuple(now.values()))


def _method(world: World, name: str) -> Callable[[], dict[str, Any]] | None:
    return getattr(getattr(world, "unwrapped", world), name, None)
