"""The ledger of a search: which points were driven, on which scenes, and how that went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from loopyard.core.errors import LoopyardError
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import TRAIN_SEEDS_PER_CAMPAIGN, train_seed
from loopyard.evaluation.adversary.score import badness, failed
from loopyard.evaluation.adversary.space import Space
from loopyard.evaluation.record import RolloutRecord
from loopyard.scenarios.world_params import require_possible

CHECK_FROM = TRAIN_SEEDS_PER_CAMPAIGN // 2
"""Scenes of a stretch from this one on are kept for checks of what the search found."""

TRIES = 20
"""Seeds without room for their scene that are passed over before a point counts as impossible."""

Drive = Callable[[Sequence[tuple[Scenario, int]]], Sequence[RolloutRecord]]
"""Drives scenes, each of them a different one, and gives the records in their order."""


@dataclass(frozen=True)
class Tried:
    """All rollouts of a search by point, each point once, in the order they were first tried.

    units: (P, D) float64. n: (P,) rollouts. failures: (P,) of them. badness: (P,) mean, 0..1.
    """

    units: np.ndarray
    n: np.ndarray
    failures: np.ndarray
    badness: np.ndarray


class Trials:
    """Drives points of a space, so many scenes each.

    A point that is tried again is driven on further scenes. Scenes are those of one stretch of
    training seeds, the same seeds for every point.
    """

    def __init__(self, space: Space, drive: Drive, scenes: int, seed: int, *, unsafe: bool) -> None:
        self.space = space
        self.rollouts = 0
        self.impossible = 0
        self.records: list[RolloutRecord] = []
        self._drive, self._scenes, self._seed, self._unsafe = drive, scenes, seed, unsafe
        self._units: dict[str, np.ndarray] = {}
        self._outcomes: dict[str, list[tuple[bool, float]]] = {}
        self._next_seed: Counter[str] = Counter()

    def ask(self, points: np.ndarray) -> np.ndarray:
        """(N, D) units: drives them; returns (N,) their mean badness over all rollouts there.

        A point whose scenes have no room is not driven; it is 0.0 bad.
        """
        digests, jobs = [], []
        for point in points:
            scenario = self.space.scenario(point)
            digest = scenario.digest
            seeds = self._seeds(scenario)
            self.impossible += not seeds
            if seeds:
                self._units.setdefault(digest, self.space.snapped(point))
            jobs += [(scenario, seed) for seed in seeds]
            digests.append(digest)
        self._keep(self._drive(jobs) if jobs else [])
        return np.array([self._mean(digest) for digest in digests])

    def check(self, scenario: Scenario, n: int) -> list[RolloutRecord]:
        """Drives `n` scenes that were kept for this; they do not count in `tried`."""
        seeds = self._possible(scenario, CHECK_FROM, n)
        records = list(self._drive([(scenario, seed) for seed in seeds])) if seeds else []
        self.rollouts += len(records)
        self.records += records
        return records

    def tried(self) -> Tried:
        """What is known so far; at least one point must have been driven."""
        results = [np.array(self._outcomes[digest]) for digest in self._units]
        return Tried(
            np.array(list(self._units.values())),
            np.array([len(result) for result in results]),
            np.array([int(result[:, 0].sum()) for result in results]),
            np.array([result[:, 1].mean() for result in results]),
        )

    def _seeds(self, scenario: Scenario) -> list[int]:
        first = self._next_seed[scenario.digest]
        seeds = self._possible(scenario, first, self._scenes)
        if seeds:
            self._next_seed[scenario.digest] = seeds[-1] - train_seed(self._seed, 0) + 1
        return seeds

    def _possible(self, scenario: Scenario, first: int, n: int) -> list[int]:
        seeds: list[int] = []
        for index in range(first, first + n + TRIES):
            seed = train_seed(self._seed, index)
            try:
                require_possible(scenario, seed)
            except LoopyardError:
                continue
            seeds.append(seed)
            if len(seeds) == n:
                break
        return seeds

    def _keep(self, records: Sequence[RolloutRecord]) -> None:
        for record in records:
            bad = failed(record.outcome, unsafe=self._unsafe)
            graded = badness(record.outcome, unsafe=self._unsafe)
            self._outcomes.setdefault(record.scenario.digest, []).append((bad, graded))
        self.rollouts += len(records)
        self.records += records

    def _mean(self, digest: str) -> float:
        outcomes = self._outcomes.get(digest)
        return float(np.mean([graded for _, graded in outcomes])) if outcomes else 0.0
