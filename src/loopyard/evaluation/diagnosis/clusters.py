"""Failures that begin alike: clusters over where and when a failure begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopyard.evaluation.diagnosis.diagnosis import UNDECIDED, Diagnosis

NEAR = 0.3
"""Failures nearer than this, in units of the features, are neighbours: 0.15 of the ground's width,
or 0.3 of the drive."""
FEWEST = 2
"""Neighbours (itself not counted) that make a failure the core of a cluster."""


@dataclass(frozen=True)
class Onset:
    """Where and when a failure begins, each part over its own range.

    place: x, y over half the ground's size, so in -1..1. time: share of the drive's seconds.
    """

    diagnosis: Diagnosis
    place: tuple[float, float]
    time: float

    @property
    def features(self) -> tuple[float, ...]:
        return (*self.place, self.time, self.diagnosis.progress or 0.0)


@dataclass(frozen=True)
class Cluster:
    """Failures by their index in what was clustered. label: the class and patterns most common."""

    members: tuple[int, ...]
    label: str
    classes: dict[str, int]
    patterns: dict[str, int]
    x_m: float
    y_m: float
    onset_s: float
    progress: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": len(self.members),
            "label": self.label,
            "classes": self.classes,
            "patterns": self.patterns,
            "x_m": round(self.x_m, 2),
            "y_m": round(self.y_m, 2),
            "onset_s": round(self.onset_s, 1),
            "progress": self.progress,
        }


def clusters(onsets: Sequence[Onset]) -> list[Cluster]:
    """The clusters, largest first; a failure that is alone in its kind is in none.

    DBSCAN (Ester, Kriegel, Sander and Xu, KDD 1996) on `Onset.features`, for as few points as the
    failures of a suite: all distances at once.
    """
    if not onsets:
        return []
    points = np.array([onset.features for onset in onsets])
    near = np.linalg.norm(points[:, None] - points[None], axis=2) < NEAR
    core = near.sum(axis=1) > FEWEST
    belongs = np.full(len(points), -1)
    for seed in np.flatnonzero(core):
        if belongs[seed] >= 0:
            continue
        group, edge = belongs.max() + 1, [int(seed)]
        while edge:
            point = edge.pop()
            if belongs[point] >= 0:
                continue
            belongs[point] = group
            if core[point]:
                edge.extend(np.flatnonzero(near[point] & (belongs < 0)).tolist())
    groups = [np.flatnonzero(belongs == group) for group in range(belongs.max() + 1)]
    found = [_cluster(onsets, group.tolist()) for group in groups]
    return sorted(found, key=lambda cluster: -len(cluster.members))


def _cluster(onsets: Sequence[Onset], members: list[int]) -> Cluster:
    found = [onsets[index].diagnosis for index in members]
    classes = Counter(one.name or UNDECIDED for one in found)
    patterns = Counter(name for one in found for name in one.pattern_names)
    common = [name for name, count in patterns.most_common() if count > len(members) / 2]
    name = classes.most_common(1)[0][0]
    # Where a world gives no class, its patterns say it all.
    label = " ".join(common if common and name == UNDECIDED else [name, *common])
    # The middle of the onsets may lie where nothing is; the member nearest to it is a real one.
    points = np.array([onsets[index].features for index in members])
    medoid = found[int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())]
    x_m, y_m = medoid.onset_m or (0.0, 0.0)
    return Cluster(
        tuple(members),
        label,
        dict(classes.most_common()),
        dict(patterns.most_common()),
        x_m,
        y_m,
        medoid.onset_s,
        medoid.progress,
    )
