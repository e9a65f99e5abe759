"""Failures that begin alike are found together, whatever their order."""

from __future__ import annotations

import numpy as np

from loopyard.evaluation.diagnosis.clusters import Onset, clusters
from loopyard.evaluation.diagnosis.diagnosis import Diagnosis, Evidence, Finding


def onset(name: str, x: float, y: float, time: float, *patterns: str) -> Onset:
    evidence = Evidence(30 * time, 30.0, "x_m", 1.0, 1.0, "")
    found = Diagnosis(
        Finding(name, evidence),
        tuple(Finding(pattern, evidence) for pattern in patterns),
        30 * time,
        (3 * x, 3 * y),
        0.0,
    )
    return Onset(found, (x, y), time)


def failures() -> list[Onset]:
    rng = np.random.default_rng(0)
    near = [
        onset("F6", -0.9 + rng.normal(0, 0.05), -0.9 + rng.normal(0, 0.05), 0.5, "WALL_STUCK")
        for _ in range(6)
    ]
    far = [onset("F1", 0.8 + rng.normal(0, 0.05), 0.7, 0.05) for _ in range(4)]
    return [*near, *far, onset("F3", 0.0, 0.9, 0.95)]


def test_two_places_are_two_clusters_and_a_single_failure_is_none():
    found = clusters(failures())
    assert [cluster.members for cluster in found] == [(0, 1, 2, 3, 4, 5), (6, 7, 8, 9)]
    assert [cluster.label for cluster in found] == ["F6 WALL_STUCK", "F1"]
    assert found[0].classes == {"F6": 6}
    assert abs(found[0].x_m + 2.7) < 0.5


def test_the_same_place_at_another_time_is_another_cluster():
    early = [onset("F1", 0.0, 0.0, 0.1) for _ in range(3)]
    late = [onset("F1", 0.0, 0.0, 0.8) for _ in range(3)]
    assert len(clusters([*early, *late])) == 2


def test_the_order_of_the_failures_changes_no_cluster():
    onsets = failures()
    order = np.random.default_rng(1).permutation(len(onsets))
    shuffled = clusters([onsets[place] for place in order])
    again = [sorted(int(order[member]) for member in found.members) for found in shuffled]
    assert again == [list(found.members) for found in clusters(onsets)]


def test_nothing_and_one_are_no_clusters():
    assert clusters([]) == []
    assert clusters(failures()[:1]) == []
