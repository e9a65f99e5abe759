"""What predicts the action without looking? The frame index, the last action, the state.

Each is a small model fitted here and judged on episodes that it was not fitted to. A policy will
take the same short cut where it is there, and its loss will not tell (de Haan et al., 2019,
arXiv:1905.11979; Wen et al., 2020, arXiv:2010.14876).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY
from loopyard.data.audit.drives import Drives, drives_of, enough_of, reach
from loopyard.data.audit.held_out import ROWS, mean_of, random_features, ridge, table_by_number
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

AHEAD_S = 1.0
"""The last action always tells the next at 50 Hz; what it tells of a second later is copying."""
FOLLOWS = 0.05
"""An action that leaves less of its variance when one state is taken off is a target for it."""


def check_memorising(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """R² of three predictors on held-out episodes, the mean over the channels that vary."""
    drives = drives_of(dataset, limits)
    if too_few := drives.too_few(limits):
        yield Check("memorising", "pass", too_few, enough_of(limits), part="memorising")
        return
    drives = _thinned(drives)
    fold = drives.episode % limits.folds
    labels, targets = _labels(drives)
    copied, later = _copycat(drives, fold)
    found = {
        "frame index": (table_by_number(drives.tick, labels, fold), limits.frame_index_warn),
        "previous action": (later, limits.copycat_warn),
    }
    if drives.state.shape[1]:
        by_state = ridge(random_features(drives.state), labels, fold)
        found["state alone"] = (by_state, limits.state_alone_warn)
    names = drives.spec.action.names
    measured = {}
    for name, (per_channel, most) in found.items():
        score = mean_of(per_channel)
        measured[name] = {
            "r2": round(score, 4),
            "warns_above": most,
            "channels": {n: _rounded(v) for n, v in zip(names, per_channel, strict=True)},
            "meaning": meaning(name, score, most),
        }
        extra = f" 1 s ahead (next tick {mean_of(copied):.2f})" if name == "previous action" else ""
        yield Check(
            name,
            "warn" if score > most else "pass",
            f"R² {score:.2f}{extra}: {measured[name]['meaning']}",
            f"at most {most:g}",
            ACTION_KEY,
            "memorising",
        )
    measured["previous action"]["next_tick"] = round(mean_of(copied), 4)
    drives_of(dataset, limits).measured["memorising"] = measured
    if targets:
        measured["state alone"]["relative_to_state"] = targets


def meaning(name: str, score: float, most: float) -> str:
    """One plain sentence on a score."""
    share = f"{max(score, 0):.0%}"
    if name == "frame index":
        text = f"{share} of what is done follows from the time since the start alone"
        ill = "; a policy can play a tape instead of looking"
    elif name == "previous action":
        text = f"{share} of what is done a second later follows from the action now"
        ill = "; a policy can repeat itself instead of deciding"
    else:
        text = f"{share} of what is done follows from the state without the image"
        ill = "; a policy need not look, and does not in a scene that differs"
    return text + (ill if score > most else "")


def _thinned(drives: Drives) -> Drives:
    """Every n-th episode, so that fits take about a second."""
    every = -(-drives.frames // ROWS)
    if every == 1:
        return drives
    rows = drives.episode % every == 0
    return Drives(
        drives.spec,
        drives.state[rows],
        drives.action[rows],
        drives.executed[rows],
        drives.episode[rows] // every,
        drives.tick[rows],
        drives.indices[::every],
    )


def _labels(drives: Drives) -> tuple[np.ndarray, dict[str, str]]:
    """(N, A) what is to be decided, and {action: state} of the channels that are targets.

    Where an action is a position that the state follows, it is nearly the state itself; decided is
    then only how far it is off.
    """
    labels, targets = drives.action.copy(), {}
    varying = np.flatnonzero(drives.state.std(axis=0) > 0)
    for index, name in enumerate(drives.spec.action.names):
        action = drives.action[:, index]
        if not varying.size or not action.std():
            continue
        rest = (action[:, None] - drives.state[:, varying]).var(axis=0) / action.var()
        nearest = int(rest.argmin())
        if rest[nearest] < FOLLOWS:
            labels[:, index] -= drives.state[:, varying[nearest]]
            targets[name] = drives.spec.state.names[varying[nearest]]
    for index, channel in enumerate(drives.spec.action.channels):
        if labels[:, index].std() < 1e-6 * reach(channel, drives.action[:, index]):
            labels[:, index] = 0.0  # nothing is decided there
    return labels, targets


def _copycat(drives: Drives, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(A,) R² of predicting the next tick's action and that of a second later from this one."""
    scores = []
    for ahead in (1, max(2, round(AHEAD_S * drives.spec.fps))):
        now = np.flatnonzero(drives.episode[:-ahead] == drives.episode[ahead:])
        if len(now) < len(fold) // 10:
            scores.append(np.full(drives.action.shape[1], np.nan))
            continue
        given = np.column_stack([np.ones(len(now)), drives.action[now]])
        scores.append(ridge(given, drives.action[now + ahead], fold[now]))
    return scores[0], scores[1]


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
