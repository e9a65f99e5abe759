"""How busy the machine was while a campaign ran: sampled beside the work into usage.jsonl.

A row is one line of JSON and tells of the seconds before it, so that rows can be averaged and a
long run's file thinned out. `loopyard.cycle.accounts.sampler` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "usage.jsonl"
EVERY_S = 5.0


@dataclass(frozen=True)
class Gpu:
    """One GPU: share of time that it computed, 0..1, and its memory in GiB."""

    name: str
    use: float
    memory_gib: float
    memory_total_gib: float


@dataclass(frozen=True)
class UsageRow:
    """Means over the ``seconds`` that end at ``at_s`` of the campaign's running time.

    busy: cores at work for anyone, own: for this campaign's processes, both 0..cores. Memory is in
    use on the whole machine and by the campaign's processes (what they share counted in each).
    gpus: as they last were; empty without one.
    """

    at_s: float
    seconds: float
    cores: int
    busy: float
    own: float
    memory_gib: float
    memory_total_gib: float
    own_memory_gib: float
    gpus: tuple[Gpu, ...] = ()

    @property
    def idle(self) -> float:
        """Cores that had nothing to do, for this campaign or for anyone."""
        return max(0.0, self.cores - max(self.busy, self.own))

    def to_line(self) -> str:
        plain = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return json.dumps(plain if self.gpus else {**plain, "gpus": []}) + "\n"


def read_usage(path: Path) -> list[UsageRow]:
    """The rows of a file in order; lines that a crash cut are left out, no file is no rows."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError, TypeError, KeyError):
            plain = json.loads(line)
            rows.append(UsageRow(**{**plain, "gpus": tuple(Gpu(**gpu) for gpu in plain["gpus"])}))
    return rows


def thinned(rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Half as many rows: neighbours become one with their mean, weighted by their seconds."""
    kept: list[UsageRow] = []
    waiting: UsageRow | None = None
    for row in rows:
        if waiting is None:
            waiting = row
        elif abs(row.at_s - row.seconds - waiting.at_s) < EVERY_S and row.cores == waiting.cores:
            kept.append(_merged(waiting, row))
            waiting = None
        else:  # a restart lies between them, or another machine
            kept.append(waiting)
            waiting = row
    return [*kept, waiting] if waiting is not None else kept


def _merged(first: UsageRow, second: UsageRow) -> UsageRow:
    seconds = first.seconds + second.seconds
    means = {
        name: (getattr(first, name) * first.seconds + getattr(second, name) * second.seconds)
        / max(seconds, 1e-9)
        for name in ("busy", "own", "memory_gib", "own_memory_gib")
    }
    return UsageRow(
        at_s=second.at_s,
        seconds=seconds,
        cores=second.cores,
        memory_total_gib=second.memory_total_gib,
        gpus=second.gpus,
        **means,
    )


@dataclass(frozen=True)
class Usage:
    """How busy the machine was over a stretch: means, and the highest memory.

    Shares are 0..1 of all cores. covered_s: seconds that were sampled, less than the stretch where
    the runner was down or before its first row.
    """

    covered_s: float
    cores: int
    busy: float
    own: float
    idle_share: float
    memory_gib: float
    memory_total_gib: float
    own_memory_gib: float
    gpu: Gpu | None = None
    gpus: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def usage_over(
    rows: Sequence[UsageRow], stretches: Iterable[tuple[float, float]] = ((0.0, float("inf")),)
) -> Usage | None:
    """Of the rows, or parts of rows, within stretches (begin, end) of running time in seconds.

    None where nothing was sampled. gpu: the one with the most memory in use, its use the mean of
    all GPUs.
    """
    parts = [
        (row, seconds)
        for begin_s, end_s in stretches
        for row in rows
        if (seconds := min(row.at_s, end_s) - max(row.at_s - row.seconds, begin_s)) > 0
    ]
    covered_s = sum(seconds for _, seconds in parts)
    if not parts:
        return None

    def mean(value: Callable[[UsageRow], float]) -> float:
        return sum(value(row) * seconds for row, seconds in parts) / covered_s

    last = parts[-1][0]
    cores_s = sum(row.cores * seconds for row, seconds in parts)
    return Usage(
        covered_s=covered_s,
        cores=last.cores,
        busy=mean(lambda row: row.busy),
        own=mean(lambda row: row.own),
        idle_share=sum(row.idle * seconds for row, seconds in parts) / cores_s,
        memory_gib=max(row.memory_gib for row, _ in parts),
        memory_total_gib=last.memory_total_gib,
        own_memory_gib=max(row.own_memory_gib for row, _ in parts),
        gpu=_fullest([(row, seconds) for row, seconds in parts if row.gpus]),
        gpus=len(last.gpus),
    )


def _fullest(parts: list[tuple[UsageRow, float]]) -> Gpu | None:
    if not parts:
        return None
    fullest = max((gpu for row, _ in parts for gpu in row.gpus), key=lambda gpu: gpu.memory_gib)
    weights = sum(seconds for _, seconds in parts)
    use = sum(seconds * sum(gpu.use for gpu in row.gpus) / len(row.gpus) for row, seconds in parts)
    return Gpu(fullest.name, use / weights, fullest.memory_gib, fullest.memory_total_gib)
