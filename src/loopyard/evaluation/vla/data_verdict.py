"""What the audit says of the data that a checkpoint learned from, for a network of its size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from loopyard.data.audit import Thresholds, audit
from loopyard.data.audit.grades import judge
from loopyard.data.audit.report import AuditReport


def trainable_parameters(model: nn.Module) -> int:
    """Numbers that training changes: adapters and head where the backbone is frozen."""
    return sum(part.numel() for part in model.parameters() if part.requires_grad)


def data_verdict(datasets: Sequence[Path], parameters: int) -> dict[str, Any]:
    """Plain JSON: totals over all datasets, and of each its grades, figures and what was odd.

    Pictures are not looked at again: training does that before its first step. conditions: of
    deployment, of all datasets together.
    """
    limits = Thresholds(policy_parameters=parameters)
    reports = [audit(path, thresholds=limits, video=False) for path in datasets]
    frames = sum(report.facts.get("frames", 0) for report in reports)
    parts = [_of(report) for report in reports]
    return {
        "trainable_parameters": parameters,
        "frames": frames,
        "episodes": sum(report.facts.get("episodes", 0) for report in reports),
        "frames_a_parameter": frames / max(1, parameters),
        "conditions": list(dict.fromkeys(text for part in parts for text in part["conditions"])),
        "datasets": parts,
    }


def _of(report: AuditReport) -> dict[str, Any]:
    judgement, measured = judge(report.checks), report.facts.get("measured") or {}
    distinct, frames = measured.get("distinct actions"), report.facts.get("frames", 0)
    return {
        "path": report.path,
        "verdict": report.verdict,
        "grades": {
            grade.part: {"letter": grade.letter, "sentence": grade.sentence}
            for grade in judgement.grades
        },
        "conditions": judgement.conditions,
        "frames": frames,
        "episodes": report.facts.get("episodes", 0),
        "distinct_actions": distinct,
        "diversity": distinct["found"] / frames if distinct and frames else None,
        "memorising": {
            name: {"r2": part["r2"], "warns_above": part["warns_above"], "meaning": part["meaning"]}
            for name, part in (measured.get("memorising") or {}).items()
        },
        "strata": measured.get("strata") or {},
        "odd": [
            {"check": check.name, "found": check.found, "expected": check.expected}
            for check in report.checks
            if check.verdict != "pass"
        ],
    }
