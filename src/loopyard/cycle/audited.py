"""A cycle's datasets before they may be trained on: audited, and set aside where they fail."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from loopyard.core.errors import DatasetError
from loopyard.cycle.products import told_from
from loopyard.cycle.steps import Facts
from loopyard.data.audit import remembered_audit
from loopyard.store.atomic import fsync_path, write_json


def audited(dataset: Path) -> Facts:
    """Audit a cycle's dataset and keep the report beside it; the verdict, and what failed."""
    report = remembered_audit(dataset)
    name = "audit.json" if dataset.name == "dataset" else f"audit-{dataset.name}.json"
    write_json(dataset.parent / name, told_from(dataset.parent, report.to_dict()))
    failed = [asdict(check) for check in report.checks if check.verdict == "fail"]
    return {"verdict": report.verdict, **({"failed": failed} if failed else {})}


def passed(dataset: Path) -> Facts:
    """`audited`, where a failure is the end.

    Raises:
        DatasetError: it failed; names every reason.
    """
    facts = audited(dataset)
    if facts["verdict"] == "fail":
        reasons = "; ".join(f"{check['name']}: found {check['found']}" for check in facts["failed"])
        raise DatasetError(f"{dataset}: audit failed: {reasons}")
    return facts


def set_aside(root: Path) -> None:
    """Keep a dataset that failed its audit beside the one that is made in its place."""
    aside = root.with_name(f"{root.name}.failed")
    if root.exists() and not aside.exists():  # a restart may find both
        root.rename(aside)
        fsync_path(root.parent)
