"""Diagnoses the failed rollouts of an evaluation's folder, and keeps what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.evaluation.diagnosis.clusters import Cluster, Onset, clusters
from loopyard.evaluation.diagnosis.diagnose import diagnose
from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS, UNDECIDED, Diagnosis
from loopyard.evaluation.diagnosis.thresholds import THRESHOLDS, Thresholds
from loopyard.evaluation.record import RolloutRecord, read_records
from loopyard.evaluation.statistics import wilson
from loopyard.evaluation.suite_folder import trace_path
from loopyard.evaluation.trace import Trace, read_trace
from loopyard.store.atomic import write_json

NAME = "diagnosis.json"
EVIDENCE = "diagnosis"
"""Folder of the pictures and clips, beside the records."""


@dataclass(frozen=True)
class DiagnosedRollout:
    """A failed rollout. picture, clip: paths relative to the folder, where they were made."""

    record: RolloutRecord
    diagnosis: Diagnosis
    picture: str | None = None
    clip: str | None = None

    @property
    def name(self) -> str:
        """What its evidence is called."""
        return f"{self.record.scenario.digest}-{self.record.seed}"

    def to_dict(self) -> dict[str, Any]:
        record = self.record
        return {
            "seed": record.seed,
            "scenario": record.scenario.digest,
            "mode": record.scenario.mode,
            "reason": record.outcome.reason,
            "seconds": record.outcome.seconds,
            **self.diagnosis.to_dict(),
            "picture": self.picture,
            "clip": self.clip,
        }


@dataclass(frozen=True)
class SuiteDiagnosis:
    """The failures of one policy on one suite. n: rollouts; failed: of them, `without_trace` of
    which cannot be diagnosed. clusters: members by their place in `rollouts`."""

    suite: str
    policy: str
    n: int
    failed: int
    without_trace: int
    rollouts: tuple[DiagnosedRollout, ...]
    clusters: tuple[Cluster, ...]

    def counts(self) -> dict[str, dict[str, Any]]:
        """{"classes", "patterns"}: how many of the n rollouts, with the Wilson interval. A pattern
        that this world's signals do not show is not counted."""
        found = [one.diagnosis for one in self.rollouts]
        classes = Counter(one.name or UNDECIDED for one in found)
        patterns = Counter(name for one in found for name in one.pattern_names)
        names = [*CLASSES, *([UNDECIDED] if classes[UNDECIDED] else [])]
        looked_for = {name for one in found for name in one.looked_for}
        return {
            "classes": {name: self._share(classes[name]) for name in names},
            "patterns": {n: self._share(patterns[n]) for n in PATTERNS if n in looked_for},
        }

    def _share(self, count: int) -> dict[str, Any]:
        low, high = wilson(count, self.n)
        return {
            "count": count,
            "n": self.n,
            "share": round(count / self.n, 4) if self.n else 0.0,
            "wilson_95": [round(low, 4), round(high, 4)],
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "policy": self.policy,
            "n": self.n,
            "failed": self.failed,
            "without_trace": self.without_trace,
            **self.counts(),
            "clusters": [
                {
                    **cluster.to_dict(),
                    "rollouts": [self.rollouts[member].name for member in cluster.members],
                }
                for cluster in self.clusters
            ],
            "failures": [rollout.to_dict() for rollout in self.rollouts],
        }


def rollout_folders(path: Path) -> list[Path]:
    """The folders of rollouts at a path: itself, or those of a run folder's cycles.

    Raises:
        ConfigError: there are none.
    """
    folders = [path, *sorted(path.glob("cycles/*/rollouts"))]
    found = [folder for folder in folders if suites_of(folder)]
    if not found:
        wanted = "a folder of rollouts (evaluate --out) or a run folder"
        there = "nothing there" if not path.exists() else "no rollouts"
        raise ConfigError(expected(str(path), "folder", there, wanted))
    return found


def suites_of(folder: Path) -> list[str]:
    """The suites whose records and summary lie in a folder."""
    return sorted(
        path.stem for path in folder.glob("*.jsonl") if path.with_suffix(".json").is_file()
    )


def diagnose_suite(
    folder: Path,
    suite: str,
    thresholds: Thresholds = THRESHOLDS,
    *,
    on_rollout: Callable[[DiagnosedRollout, Trace], DiagnosedRollout] | None = None,
) -> SuiteDiagnosis:
    """Diagnoses the failures of the policy that was driven last in ``<folder>/<suite>.jsonl``.

    on_rollout: told of each; what it returns is kept, so that evidence can be added while the
    trace is at hand.

    Raises:
        DatasetError: the records or a trace cannot be read.
    """
    records = read_records(folder / f"{suite}.jsonl")
    policy = records[-1].policy if records else ""
    records = [record for record in records if record.policy == policy]
    failed = [record for record in records if not record.outcome.success]
    found: list[DiagnosedRollout] = []
    onsets: list[Onset] = []
    for record in failed:
        path = trace_path(folder, suite, record)
        if not path.is_file():
            continue
        trace = read_trace(path)
        one = DiagnosedRollout(record, diagnose(trace, thresholds))
        found.append(one if on_rollout is None else on_rollout(one, trace))
        onsets.append(_onset(one.diagnosis, trace))
    return SuiteDiagnosis(
        suite,
        policy,
        len(records),
        len(failed),
        len(failed) - len(found),
        tuple(found),
        tuple(clusters(onsets)),
    )


def write_diagnosis(folder: Path, suites: Sequence[SuiteDiagnosis]) -> Path:
    """Writes ``<folder>/diagnosis.json`` and returns its path."""
    content = {
        "thresholds": THRESHOLDS.model_dump(),
        "suites": {suite.suite: suite.to_dict() for suite in suites},
    }
    write_json(folder / NAME, content)
    return folder / NAME


def _onset(diagnosis: Diagnosis, trace: Trace) -> Onset:
    """Scaled by the ground, or by what the drive saw of it, and by the drive's time."""
    place = (0.0, 0.0)
    if diagnosis.onset_m is not None:
        bounds = trace.layout.get("bounds_m")
        if bounds is None:
            x, y = trace.signal("x_m"), trace.signal("y_m")
            bounds = np.array([x.min(), y.min(), x.max(), y.max()])
        middle, half = (bounds[:2] + bounds[2:]) / 2, np.maximum((bounds[2:] - bounds[:2]) / 2, 0.1)
        scaled = (np.array(diagnosis.onset_m) - middle) / half
        place = (float(scaled[0]), float(scaled[1]))
    return Onset(diagnosis, place, diagnosis.onset_s / max(trace.seconds, 1e-9))
