"""The gate of a campaign: a checkpoint driven to a verdict, and the promoted one pointed at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loopyard.cycle.config import Campaign
from loopyard.cycle.journal import Journal
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.planning.measure import executor_of
from loopyard.evaluation.gate import ALPHA, Verdict
from loopyard.evaluation.judging import Question, drive_and_judge


class CampaignGate:
    """Judges checkpoints of one campaign on its gate scenes."""

    def __init__(self, campaign: Campaign, journal: Journal, observer: CampaignObserver) -> None:
        self._campaign, self._journal, self._observer = campaign, journal, observer
        self._scenes = CampaignModes(campaign).judging_scenes(campaign.gate.n, "gate")

    def wants(self, row: Mapping[str, Any]) -> bool:
        """Whether a cycle's checkpoint is worth judging before the campaign's end."""
        section = self._campaign.gate
        return section.stop_early and row["select"]["rate"] >= section.target

    def judge(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Judge the checkpoint of a cycle's row; ``gate`` of result.json.

        A promoted one becomes ``best``. One that was judged before is not driven again.
        """
        folder = self._campaign.folder
        checkpoint = folder / row["checkpoint"]
        self._observer.stage(f"gate of cycle {row['cycle']}")
        inputs = {"recipe": self._campaign.recipe(), "cycle": row["cycle"], "row": row}
        facts, _ = self._journal.step(
            f"gate-{row['cycle']}", inputs, lambda until: self._drive(checkpoint, row["cycle"])
        )
        if facts["verdict"] == "promote":
            _point(folder / "best", checkpoint)
        return {name: value for name, value in facts.items() if name != "took_s"}

    def _drive(self, checkpoint: Path, cycle: int) -> dict[str, Any]:
        campaign, section = self._campaign, self._campaign.gate
        rollouts = campaign.folder / f"cycles/{cycle:02d}/rollouts"
        question = Question(
            section.target,
            section.floor,
            section.until_clear,
            section.against,
            ALPHA / len(campaign.wishes) if section.stop_early else ALPHA,
        )
        with self._observer.progress(len(self._scenes), "rollouts", "gate") as on_result:
            settings: dict[str, Any] = {
                "executor": executor_of(campaign),
                "out": rollouts,
                "suite": "gate",
                "videos": campaign.videos,
                "on_result": lambda record: on_result(record.outcome.success),
            }
            result, verdict = drive_and_judge(question, str(checkpoint), self._scenes, settings)
        summary = result.summary()
        videos = [f"cycles/{cycle:02d}/rollouts/{video}" for video in summary.get("videos", [])]
        return {
            **_told(verdict),
            "seeds": summary["seeds"],
            "cycle": cycle,
            "videos": videos,
            "summary": summary,
        }


def _told(verdict: Verdict) -> dict[str, Any]:
    """A verdict's JSON, without what was not asked."""
    plain = verdict.to_dict()
    return {name: value for name, value in plain.items() if value is not None}


def _point(link: Path, target: Path) -> None:
    """Make ``link`` a relative symlink to ``target`` in one step."""
    staged = link.with_name(f".{link.name}.new")
    staged.unlink(missing_ok=True)
    staged.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)
    staged.replace(link)
