"""find_failures: a search with evaluate() as its drives, and the folder it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.boundary import boundary_json, effects
from loopyard.evaluation.adversary.failing_box import (
    failing_box,
    mode_of,
    require_mode,
    save_mode,
)
from loopyard.evaluation.adversary.score import failed
from loopyard.evaluation.adversary.search import Finding, SearchSettings, search
from loopyard.evaluation.adversary.space import open_space
from loopyard.evaluation.by_mode import mode_result
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.scenarios.registry import built_in_registry
from loopyard.scenarios.scene_file import write_scenes
from loopyard.store.atomic import write_json

SUITE, RESULT, SCENES, PICTURE = "rollouts", "search.json", "scenarios.jsonl", "boundary"


def find_failures(
    policy: str | Path,
    base: Scenario,
    vary: Mapping[str, tuple[Any, Any]],
    out: str | Path,
    settings: SearchSettings | None = None,
    *,
    mode_out: Path | None = None,
    mode_id: str | None = None,
    on_result: Callable[[RolloutRecord], None] | None = None,
    **driving: Any,
) -> dict[str, Any]:
    """Searches the parameters ``vary``, {name: (low, high)}, about ``base`` for failures of a
    policy, and gives what it found as plain JSON.

    policy: a checkpoint folder or a baseline's name, as for `loopyard.evaluate`, which gets
    ``driving`` (workers, expert, n_action_steps ...). out: a folder for ``search.json`` (the
    answer), ``boundary.svg`` and ``.png``, ``scenarios.jsonl`` (every scene that failed, if any)
    and the rollouts; called again with the same arguments, it goes on from those. mode_out: a file
    for a failure mode that stages what fails, with the id ``mode_id``.

    Raises:
        ConfigError: parameters or settings that do not fit, or the package `cma` is missing.
        CheckpointError, WorldError: as `loopyard.evaluate`.
        Interrupted: stopped; what was driven is kept.
    """
    settings, out = settings or SearchSettings(), Path(out)
    space = open_space(base, vary)
    if mode_out is not None:
        require_mode(space, mode_out)

    def drive(scenes: Sequence[tuple[Scenario, int]]) -> Sequence[RolloutRecord]:
        return evaluate(
            policy, scenes=scenes, out=out, suite=SUITE, on_result=on_result, **driving
        ).records

    finding = search(space, settings, drive)
    records = finding.records
    write_json(out / f"{SUITE}.json", Evaluation(records, records[0].policy, SUITE).summary())
    answer = describe(finding)
    answer["picture"] = _draw(finding, out)
    answer["scenarios"] = _write_scenes(finding, out)
    answer["mode"] = _write_mode(finding, mode_out, mode_id)
    write_json(out / RESULT, answer)
    return answer


def describe(finding: Finding) -> dict[str, Any]:
    """What was found, as plain JSON."""
    space, tried, unsafe = finding.space, finding.tried, finding.settings.unsafe
    box = failing_box(space, tried)
    strength = effects(tried)
    return {
        "base": space.base.model_dump(mode="json"),
        "vary": {axis.name: [axis.low, axis.high] for axis in space.axes},
        "seed": finding.settings.seed,
        "failure": "no success, or a safety violation" if unsafe else "no success",
        "rollouts": len(finding.records),
        "points": len(tried.n),
        "points_without_room": finding.impossible,
        "failures": sum(failed(record.outcome, unsafe=unsafe) for record in finding.records),
        "worst": {
            "params": space.values(finding.worst),
            **_checked(finding.worst_check, unsafe=unsafe),
        },
        "nominal": {
            "params": {axis.name: axis.nominal for axis in space.axes},
            **_checked(finding.nominal_check, unsafe=unsafe),
        },
        "effects": {
            name: round(float(value), 3) for name, value in zip(space.names, strength, strict=True)
        },
        "failing_box": box
        and {
            "params": {name: list(ends) for name, ends in box[0].items()},
            "rollouts": box[1],
            "failures": box[2],
        },
        "boundary": boundary_json(finding.boundary, tried),
    }


def _checked(records: Sequence[RolloutRecord], *, unsafe: bool) -> dict[str, Any]:
    outcomes = [record.outcome for record in records]
    failures = sum(failed(outcome, unsafe=unsafe) for outcome in outcomes)
    return {**mode_result(outcomes).to_dict(), "failures": failures}


def _draw(finding: Finding, out: Path) -> str:
    from loopyard.evaluation.adversary.picture import draw_boundary

    return str(draw_boundary(finding, out / PICTURE)[0])


def _write_scenes(finding: Finding, out: Path) -> str | None:
    unsafe = finding.settings.unsafe
    scenes = {
        record.scene: (record.scenario, record.seed)
        for record in finding.records
        if failed(record.outcome, unsafe=unsafe)
    }
    if not scenes:
        (out / SCENES).unlink(missing_ok=True)  # of an earlier search
        return None
    write_scenes(out / SCENES, scenes.values())
    return str(out / SCENES)


def _write_mode(finding: Finding, path: Path | None, id: str | None) -> dict[str, str] | None:
    box = failing_box(finding.space, finding.tried) if path is not None else None
    if path is None or box is None:
        return None
    mode = mode_of(finding.space, box[0], id or built_in_registry().new_id(), box[1], box[2])
    save_mode(mode, path)
    return {"id": mode.id, "file": str(path)}
