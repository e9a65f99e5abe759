"""What a rule sees of a cycle: its files, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.evaluation.by_mode import ModeResult
from loopyard.evaluation.statistics import wilson

SHARE = re.compile(r"([\d.]+)% of frames")
SELECT = "select"
Facts = dict[str, Any]


@dataclass(frozen=True)
class Drives:
    """How many rollouts of a policy succeeded."""

    n: int
    successes: int

    @property
    def rate(self) -> float:
        return self.successes / self.n if self.n else 0.0

    @property
    def wilson_95(self) -> tuple[float, float]:
        return wilson(self.successes, self.n)

    def __str__(self) -> str:
        low, high = self.wilson_95
        return (
            f"{self.successes} of {self.n} ({self.rate:.0%}, Wilson 95 % {low:.0%} to {high:.0%})"
        )


@dataclass(frozen=True)
class CycleFacts:
    """A finished cycle. What is not there is empty or None.

    settings: the campaign's, as this cycle had them. audit, made, measured: the content of
    audit.json, generate.json and measure.json. plan: this cycle's part of the plan. losses: rows of
    the training's log.jsonl. progress: resume.json of its last checkpoint. select: the drives that
    chose, and before, those of the cycle before. patterns: {name: rollouts that showed it}, of
    ``diagnosed`` rollouts on select. modes: results by failure mode.
    """

    cycle: int
    settings: Facts
    audit: Facts = field(default_factory=dict)
    made: Facts = field(default_factory=dict)
    measured: Facts = field(default_factory=dict)
    plan: Facts = field(default_factory=dict)
    losses: list[Facts] = field(default_factory=list)
    progress: Facts = field(default_factory=dict)
    select: Drives | None = None
    before: Drives | None = None
    patterns: dict[str, int] = field(default_factory=dict)
    diagnosed: int = 0
    modes: dict[str, ModeResult] = field(default_factory=dict)

    @property
    def channel_losses(self) -> dict[str, float]:
        """Training loss of each action channel at the end, in normalised units."""
        return dict(self.losses[-1].get("loss_per_channel", {})) if self.losses else {}

    @property
    def validation(self) -> list[tuple[float, float]]:
        """(share of the training, loss on held-out episodes), in order."""
        rows = [row for row in self.losses if row.get("val_loss") is not None]
        return [(row["share"], row["val_loss"]) for row in rows]

    def shares(self, check: str) -> dict[str, float]:
        """Of the audit's check ``zero``, ``saturated`` or ``constant``: share of frames, by
        channel."""
        found = {}
        for row in self.audit.get("checks", []):
            name, _, channel = row["name"].partition(": ")
            share = SHARE.match(row["found"])
            if name == check and share:
                found[channel] = float(share[1]) / 100.0
        return found


def read_facts(run: Path, cycle: int, settings: Facts) -> CycleFacts:
    """The facts of a cycle of a run folder.

    Raises:
        DatasetError: a file is there and cannot be read.
    """
    folder = _cycle_folder(run, cycle)
    patterns, diagnosed = _patterns(folder / "rollouts")
    modes = _mapping(folder / "modes.json").get("modes", {})
    return CycleFacts(
        cycle=cycle,
        settings=settings,
        audit=_mapping(folder / "audit.json"),
        made=_mapping(folder / "generate.json"),
        measured=_mapping(run / "measure.json"),
        plan=_plan(run, cycle),
        losses=_rows(folder / "checkpoints/log.jsonl"),
        progress=_mapping(folder / "checkpoints/last/resume.json"),
        select=_drives(folder),
        before=_drives(_cycle_folder(run, cycle - 1)),
        patterns=patterns,
        diagnosed=diagnosed,
        modes={mode: ModeResult.from_dict(row) for mode, row in modes.items()},
    )


def _cycle_folder(run: Path, cycle: int) -> Path:
    return run / f"cycles/{cycle:02d}"


def _drives(folder: Path) -> Drives | None:
    summary = _mapping(folder / f"rollouts/{SELECT}.json")
    return Drives(summary["n"], summary["successes"]) if summary else None


def _plan(run: Path, cycle: int) -> Facts:
    """What was planned last of a cycle before it began."""
    own = _mapping(_cycle_folder(run, cycle) / "plan.json") or _mapping(run / "plan.json")
    parts = [part for part in own.get("cycles", []) if part["cycle"] == cycle]
    return parts[0] if parts else {}


def _patterns(rollouts: Path) -> tuple[dict[str, int], int]:
    from loopyard.evaluation.diagnosis.suite import diagnose_suite

    if not (rollouts / f"{SELECT}.jsonl").exists():
        return {}, 0
    found = diagnose_suite(rollouts, SELECT)
    known = found.n - found.without_trace
    return {name: row["count"] for name, row in found.counts()["patterns"].items()}, known


def _mapping(path: Path) -> Facts:
    """A JSON file's object; {} where there is no file."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: not readable as JSON: {error}") from None
    return found if isinstance(found, dict) else {}


def _rows(path: Path) -> list[Facts]:
    from loopyard.training.journal import read_journal

    return read_journal(path) if path.exists() else []
