"""Does the dataset hold together? Rows, indices, times, numbers, limits, statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY, STATE_KEY, VectorSpec
from loopyard.data.audit.report import Check, Verdict
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset
from loopyard.data.stats import feature_stats

FEW_EPISODES = 10
"""Below this a standard deviation of lengths says nothing."""


def check_episodes(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Enough episodes to learn from."""
    few = dataset.num_episodes < limits.episodes_warn
    yield Check(
        "episodes",
        "warn" if few else "pass",
        f"{dataset.num_episodes} episodes",
        f"at least {limits.episodes_warn}",
    )


def check_lengths(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """No episode of an unusual length."""
    lengths = np.array([entry.length for entry in dataset.episodes], np.float64)
    wanted = f"within {limits.length_sigmas:g} sigma of the mean"
    if len(lengths) < FEW_EPISODES or lengths.std() == 0:
        yield Check("lengths", "pass", f"{lengths.min():g} to {lengths.max():g} frames", wanted)
        return
    away = np.abs(lengths - lengths.mean()) / lengths.std()
    odd = np.flatnonzero(away > limits.length_sigmas)
    found = f"{len(odd)} of {len(lengths)} outside, mean {lengths.mean():.0f} frames"
    yield Check("lengths", "warn" if len(odd) else "pass", found, wanted, _episodes(odd))


def check_outcomes(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """What is said of each drive's end fits its frames."""
    told = [entry for entry in dataset.episodes if entry.outcome is not None]
    if not told:
        yield Check("outcomes", "pass", "none told", "outcomes, or none at all")
        return
    wrong = [
        entry.index
        for entry in told
        if entry.outcome is not None and entry.outcome.steps != entry.length
    ]
    found = f"{len(wrong)} of {len(told)} with another number of steps than frames"
    yield Check("outcomes", "warn" if wrong else "pass", found, "0", _episodes(wrong))


def check_index(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """index, episode_index and frame_index count as meta/episodes says."""
    lengths = [entry.length for entry in dataset.episodes]
    wanted = {
        "index": np.arange(dataset.num_frames),
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "frame_index": np.concatenate([np.arange(length) for length in lengths]),
    }
    for name, numbers in wanted.items():
        wrong = np.flatnonzero(dataset.column(name) != numbers)
        yield Check(
            f"index: {name}",
            "fail" if len(wrong) else "pass",
            f"{len(wrong)} rows out of order",
            "0",
            _rows(wrong),
        )


def check_timestamps(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Every timestamp is frame_index / fps."""
    frames = np.concatenate([np.arange(entry.length) for entry in dataset.episodes])
    away = np.abs(dataset.column("timestamp").astype(np.float64) - frames / dataset.fps)
    wrong = np.flatnonzero(~(away <= limits.timestamp_slack_s))
    yield Check(
        "timestamps",
        "fail" if len(wrong) else "pass",
        f"{len(wrong)} off the beat",
        f"frame_index / {dataset.fps} s",
        _rows(wrong),
    )


def check_finite(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """No NaN and no infinity in any column of numbers."""
    for name in _numeric(dataset):
        values = dataset.column(name)
        if values.dtype.kind != "f":
            continue
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        rows = np.flatnonzero(bad)
        yield Check(
            f"finite: {name}",
            "fail" if len(rows) else "pass",
            f"{len(rows)} rows with NaN or infinity",
            "0",
            _rows(rows),
        )


def check_ranges(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Actions and states within the limits of their channels."""
    if dataset.own is None:
        yield Check("range", "pass", "limits not told", "values within the limits of a WorldSpec")
        return
    parts: list[tuple[str, VectorSpec, Verdict]] = [
        (ACTION_KEY, dataset.spec.action, "fail"),
        (STATE_KEY, dataset.spec.state, "warn"),
    ]
    for key, spec, severity in parts:
        values = dataset.column(key)
        for index, channel in enumerate(spec.channels):
            low, high = channel.low - limits.range_slack, channel.high + limits.range_slack
            column = values[:, index]
            outside = np.flatnonzero((column < low) | (column > high))
            found = f"{column.min():.4g} to {column.max():.4g}, {len(outside)} rows outside"
            yield Check(
                f"range: {key}.{channel.name}",
                severity if len(outside) else "pass",
                found,
                f"{channel.low:g} to {channel.high:g}",
                _rows(outside),
            )


def check_statistics(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """meta/stats.json says what the data says, and no channel is without variance."""
    for name in _numeric(dataset):
        if name in (STATE_KEY, ACTION_KEY):
            yield from _variance(dataset, name)
        yield _told_statistics(dataset, name, limits)
    for camera in dataset.spec.cameras:
        told = dataset.stats.get(camera.key, {})
        values = [np.asarray(told.get(part, [np.nan]), np.float64) for part in ("mean", "std")]
        whole = all(value.size == 3 and np.isfinite(value).all() for value in values)
        yield Check(
            f"statistics: {camera.key}",
            "pass" if whole else "fail",
            "there" if whole else f"{sorted(told)}",
            "mean and std of 3 channels",
            "meta/stats.json",
        )


def _variance(dataset: Dataset, name: str) -> Iterator[Check]:
    spec = dataset.spec.state if name == STATE_KEY else dataset.spec.action
    still = np.flatnonzero(np.ptp(dataset.column(name), axis=0) == 0)
    names = [spec.names[index] for index in still]
    every = name == ACTION_KEY and len(still) == spec.size
    yield Check(
        f"variance: {name}",
        "fail" if every else "warn" if names else "pass",
        f"without variance: {names}" if names else "all channels vary",
        "every channel varies",
        name if names else "",
    )


def _told_statistics(dataset: Dataset, name: str, limits: Thresholds) -> Check:
    where = "meta/stats.json"
    told = dataset.stats.get(name)
    values = dataset.column(name).reshape(dataset.num_frames, -1)
    if told is None:
        severity: Verdict = "fail" if name in (STATE_KEY, ACTION_KEY) else "warn"
        return Check(f"statistics: {name}", severity, "missing", "one entry", where)
    wanted = feature_stats(values)
    spread = np.maximum(wanted["max"] - wanted["min"], 1e-9)
    for part in ("min", "max", "mean", "std"):
        found = np.asarray(told.get(part, []), np.float64).ravel()
        if found.shape != wanted[part].shape:
            return Check(
                f"statistics: {name}",
                "fail",
                f"{part} of {found.size} values",
                f"{wanted[part].size} values",
                where,
            )
        if not (np.abs(found - wanted[part]) <= limits.stats_slack * spread + 1e-6).all():
            return Check(
                f"statistics: {name}",
                "fail",
                f"{part} {_brief(found)}",
                f"{_brief(wanted[part])}, as in the data",
                where,
            )
    return Check(f"statistics: {name}", "pass", "as in the data", "as in the data", where)


def _numeric(dataset: Dataset) -> list[str]:
    features = dataset.info["features"]
    return [name for name in dataset.column_names if features[name]["dtype"] != "string"]


def _brief(values: np.ndarray) -> str:
    return np.array2string(values[:8], precision=4, suppress_small=True)


def _rows(rows: np.ndarray) -> str:
    return f"first row {rows[0]}" if len(rows) else ""


def _episodes(indices: np.ndarray | list[int]) -> str:
    if not len(indices):
        return ""
    named = ", ".join(str(index) for index in indices[:8])
    return f"episodes {named}" + (" ..." if len(indices) > 8 else "")
