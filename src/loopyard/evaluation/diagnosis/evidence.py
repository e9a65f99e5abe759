"""The evidence of a diagnosis that people look at: a picture from above, a clip of the drive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loopyard.evaluation.diagnosis.diagnosis import Diagnosis
from loopyard.evaluation.diagnosis.suite import EVIDENCE, DiagnosedRollout, SuiteDiagnosis
from loopyard.evaluation.suite_folder import trace_path
from loopyard.evaluation.trace import Trace, read_trace
from loopyard.executors.executor import Executor
from loopyard.store.atomic import write_bytes

AROUND_S = 2.0
"""What a clip shows before and after the span."""
LONGEST_S = 10.0
"""Of a longer span a clip shows the beginning: what follows is more of the same."""


def draw_picture(
    folder: Path, suite: str, rollout: DiagnosedRollout, trace: Trace
) -> DiagnosedRollout:
    """Draws the trajectory of a rollout, and notes where; as it was where there is no pose."""
    from loopyard.evaluation.diagnosis.pictures import trajectory_png

    mode = rollout.record.scenario.mode
    title = f"scene {rollout.record.seed}{f', {mode}' if mode else ''}"
    picture = trajectory_png(trace, rollout.diagnosis, title)
    if picture is None:
        return rollout
    name = f"{EVIDENCE}/{suite}/{rollout.name}.png"
    write_bytes(folder / name, picture)
    return replace(rollout, picture=name)


def film_clips(
    folder: Path, diagnosed: SuiteDiagnosis, count: int, executor: Executor
) -> SuiteDiagnosis:
    """Films what the diagnosis speaks of, in `count` rollouts, one of each kind first.

    The executed actions are driven again; a drive that does not end as its record says is not
    shown.
    """
    from loopyard.evaluation.film import FilmJob, film_handler

    jobs = []
    for rollout in one_of_each_kind(diagnosed.rollouts)[:count]:
        trace = read_trace(trace_path(folder, diagnosed.suite, rollout.record))
        path = folder / EVIDENCE / diagnosed.suite / f"{rollout.name}.mp4"
        jobs.append(FilmJob(rollout.record, trace.actions, path, clip_span(rollout.diagnosis)))
    made = set()
    for film in executor.map(film_handler, jobs):
        if film.faithful:
            made.add(film.path)
        else:
            film.path.unlink()
    rollouts = []
    for rollout in diagnosed.rollouts:
        name = f"{EVIDENCE}/{diagnosed.suite}/{rollout.name}.mp4"
        rollouts.append(replace(rollout, clip=name) if folder / name in made else rollout)
    return replace(diagnosed, rollouts=tuple(rollouts))


def clip_span(diagnosis: Diagnosis) -> tuple[float, float]:
    """From and to which second: the class' span, or else the first pattern's, and a little round
    it."""
    first = diagnosis.first
    begin_s, end_s = (0.0, LONGEST_S) if first is None else first.evidence.span_s
    return max(0.0, begin_s - AROUND_S), min(end_s, begin_s + LONGEST_S) + AROUND_S


def one_of_each_kind(rollouts: Sequence[DiagnosedRollout]) -> list[DiagnosedRollout]:
    """All of them, one of each class and set of patterns first, then the second of each, ..."""
    kinds: dict[tuple[str | None, tuple[str, ...]], list[DiagnosedRollout]] = {}
    for rollout in rollouts:
        kind = rollout.diagnosis.name, rollout.diagnosis.pattern_names
        kinds.setdefault(kind, []).append(rollout)
    rounds = max(map(len, kinds.values()), default=0)
    return [kind[turn] for turn in range(rounds) for kind in kinds.values() if turn < len(kind)]
