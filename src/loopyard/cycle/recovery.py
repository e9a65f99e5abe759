"""Recovery data: expert drives that begin shortly before a rollout went wrong.

DAgger labels every state that the policy came to, most of them those of a drive that is lost
already. What it takes to turn a drive around is best shown from the moments before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loopyard.core.scenario import Scenario
from loopyard.data.columns import EXECUTED_KEY
from loopyard.data.dataset import open_dataset
from loopyard.data.start import Start

LEAST_S = 1.0
"""A drive that went wrong sooner than this has no moment before."""


@dataclass(frozen=True)
class Failure:
    """A drive that failed. onset_s: when it began to, or None where nobody can tell.

    actions: (T, A) float32, what was executed from the scene's beginning.
    """

    scenario: Scenario
    seed: int
    actions: np.ndarray
    onset_s: float | None = None


def failures_of(root: Path, onsets_s: Mapping[tuple[str, int], float]) -> list[Failure]:
    """The failed drives of a dataset of labelled rollouts.

    onsets_s: by scenario digest and seed, as a diagnosis found them.

    Raises:
        DatasetError: no dataset there.
    """
    dataset = open_dataset(root)
    executed = dataset.column(EXECUTED_KEY)
    failures = []
    for entry in dataset.episodes:
        if entry.outcome is None or entry.outcome.success or entry.seed is None:
            continue
        scenario = Scenario.model_validate(entry.scenario)
        actions = executed[entry.from_index : entry.to_index].copy()
        onset_s = onsets_s.get((scenario.digest, entry.seed))
        failures.append(Failure(scenario, entry.seed, actions, onset_s))
    return failures


def recovery_starts(
    failures: Iterable[Failure],
    count: int,
    before_s: float,
    fps: int,
    weights: Mapping[str, float] | None = None,
) -> list[Start]:
    """At most ``count`` starts, ``before_s`` and twice that before the failures' onsets.

    Modes take turns, those of more weight first, so that one that always fails does not crowd out
    the others. Where no onset is known, the drive's end counts as one. No failure, no start.
    """
    by_mode: dict[str, list[Start]] = defaultdict(list)
    every = list(failures)
    for earlier in (1, 2):
        for failure in every:
            start = _start(failure, earlier * before_s, fps)
            if start is not None:
                by_mode[failure.scenario.mode or ""].append(start)
    heavy = weights or {}
    queues = [by_mode[mode] for mode in sorted(by_mode, key=lambda m: (-heavy.get(m, 0.0), m))]
    return _in_turns(queues, count)


def _start(failure: Failure, before_s: float, fps: int) -> Start | None:
    onset_s = len(failure.actions) / fps if failure.onset_s is None else failure.onset_s
    ticks = min(round((onset_s - before_s) * fps), len(failure.actions) - 1)
    if ticks < LEAST_S * fps:
        return None
    return Start(failure.scenario, failure.seed, failure.actions[:ticks])


def _in_turns(queues: Sequence[Sequence[Start]], count: int) -> list[Start]:
    longest = max(map(len, queues), default=0)
    turns = (queue[place] for place in range(longest) for queue in queues if place < len(queue))
    return [start for start, _ in zip(turns, range(count), strict=False)]
