"""Processor time of an import by its parts, taken inside its workers, where they can import it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from loopyard.data import recorder
from loopyard.data.importers.hdf5.images import Pictures
from loopyard.data.stats import ImageHistogram
from loopyard.data.video import VideoWriter
from loopyard.data.yuv import JpegUnpacker
from loopyard.executors.local import LocalExecutor

PARTS: list[tuple[str, Any, str]] = [
    ("reading", Pictures, "_rows"),
    ("decoding", Pictures, "_unpacked"),
    ("decoding", JpegUnpacker, "_decoded"),
    ("converting", JpegUnpacker, "_converted"),
    ("statistics", ImageHistogram, "offer"),
    ("encoding", VideoWriter, "add"),
    ("encoding", VideoWriter, "close"),
    ("making_durable", recorder, "write_shard"),
    ("making_durable", recorder, "publish_shard"),
]
"""None of them calls another. Raw pictures are converted to YUV in encoding."""


class WatchedExecutor(LocalExecutor):
    """A `LocalExecutor` that adds up the processor seconds of its workers in ``seconds``."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def map(self, make_handler: Callable[[], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        for result, seconds in super().map(partial(Watched, make_handler), jobs):
            for part, part_s in seconds.items():
                self.seconds[part] += part_s
            yield result


class Watched:
    """A handler that tells with each result where the seconds since the one before went."""

    def __init__(self, make_handler: Callable[[], Any]) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        for part, owner, name in PARTS:
            watch = self._watched_rows if name == "_rows" else self._watched
            setattr(owner, name, watch(part, getattr(owner, name)))
        self._handler = make_handler()
        self._seconds["starting"] = time.process_time()

    def __call__(self, job: Any) -> tuple[Any, dict[str, float]]:
        begin_s, known_s = time.process_time(), sum(self._seconds.values())
        result = self._handler(job)
        whole_s = time.process_time() - begin_s
        self._seconds["rest"] += whole_s - (sum(self._seconds.values()) - known_s)
        seconds = dict(self._seconds)
        self._seconds.clear()
        return result, seconds

    def _watched(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            begin_s = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self._seconds[part] += time.process_time() - begin_s

        return watched

    def _watched_rows(self, part: str, rows: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Iterator[Any]:
            following = self._watched(part, partial(next, rows(*args), None))
            while (row := following()) is not None:
                yield row

        return watched
