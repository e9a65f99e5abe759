"""Left as often as right? And does an instruction that says which change what is done?"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY
from loopyard.data.audit.drives import Drives, drives_of, enough_of, reach
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

LATERAL = re.compile(r"steer|turn|yaw|angular|lateral|linear_y|omega|(^|_)(vy|wz)$", re.IGNORECASE)
LEAN = 0.01
"""An episode whose mean is nearer to zero, as a share of the channel's reach, leans to no side."""
SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def lateral_channels(drives: Drives) -> list[int]:
    """Action channels whose name says that their sign is a side."""
    return [i for i, name in enumerate(drives.spec.action.names) if LATERAL.search(name)]


def check_symmetry(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Sign test over episodes: does their mean lean to one side more often than a coin would?"""
    drives = drives_of(dataset, limits)
    if drives.too_few(limits):
        return
    means = drives.episode_means(drives.action)
    for index in lateral_channels(drives):
        channel = dataset.spec.action.channels[index]
        lean = means[:, index] / reach(channel, drives.action[:, index])
        up, down = int((lean > LEAN).sum()), int((lean < -LEAN).sum())
        chance = sign_test(up, down)
        one_sided = max(up, down) > limits.one_sided_warn * max(up + down, 1)
        yield Check(
            f"asymmetry: {channel.name}",
            "warn" if one_sided and chance < limits.chance else "pass",
            f"{up} episodes lean to plus, {down} to minus (sign test p {chance:.2g})",
            f"at most {limits.one_sided_warn:.0%} to one side",
            ACTION_KEY,
            "health",
        )


def sign_test(up: int, down: int) -> float:
    """Two-sided p of so uneven a split under a fair coin (exact binomial, in logarithms)."""
    count = up + down
    if not count:
        return 1.0
    logs = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        for k in range(min(up, down) + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(log - count * math.log(2)) for log in logs))


def check_instructions(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Mean action of each instruction; where they name a side, some lateral channel must differ.

    Judged by Welch's t between the episodes that say left and those that say right, over each
    quarter of a drive: to the left and back again has no mean.
    """
    drives = drives_of(dataset, limits)
    tasks = np.array([dataset.episodes[i].task for i in drives.indices])
    names = sorted(set(tasks))
    if len(names) < 2:
        return
    means = drives.episode_means(drives.action)
    drives.measured["instructions"] = [
        {
            "task": name,
            "episodes": int((tasks == name).sum()),
            "mean action": [round(float(value), 4) for value in means[tasks == name].mean(axis=0)],
        }
        for name in names[:64]
    ]
    said = [{word.lower() for word in SIDES.findall(task)} for task in tasks]
    course = _courses(drives, lateral_channels(drives) or list(range(drives.action.shape[1])))
    left, right = (course[[words == {side} for words in said]] for side in ("left", "right"))
    found = f"{len(names)} instructions"
    if drives.too_few(limits) or min(len(left), len(right)) < 2:
        yield Check("instruction", "pass", found, enough_of(limits), "task", "health")
        return
    apart = max(abs(welch_t(left[:, i], right[:, i])) for i in range(course.shape[1]))
    yield Check(
        "instruction",
        "pass" if apart > limits.instruction_t else "warn",
        f"{found}; left and right differ by {apart:.1f} standard errors in what is done",
        f"more than {limits.instruction_t:g}",
        "task",
        "health",
    )


def _courses(drives: Drives, channels: list[int]) -> np.ndarray:
    """(E, 4 C): mean of each channel over each quarter of each drive."""
    parts = [np.array_split(drives.action[rows][:, channels], 4) for rows in drives.slices]
    return np.array(
        [[part.mean(axis=0) if len(part) else 0 * whole[0][0] for part in whole] for whole in parts]
    ).reshape(drives.episodes, -1)


def welch_t(first: np.ndarray, second: np.ndarray) -> float:
    """Difference of two means in standard errors of their own; infinite where neither varies."""
    away = float(second.mean() - first.mean())
    error = math.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
    return away / error if error > 1e-12 else (math.inf if abs(away) > 1e-9 else 0.0)
