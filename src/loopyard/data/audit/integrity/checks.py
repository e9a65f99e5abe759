"""Do the rows hold together? Order, times, numbers, limits, statistics: from one pass over them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loopyard.core.specs import ACTION_KEY, STATE_KEY, VectorSpec
from loopyard.data.audit.integrity.episodes import in_words
from loopyard.data.audit.integrity.one_pass import Pass, Rows
from loopyard.data.audit.report import Check, Verdict
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset
from loopyard.data.parquet_file import read_rows

STATS_WHERE = "meta/stats.json"
LIMITLESS = 1e8
"""A channel that may go further has no limit that was told."""


def check_rows(dataset: Dataset, limits: Thresholds, rows: Pass | None = None) -> Iterator[Check]:
    """Everything that one pass over all rows can say."""
    rows = rows or Pass(dataset, limits)
    yield from _reading(rows)
    for name in ("index", "episode_index", "frame_index", "task_index"):
        wrong = rows.index[name]
        found = f"{wrong.count} rows out of order"
        yield _of_rows(f"index: {name}", wrong, found, "0 rows")
    wrong = rows.index["timestamp"]
    beat = f"frame_index / {dataset.fps} s"
    yield _of_rows("timestamps", wrong, f"{wrong.count} rows off the beat", beat)
    wrong = rows.index["order"]
    found = f"{wrong.count} rows not after the row before"
    yield _of_rows("timestamps: order", wrong, found, "time that rises within an episode")
    for name in rows.columns:
        wrong = rows.finite[name]
        found = f"{wrong.count} rows with NaN, infinity or nothing"
        yield _of_rows(f"finite: {name}", wrong, found, "0 rows")
    yield from _ranges(dataset, rows)
    yield from _statistics(dataset, rows, limits)
    yield from _duplicates(rows)


def _reading(rows: Pass) -> Iterator[Check]:
    damaged = rows.reader.damaged
    where = next((str(path) for path in damaged), "")
    yield Check(
        "parquet content",
        "fail" if damaged else "pass",
        "; ".join(damaged.values()) or "every row read",
        "files that can be read to their end",
        where,
    )
    for name, problem in rows.reader.misfits.items():
        yield Check(f"shape: {name}", "fail", problem, "numbers of the declared shape", name)


def _of_rows(
    name: str, wrong: Rows, found: str, wanted: str, severity: Verdict = "fail", where: str = ""
) -> Check:
    row = f"first row {wrong.first}" if wrong.count else ""
    return Check(
        name,
        severity if wrong.count else "pass",
        found,
        wanted,
        ", ".join(filter(None, (where, row))),
        episodes=tuple(sorted(wrong.episodes)),
    )


def _ranges(dataset: Dataset, rows: Pass) -> Iterator[Check]:
    if dataset.own is None:
        yield Check("range", "pass", "limits not told", "values within the limits of a WorldSpec")
        return
    parts: list[tuple[str, VectorSpec, Verdict]] = [
        (ACTION_KEY, dataset.spec.action, "fail"),
        (STATE_KEY, dataset.spec.state, "warn"),
    ]
    for key, spec, severity in parts:
        if not spec.size:
            continue
        moments = rows.moments[key]
        for place, channel in enumerate(spec.channels):
            if place >= len(moments.low) or abs(channel.high) > LIMITLESS:
                continue
            wrong = rows.outside[key, place]
            found = f"{moments.low[place]:.4g} to {moments.high[place]:.4g}"
            found += f", {wrong.count} rows outside"
            wanted = f"{channel.low:g} to {channel.high:g}"
            yield _of_rows(f"range: {key}.{channel.name}", wrong, found, wanted, severity)


def _statistics(dataset: Dataset, rows: Pass, limits: Thresholds) -> Iterator[Check]:
    for name in rows.columns:
        if name in (STATE_KEY, ACTION_KEY):
            yield from _variance(dataset, rows, name)
        yield _told_statistics(dataset, rows, name, limits)
    yield _episode_statistics(dataset, rows, limits)
    for camera in dataset.spec.cameras:
        told = dataset.stats.get(camera.key, {})
        sizes = [_vector(told.get(part)).size for part in ("mean", "std")]
        whole = sizes == [3, 3]
        yield Check(
            f"statistics: {camera.key}",
            "pass" if whole else "fail",
            "there" if whole else f"{sorted(told)}",
            "mean and std of 3 channels",
            STATS_WHERE,
        )


def _vector(value: object) -> np.ndarray:
    """Finite numbers however they are nested; none where it is something else."""
    try:
        found = np.asarray(value, np.float64).ravel()
    except (TypeError, ValueError):
        return np.zeros(0)
    return found if np.isfinite(found).all() else np.zeros(0)


def _variance(dataset: Dataset, rows: Pass, name: str) -> Iterator[Check]:
    spec = dataset.spec.state if name == STATE_KEY else dataset.spec.action
    moments = rows.moments[name]
    still = np.flatnonzero(moments.low == moments.high)
    names = [spec.names[place] for place in still if place < spec.size]
    every = name == ACTION_KEY and len(still) == spec.size
    yield Check(
        f"variance: {name}",
        "fail" if every else "warn" if names else "pass",
        f"without variance: {names}" if names else "all channels vary",
        "every channel varies",
        name if names else "",
    )


def _told_statistics(dataset: Dataset, rows: Pass, name: str, limits: Thresholds) -> Check:
    told, moments = dataset.stats.get(name), rows.moments[name]
    if not isinstance(told, dict):
        severity: Verdict = "fail" if name in (STATE_KEY, ACTION_KEY) else "warn"
        return Check(f"statistics: {name}", severity, "missing", "one entry", STATS_WHERE)
    wanted = moments.stats()
    spread = np.maximum(wanted["max"] - wanted["min"], 1e-9)
    for part, value in wanted.items():
        found = _vector(told.get(part))
        if found.shape != value.shape:
            said = f"{part} of {found.size} values"
            return Check(f"statistics: {name}", "fail", said, f"{value.size} values", STATS_WHERE)
        if not (np.abs(found - value) <= limits.stats_slack * spread + 1e-6).all():
            wanted_text = f"{_brief(value)}, as in the data"
            return Check(
                f"statistics: {name}", "fail", f"{part} {_brief(found)}", wanted_text, STATS_WHERE
            )
    counted = _vector(told.get("count", moments.count))
    if counted.size != 1 or counted[0] != moments.count:
        found = f"count {_brief(counted)}"
        return Check(f"statistics: {name}", "fail", found, f"{moments.count} rows", STATS_WHERE)
    return Check(f"statistics: {name}", "pass", "as in the data", "as in the data", STATS_WHERE)


def _episode_statistics(dataset: Dataset, rows: Pass, limits: Thresholds) -> Check:
    """The means that meta/episodes tells of each episode, against its rows."""
    wrong, told = [], 0
    for path in sorted((dataset.root / "meta" / "episodes").glob("chunk-*/file-*.parquet")):
        numbers = read_rows(path, only="episode_index")
        for name, means in rows.means.items():
            key = f"stats/{name}/mean"
            for row, part in zip(numbers, read_rows(path, only=key), strict=False):
                index = row["episode_index"]
                if key not in part or index not in means:
                    continue
                told += 1
                moments = rows.moments[name]
                slack = limits.stats_slack * np.maximum(moments.high - moments.low, 1e-9) + 1e-6
                found = _vector(part[key])
                fits = found.shape == means[index].shape
                if not fits or not (np.abs(found - means[index]) <= slack).all():
                    wrong.append(index)
    episodes = tuple(sorted(set(wrong)))
    found = f"{len(episodes)} episodes with another mean than their rows"
    return Check(
        "statistics: episode rows",
        "fail" if episodes else "pass",
        found if told else "none told",
        "the means of each episode's rows, or none told",
        in_words(episodes),
        episodes=episodes,
    )


def _brief(values: np.ndarray) -> str:
    return np.array2string(values[:8], precision=4, suppress_small=True)


def _duplicates(rows: Pass) -> Iterator[Check]:
    first: dict[bytes, int] = {}
    copies = {}
    for episode, print_ in rows.prints.items():
        original = first.setdefault(print_, episode)
        if original != episode:
            copies[episode] = original
    named = ", ".join(f"{copy} is {original}" for copy, original in list(copies.items())[:8])
    yield Check(
        "duplicate episodes",
        "warn" if copies else "pass",
        f"{len(copies)} episodes with the actions and states of another",
        "each drive once: copies count twice in training, and leak into validation",
        named,
        episodes=tuple(copies),
    )
