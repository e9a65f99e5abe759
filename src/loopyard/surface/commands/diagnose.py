"""Say why rollouts failed: the class F1 to F6, named patterns, and the evidence for each.

Reads the traces that an evaluation kept, writes diagnosis.json beside them, with a picture from
above of each failure and clips of some.

Example: loopyard diagnose runs/demo --clips 4
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which rollouts, and how much evidence to make."""

    path: Annotated[Path, tyro.conf.Positional]
    """a folder of rollouts (evaluate --out), or a run folder"""
    suite: str | None = None
    """only this one, such as gate; default: every suite that is there"""
    pictures: int = 40
    """failures to draw from above, of each suite"""
    clips: int = 0
    """failures to film, of each suite, one of each kind first"""
    workers: int = 0
    """processes that film; 0: one a core"""


def run(options: Options, console: Console) -> int:
    """Diagnoses every suite that is there."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.evaluation.diagnosis.suite import rollout_folders, suites_of, write_diagnosis

    answer: dict[str, Any] = {"diagnoses": []}
    texts: list[str] = []
    for folder in rollout_folders(options.path):
        suites = [
            suite for suite in suites_of(folder) if not options.suite or suite == options.suite
        ]
        found = [_diagnose(folder, suite, options, console) for suite in suites]
        if found:
            path = write_diagnosis(folder, found)
            answer["diagnoses"].append(
                {"file": str(path), "suites": {one.suite: one.to_dict() for one in found}}
            )
            texts += [f"{folder}, {_text(one)}" for one in found] + [f"written: {path}", ""]
    if not texts:
        raise ConfigError(
            expected(str(options.path), "--suite", options.suite, "a suite that was driven")
        )
    console.result(answer, "\n".join(texts).rstrip())
    return 0


def _diagnose(folder: Path, suite: str, options: Options, console: Console) -> Any:
    from loopyard.core.machine import usable_cores
    from loopyard.evaluation.diagnosis.evidence import draw_picture, film_clips
    from loopyard.evaluation.diagnosis.suite import diagnose_suite
    from loopyard.executors.local import LocalExecutor

    drawn = 0
    with console.progress(None, "failures", f"diagnose {suite}") as progress:

        def on_rollout(rollout: Any, trace: Any) -> Any:
            nonlocal drawn
            progress.advance()
            drawn += 1
            return (
                draw_picture(folder, suite, rollout, trace)
                if drawn <= options.pictures
                else (rollout)
            )

        found = diagnose_suite(folder, suite, on_rollout=on_rollout)
    if options.clips and found.rollouts:
        workers = min(options.workers or usable_cores(), options.clips)
        found = film_clips(folder, found, options.clips, LocalExecutor(workers))
    return found


def _text(found: Any) -> str:
    from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS

    lines = [f"{found.suite}: {found.failed} of {found.n} rollouts failed"]
    if found.without_trace:
        lines.append(f"  {found.without_trace} of them have no trace, and no diagnosis")
    for kind, meanings in (("classes", CLASSES), ("patterns", PATTERNS)):
        for name, row in found.counts()[kind].items():
            if row["count"]:
                low, high = row["wilson_95"]
                share = f"{row['count']:4d}  {row['share']:6.1%} ({low:.1%} to {high:.1%})"
                lines.append(f"  {name:<21}{share}  {meanings.get(name, '')}".rstrip())
    for cluster in found.clusters:
        where = f"x {cluster.x_m:.1f} m, y {cluster.y_m:.1f} m, from {cluster.onset_s:.1f} s on"
        lines.append(f"  {len(cluster.members)} begin near {where}: {cluster.label}")
    return "\n".join(lines)
