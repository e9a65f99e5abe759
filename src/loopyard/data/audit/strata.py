"""Is every kind of episode there, and often enough? Strata by name, task or column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from loopyard.core.errors import DatasetError, expected
from loopyard.data.audit.drives import drives_of
from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset, DatasetEpisode

TASK = "task"
SHOWN = 12
"""Strata of one kind that a message names."""
_PARTS = re.compile(r"\{(\w+)\}|\[([^\[\]{}]+)\]")


def check_strata(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Each kind of stratum by itself: the smallest against an equal share."""
    kinds = strata_of(dataset, limits.strata)
    drives_of(dataset, limits).measured["strata"] = kinds
    for kind, counts in kinds.items():
        total, fewest = sum(counts.values()), min(counts.values())
        ratio = fewest * len(counts) / total
        shown = [f"{name} {count}" for name, count in list(counts.items())[:SHOWN]]
        yield Check(
            f"imbalance: {kind}",
            "warn" if ratio < limits.imbalance_warn else "pass",
            f"{', '.join(shown)}{' ...' if len(counts) > SHOWN else ''} episodes",
            f"at least {limits.imbalance_warn:.0%} of an equal share each",
            part="health",
        )


def strata_of(dataset: Dataset, by: str) -> dict[str, dict[str, int]]:
    """Episodes of each stratum, the largest first: {kind: {stratum: episodes}}.

    by: a pattern of episode names (`name_pattern`), ``task``, or a column, whose value at an
    episode's first frame counts. Empty: what the importer or the world told of each episode, and
    the tasks where there are several.

    Raises:
        DatasetError: no such column, or no episode's name fits the pattern.
    """
    found = _told(dataset, by)
    kinds: dict[str, Counter[str]] = {}
    for strata in found:
        for kind, name in strata.items():
            kinds.setdefault(kind, Counter())[name] += 1
    return {kind: dict(counts.most_common()) for kind, counts in kinds.items()}


def _told(dataset: Dataset, by: str) -> list[Mapping[str, str]]:
    if not by:
        several = len({entry.task for entry in dataset.episodes}) > 1
        own = [{TASK: entry.task} if several else {} for entry in dataset.episodes]
        return [task | told_strata(e) for task, e in zip(own, dataset.episodes, strict=True)]
    if by == TASK:
        return [{TASK: entry.task} for entry in dataset.episodes]
    if "{" in by or "[" in by:
        pattern = name_pattern(by)
        found = [strata_in(pattern, episode_name(entry)) for entry in dataset.episodes]
        if not any(found):
            names = [episode_name(entry) for entry in dataset.episodes[:2]]
            raise DatasetError(expected(str(dataset.root), "episode names", names, by))
        return [strata or {"name": "fits no pattern"} for strata in found]
    if by not in dataset.column_names:
        wanted = f"a pattern, {TASK!r} or one of {dataset.column_names}"
        raise DatasetError(expected(str(dataset.root), "strata", by, wanted))
    values = [str(v) for rows in dataset.batches([by]) for v in rows.column(by).to_pylist()]
    return [{by: values[entry.from_index]} for entry in dataset.episodes]


def told_strata(entry: DatasetEpisode) -> dict[str, str]:
    """{kind: stratum} that the importer or the world told of an episode; {} where neither did."""
    drawn = entry.meta.get("drawn")
    of_scene = drawn.get("strata") if isinstance(drawn, dict) else None
    told = entry.meta.get("strata", of_scene)
    if not isinstance(told, dict):
        return {}
    return {str(kind): str(name) for kind, name in told.items()}


def episode_name(entry: DatasetEpisode) -> str:
    """What its recording or its scene was called, without folder and ending; empty where nothing
    tells."""
    drawn = entry.meta.get("drawn")
    scene = drawn.get("stratum") if isinstance(drawn, dict) else None
    name = str(entry.meta.get("name") or scene or "")
    return re.sub(r"\.[A-Za-z0-9]+$", "", name.rpartition("/")[2])


def name_pattern(pattern: str) -> re.Pattern[str]:
    """Of ``{boxes}box_{side}[_evening]``: a field holds no underscore, brackets are there or not.

    It must fit the end of a name, after an underscore or from its beginning.
    """
    parts, place, optional = [r"(?:^|.*_)"], 0, 0
    for part in _PARTS.finditer(pattern):
        parts.append(re.escape(pattern[place : part.start()]))
        if part[1]:
            parts.append(f"(?P<{part[1]}>[^_]+?)")
        else:
            optional += 1
            parts.append(f"(?P<{part[2].strip('_ -') or f'part{optional}'}>{re.escape(part[2])})?")
        place = part.end()
    parts.append(re.escape(pattern[place:]) + "$")
    return re.compile("".join(parts))


def strata_in(pattern: re.Pattern[str], name: str) -> dict[str, str]:
    """{field: value} of a name, optional parts as yes or no; empty where the name does not fit."""
    found = pattern.match(name)
    if found is None:
        return {}
    optional = {key for key in pattern.groupindex if f"(?P<{key}>[^_]+?)" not in pattern.pattern}
    return {
        key: ("yes" if value else "no") if key in optional else value or ""
        for key, value in found.groupdict().items()
    }
