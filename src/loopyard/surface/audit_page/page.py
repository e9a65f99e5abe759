"""Writes the page: verdict and grades, pictures, charts, and every check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from loopyard.core.errors import DatasetError
from loopyard.data.audit import AuditReport, Check, Thresholds
from loopyard.data.audit.grades import PARTS, judge
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.store.atomic import write_text
from loopyard.surface.audit_page import charts
from loopyard.surface.audit_page.contact_sheet import contact_sheet
from loopyard.surface.report.wording import count, duration
from loopyard.surface.templates import page_templates, styles_of

PAGE = "audit_page/audit.html.j2"
STYLES = ("report/style.css", "audit_page/audit.css")
CHARTS = ("actions", "coverage", "lengths", "lag", "strata", "memorising", "drift")
WORDS = {
    "pass": ("good", "Train on it"),
    "warn": ("open", "Train on it knowing what is odd"),
    "fail": ("bad", "Do not train on it"),
}


def write_audit_page(path: Path, report: AuditReport, limits: Thresholds) -> Path:
    """Writes one self-contained HTML file; its folder is made where it is missing.

    Raises:
        NoSpaceError: the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render(report, limits))
    return path


def render(report: AuditReport, limits: Thresholds) -> str:
    """The page. A dataset that does not open has no pictures; its checks still stand there."""
    dataset = _opened(report.path)
    measured = report.facts.get("measured") or {}
    environment = page_templates("audit_page")
    tone, word = WORDS[report.verdict]
    judgement = judge(report.checks)
    return environment.get_template(PAGE).render(
        style=styles_of(environment, STYLES),
        name=Path(report.path).resolve().name,
        tone=tone,
        word=word,
        facts=_facts(report, dataset),
        judgement=judgement,
        sheets=contact_sheet(dataset) if dataset else [],
        charts=_charts(dataset, measured, limits),
        memorising=measured.get("memorising") or {},
        instructions=measured.get("instructions") or [],
        channels=dataset.spec.action.names if dataset else [],
        coverage=measured.get("coverage"),
        lag=measured.get("lag"),
        parts=[(part, *_odd_and_passed(report, part)) for part in PARTS],
        found={verdict: _count(report, verdict) for verdict in ("fail", "warn", "pass")},
    )


def _opened(path: str) -> Dataset | None:
    try:
        return open_dataset(path)
    except DatasetError:
        return None


def _charts(
    dataset: Dataset | None, measured: Mapping[str, Any], limits: Thresholds
) -> dict[str, Markup]:
    """Of what was measured, the rest empty; only what matplotlib drew here is trusted as markup."""
    found = dict.fromkeys(CHARTS, "")
    if measured.get("actions"):
        found["actions"] = charts.action_histograms(measured["actions"])
    if measured.get("coverage"):
        found["coverage"] = charts.coverage_map(measured["coverage"])
    if dataset is not None:
        found["lengths"] = charts.lengths_chart([e.length for e in dataset.episodes], dataset.fps)
    if measured.get("lag"):
        found["lag"] = charts.lag_chart(measured["lag"], limits.lag_warn)
    if measured.get("strata"):
        found["strata"] = charts.strata_chart(measured["strata"], limits.imbalance_warn)
    if measured.get("memorising"):
        found["memorising"] = charts.memorising_chart(measured["memorising"])
    if measured.get("drift"):
        found["drift"] = charts.drift_chart(measured["drift"], limits.drift_warn)
    return {name: Markup(svg) for name, svg in found.items()}


def _facts(report: AuditReport, dataset: Dataset | None) -> list[tuple[str, str]]:
    if dataset is None:
        return []
    told = [
        ("episodes", count(dataset.num_episodes)),
        ("frames", count(dataset.num_frames)),
        ("recorded", duration(dataset.num_frames / dataset.fps)),
        ("rate", f"{dataset.fps} Hz"),
    ]
    told += [(f"camera {c.name}", f"{c.width} x {c.height}") for c in dataset.spec.cameras[:3]]
    distinct = (report.facts.get("measured") or {}).get("distinct actions")
    return told + ([("distinct actions", count(distinct["found"]))] if distinct else [])


def _odd_and_passed(report: AuditReport, part: str) -> tuple[list[Check], list[Check]]:
    """The part's checks that did not pass, what failed first, and those that did."""
    own = [check for check in report.checks if check.part == part]
    odd = [check for check in own if check.verdict != "pass"]
    return sorted(odd, key=lambda c: c.verdict), [c for c in own if c.verdict == "pass"]


def _count(report: AuditReport, verdict: str) -> int:
    return sum(check.verdict == verdict for check in report.checks)
