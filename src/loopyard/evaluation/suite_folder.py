"""The files of a suite of rollouts: written as results come, read to go on."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from loopyard.evaluation.record import RolloutRecord, SceneKey, read_records, to_jsonl
from loopyard.evaluation.result import Evaluation
from loopyard.evaluation.worker import Driven
from loopyard.executors.executor import Executor
from loopyard.store.atomic import write_bytes, write_json, write_text


class SuiteFolder:
    """What one suite keeps in an evaluation's folder.

    ``<suite>.jsonl`` the records, ``<suite>.json`` the summary, ``actions/<suite>-<policy>/`` what
    was executed ((T, A) float32 a scene), ``traces/<suite>-<policy>/`` what it looked like from
    inside (`loopyard.evaluation.trace.Trace`), ``videos/`` the films.
    """

    def __init__(self, root: Path, suite: str, policy: str) -> None:
        """policy: the digest whose records are looked for; those of others are kept as they are.

        Raises:
            DatasetError: the suite's records are not records.
        """
        self._root, self._suite, self._policy = root, suite, policy
        self._path = root / f"{suite}.jsonl"
        root.mkdir(parents=True, exist_ok=True)
        self._records = read_records(self._path)
        if self._path.exists():
            # Drops the half line a killed run may have left, before anything is added.
            write_text(self._path, to_jsonl(self._records))

    def known(self) -> dict[SceneKey, RolloutRecord]:
        """What this policy has driven, by scene."""
        mine = (record for record in self._records if record.policy == self._policy)
        return {record.scene: record for record in mine}

    def keep(self, block: Sequence[Driven]) -> None:
        """Actions first: a record promises that its actions are there."""
        for driven in block:
            self._actions_path(driven.record).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self._actions_path(driven.record), _npy(driven.actions))
            if driven.trace:
                write_bytes(trace_path(self._root, self._suite, driven.record), driven.trace)
        records = [driven.record for driven in block]
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(to_jsonl(records))
            stream.flush()
            os.fsync(stream.fileno())
        self._records += records

    def film(self, result: Evaluation, videos: int, executor: Executor) -> Evaluation:
        """Films chosen drives again from their actions, and notes the films in the records.

        A drive that a world did not repeat is not shown.
        """
        if not videos:
            return result
        from loopyard.evaluation.film import FilmJob, choose, film_handler

        jobs = [
            FilmJob(record, self._actions(record), self._video_path(record))
            for record in choose(result.records, videos)
        ]
        missing = [job for job in jobs if not job.path.exists()]
        missing.sort(key=lambda job: -len(job.actions))  # a long one begun last has a core alone
        made = {job.path for job in jobs} - {job.path for job in missing}
        for film in executor.map(film_handler, missing):
            if film.faithful:
                made.add(film.path)
            else:
                film.path.unlink()
        noted = tuple(
            record.with_video(str(self._video_path(record).relative_to(self._root)))
            if self._video_path(record) in made
            else record
            for record in result.records
        )
        by_key = {record.key: record for record in noted}
        self._records = [by_key.get(record.key, record) for record in self._records]
        write_text(self._path, to_jsonl(self._records))
        return replace(result, records=noted)

    def summarise(self, result: Evaluation) -> None:
        write_json(self._root / f"{self._suite}.json", result.summary())

    def _actions_path(self, record: RolloutRecord) -> Path:
        name = f"{record.scenario.digest}-{record.seed}.npy"
        return self._root / "actions" / f"{self._suite}-{self._policy}" / name

    def _actions(self, record: RolloutRecord) -> np.ndarray:
        return np.load(self._actions_path(record), allow_pickle=False)

    def _video_path(self, record: RolloutRecord) -> Path:
        end = "success" if record.outcome.success else "failure"
        family = record.scenario.mode or record.scenario.digest[:8]
        name = f"{self._suite}-{self._policy[:8]}-{end}-{family}-{record.seed}.mp4"
        return self._root / "videos" / name


def trace_path(root: Path, suite: str, record: RolloutRecord) -> Path:
    """Where an evaluation's folder keeps the trace of a rollout."""
    name = f"{record.scenario.digest}-{record.seed}.npz"
    return root / "traces" / f"{suite}-{record.policy}" / name


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
