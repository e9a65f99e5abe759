"""The engine: measure, plan, then cycle after cycle to the gate, in steps that resume."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from loopyard.core.errors import ConfigError, expected
from loopyard.core.machine import describe_machine
from loopyard.cycle.config import Campaign
from loopyard.cycle.journal import Journal
from loopyard.cycle.measure import Measurement, measure
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.observer import CampaignObserver, Pulse
from loopyard.cycle.plan import CyclePlan, Plan, make_plan
from loopyard.cycle.runnable import require_runnable
from loopyard.cycle.stages import CycleStages
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.gate import Verdict, judge
from loopyard.store.atomic import write_json, write_text


def run_campaign(campaign: Campaign, observer: CampaignObserver) -> dict[str, Any]:
    """Run a campaign to its verdict, or go on with one; returns the content of result.json.

    Raises:
        ConfigError, WorldError: it cannot run, or its run folder is of other settings.
        DatasetError: the data failed its audit.
        Resumable: stopped; run it again to go on.
    """
    return _Engine(campaign, observer).run()


class _Engine:
    def __init__(self, campaign: Campaign, observer: CampaignObserver) -> None:
        self.campaign, self.folder = campaign, campaign.folder
        require_runnable(campaign)
        _claim(campaign)
        self.journal = Journal(self.folder / "events.sqlite")
        self.observer = Pulse(observer, self.journal.alive)
        self.rows: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        try:
            measured = self._measure()
            plan = self._plan(measured)
            stages = CycleStages(self.campaign, self.journal, self.observer)
            for part in plan.cycles:
                self.rows.append(stages.run(part))
                self._write_result(None, [])
            return self._judge(plan)
        except BaseException as error:
            self.journal.stopped(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.journal.close()

    def _measure(self) -> Measurement:
        def work() -> dict[str, Any]:
            found = measure(self.campaign, self.observer.note)
            write_json(self.folder / "measure.json", found.to_dict())
            return found.__dict__

        self.observer.stage("measure")
        facts, _ = self.journal.step("measure", {"campaign": self.campaign.plain()}, work)
        return Measurement(**{k: v for k, v in facts.items() if k != "took_s"})

    def _plan(self, measured: Measurement) -> Plan:
        def work() -> dict[str, Any]:
            return make_plan(self.campaign, measured, self.journal.used_s).to_dict()

        facts, _ = self.journal.step("plan", {"measured": measured.__dict__}, work)
        plan = Plan(
            cycles=tuple(CyclePlan(**part) for part in facts["cycles"]),
            gate=facts["gate"],
            seconds=facts["seconds"],
            warnings=tuple(facts["warnings"]),
        )
        write_json(self.folder / "plan.json", plan.to_dict())
        self.observer.plan(plan, measured)
        return plan

    def _judge(self, plan: Plan) -> dict[str, Any]:
        """The checkpoint that drove best on select, the latest of equals, goes to the gate."""
        chosen = max(self.rows, key=lambda row: (row["select"]["rate"], row["cycle"]))
        checkpoint = self.folder / chosen["checkpoint"]
        rollouts = self.folder / f"cycles/{chosen['cycle']:02d}/rollouts"
        scenes = CampaignModes(self.campaign).judging_scenes(plan.gate, "gate")

        def work() -> dict[str, Any]:
            campaign = self.campaign
            with self.observer.progress(len(scenes), "rollouts", "gate") as on_result:
                result = evaluate(
                    str(checkpoint),
                    scenes=scenes,
                    workers=campaign.workers or None,
                    out=rollouts,
                    suite="gate",
                    videos=campaign.videos,
                    on_result=lambda record: on_result(record.outcome.success),
                )
            return {"gate": result.summary(), "successes": result.successes, "n": result.n}

        self.observer.stage("gate")
        inputs = {"checkpoint": chosen["checkpoint"], "cycle": chosen, "n": plan.gate}
        facts, _ = self.journal.step("gate", inputs, work)
        verdict = judge(
            facts["successes"],
            facts["n"],
            target=self.campaign.gate.target,
            floor=self.campaign.gate.floor,
            seeds=[seed for _, seed in scenes],
        )
        if verdict.promoted:
            _point(self.folder / "best", checkpoint)
        videos = [str(rollouts / video) for video in facts["gate"].get("videos", [])]
        return self._write_result((verdict, facts["gate"]), videos)

    def _write_result(
        self, judged: tuple[Verdict, dict[str, Any]] | None, videos: list[str]
    ) -> dict[str, Any]:
        result: dict[str, Any] = {
            "world": self.campaign.world,
            "preset": self.campaign.preset,
            "seed": self.campaign.seed,
            "wall_s": round(self.journal.used_s, 1),
            "machine": describe_machine(),
            "cycles": self.rows,
            "steps_s": self.journal.times(),
            "gate": None,
            "best": None,
            "videos": videos,
            "report": str(self.folder / "report/index.html"),
        }
        if judged is not None:
            verdict, summary = judged
            result["gate"] = {
                "n": verdict.n,
                "successes": verdict.successes,
                "rate": verdict.rate,
                "wilson_95": list(verdict.wilson_95),
                "seeds": summary["seeds"],
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "summary": summary,
            }
            result["best"] = str(self.folder / "best") if verdict.promoted else None
        write_json(self.folder / "result.json", result)
        return result


def _claim(campaign: Campaign) -> None:
    """Write the campaign's settings into its folder, or find the very same ones there."""
    path = campaign.folder / "campaign.yaml"
    if path.exists():
        earlier = yaml.safe_load(path.read_text())
        now = campaign.plain()
        if not isinstance(earlier, dict):
            raise ConfigError(expected(str(path), "content", earlier, "the settings of a campaign"))
        changed = [name for name in now if earlier.get(name) != now[name]]
        if changed:
            raise ConfigError(
                f"{campaign.folder}: {changed[0]}: found {earlier.get(changed[0])!r} of an earlier "
                f"campaign, expected {now[changed[0]]!r}; give this one its own name "
                "(--set name=...) or remove the folder"
            )
        return
    campaign.folder.mkdir(parents=True, exist_ok=True)
    write_text(path, yaml.safe_dump(campaign.plain(), sort_keys=False))


def _point(link: Path, target: Path) -> None:
    """Make ``link`` a relative symlink to ``target`` in one step."""
    staged = link.with_name(f".{link.name}.new")
    staged.unlink(missing_ok=True)
    staged.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)
    staged.replace(link)
