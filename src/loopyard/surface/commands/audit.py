"""May this dataset be trained on, and what will go wrong? Exit code 1 says no.

Example: loopyard audit data/starter
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from loopyard.core.errors import DatasetError
from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.data.audit import AuditReport, Thresholds


@dataclass(frozen=True)
class Options:
    """Which dataset, and how closely to look."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """folder of a LeRobot v3.0 dataset, or recordings that `loopyard import` reads"""
    thorough: bool = False
    """decode every frame, not some of each of 64 episodes"""
    video: bool = True
    """look at the videos at all; without them 100,000 frames take seconds"""
    workers: int | None = None
    """processes that decode; one a core where the audit is thorough, else none of their own"""
    fix: Path | None = None
    """write a repaired copy to this new folder; the exit code is by the copy's verdict"""
    all: bool = False
    """name the checks that passed as well"""
    thresholds: Path | None = None
    """YAML file of thresholds that differ: docs/audit-a-dataset.md lists them"""
    set: Annotated[tyro.conf.UseAppendAction[list[str]], tyro.conf.arg(metavar="NAME=VALUE")] = (
        field(default_factory=list)
    )
    """a threshold to change, as often as needed"""
    strata: str = ""
    """what to count episodes by: a pattern of their names such as {boxes}box_{side}[_evening], task
    or a column; without it, what their importer told, and tasks"""
    policy: Literal["act-nano", "act", "vla-nano"] = "act-nano"
    """the policy whose parameters the frames are held against"""
    imported: Path | None = None
    """of recordings: keep the dataset that they were read into in this new folder"""
    params: dict[str, str] = field(default_factory=dict)
    """of recordings: settings of their form, as name value pairs"""
    html: Path | None = None
    """write a page with pictures too: one file that opens offline"""


def run(options: Options, console: Console) -> int:
    """Prints the verdict and its reasons; 1 where it is fail, else 0."""
    from loopyard.core.values import yaml_values
    from loopyard.data.audit import Thresholds
    from loopyard.surface.recordings import as_dataset

    limits = Thresholds.read(options.thresholds, options.set)
    params = yaml_values(options.params, "--params")
    source, keep = options.dataset, options.imported
    with as_dataset(source, keep, params, options.workers or 0, console) as path:
        report, repaired = _report(path, _asked(limits, path, options), options, console)
    if report.path == str(path):
        report = replace(report, path=str(source))
    said = report.to_dict() | ({"repair": repaired} if repaired is not None else {})
    console.result(said, "\n".join(_lines(report, options)))
    return 1 if report.verdict == "fail" else 0


def _report(
    path: Path, limits: Thresholds, options: Options, console: Console
) -> tuple[AuditReport, dict[str, object] | None]:
    """What is found in the dataset, or in its repaired copy, and what became of that."""
    report = _audited(path, limits, options)
    repaired = None
    if options.fix is not None and report.verdict != "pass":
        repaired = _repaired(path, options.fix, report, console)
        report = _audited(options.fix, limits, options)
    elif options.fix is not None:
        console.print(f"nothing to repair: {options.fix} is not written")
    if options.html is not None:
        from loopyard.surface.audit_page import write_audit_page

        write_audit_page(options.html, report, limits)
    return report, repaired


def _audited(path: Path, limits: Thresholds, options: Options) -> AuditReport:
    from loopyard.core.machine import usable_cores
    from loopyard.data.audit.apart import AuditJob, audit_apart

    workers = options.workers
    if workers is None:
        workers = usable_cores() if options.thorough and options.video else 0
    return audit_apart(AuditJob(path, limits, options.thorough, options.video, workers))


def _repaired(source: Path, out: Path, report: AuditReport, console: Console) -> dict[str, object]:
    """Write the copy and say what became of what; the same as facts."""
    from loopyard.data.audit.repair import repair

    done = repair(source, out, report)
    console.print("\n".join([f"repaired copy: {out}", *done.lines()]))
    return done.facts()


def _asked(limits: Thresholds, path: Path, options: Options) -> Thresholds:
    """The thresholds with what has a flag of its own."""
    changes: dict[str, object] = {"strata": options.strata} if options.strata else {}
    if options.policy != "act-nano":
        with suppress(DatasetError):  # what does not open, the audit names
            changes["policy_parameters"] = _parameters(options.policy, path)
    return limits.model_copy(update=changes)


def _parameters(kind: str, path: Path) -> int:
    """Of a network of this kind with its default sizes, for the dataset's numbers and cameras."""
    import torch

    from loopyard.data.dataset import open_dataset
    from loopyard.policies.catalogue import make_config, make_model
    from loopyard.policies.config import features_of

    spec = open_dataset(path).spec
    size = (spec.cameras[0].height, spec.cameras[0].width) if spec.cameras else (96, 96)
    features = features_of(spec, [camera.name for camera in spec.cameras], size)
    with torch.device("meta"):
        model = make_model(make_config(kind, "--policy", {**features, "type": kind}))
    return sum(part.numel() for part in model.parameters())


def _lines(report: AuditReport, options: Options) -> list[str]:
    lines = [f"{report.verdict}: {report.path}: {len(report.checks)} checks"]
    for check in report.checks:
        if options.all or check.verdict != "pass":
            where = f" ({check.where})" if check.where else ""
            lines.append(
                f"  {check.verdict:<4}  {check.name}: found {check.found}, "
                f"expected {check.expected}{where}"
            )
    from loopyard.data.audit.grades import judge

    judgement = judge(report.checks)
    lines += [f"{grade.part}: {grade.letter}. {grade.sentence}" for grade in judgement.grades]
    lines.append("deploying a policy of it would be reasonable with:")
    return lines + [f"  - {condition}" for condition in judgement.conditions]
