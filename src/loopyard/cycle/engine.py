"""The engine: measure, plan, then cycle after cycle to the gate, in steps that resume."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from loopyard.core.clock import SystemClock
from loopyard.core.errors import ConfigError, expected
from loopyard.core.machine import describe_machine
from loopyard.cycle.accounts.review import write_review
from loopyard.cycle.accounts.sampler import UsageSampler
from loopyard.cycle.accounts.usage import NAME as USAGE
from loopyard.cycle.config import OPERATIONAL, Campaign
from loopyard.cycle.gate import CampaignGate
from loopyard.cycle.heartbeat import Heartbeat
from loopyard.cycle.journal import Journal
from loopyard.cycle.messages.announcer import Announcer
from loopyard.cycle.messages.messenger import Messenger
from loopyard.cycle.messages.reports import ReportingObserver
from loopyard.cycle.observer import CampaignObserver, Pulse
from loopyard.cycle.planning.estimate import estimate
from loopyard.cycle.planning.measure import Measurement, measure
from loopyard.cycle.planning.plan import Plan, make_plan
from loopyard.cycle.runnable import require_runnable
from loopyard.cycle.stages import CycleStages
from loopyard.store.atomic import write_json, write_text
from loopyard.store.lease import RUN, Lease, leases_of

Row = dict[str, Any]


def run_campaign(campaign: Campaign, observer: CampaignObserver) -> dict[str, Any]:
    """Run a campaign to its verdict, or go on with one; returns the content of result.json.

    Raises:
        ConfigError, WorldError: it cannot run, or its run folder is of other settings.
        DatasetError: the data failed its audit.
        Resumable: stopped; run it again to go on.
        LeaseError: another process runs it, or took over from this one.
    """
    require_runnable(campaign)
    with Heartbeat(Lease(leases_of(campaign.folder), RUN)) as heartbeat:
        return _Engine(campaign, observer, heartbeat).run()


class _Engine:
    def __init__(
        self, campaign: Campaign, observer: CampaignObserver, heartbeat: Heartbeat
    ) -> None:
        self.campaign, self.folder = campaign, campaign.folder
        _claim(campaign)
        self.journal = Journal(self.folder / "events.sqlite", heartbeat=heartbeat)
        clock, log = SystemClock(), self.journal.record
        self.messenger = Messenger(self.folder, campaign.messages, log, observer.note, clock)
        self.announcer = Announcer(self.messenger, clock)
        self.journal.on_done = self.announcer.done
        pulse = Pulse(observer, self.journal.alive)
        self.observer = ReportingObserver(pulse, self.messenger, self.announcer, clock)
        self.rows: list[Row] = []

    def run(self) -> dict[str, Any]:
        try:
            with UsageSampler(self.folder / USAGE, lambda: self.journal.used_s):
                return self._run()
        except BaseException as error:
            self.announcer.stopped(error)
            self.journal.stopped(f"{type(error).__name__}: {error}")
            raise
        finally:
            self.messenger.close()
            self.journal.close()

    def _run(self) -> dict[str, Any]:
        measured = self._measure()
        gate = CampaignGate(self.campaign, self.journal, self.observer)
        verdict = self._cycles(measured, gate)
        if verdict is None:
            # the one that drove best on select, the latest of equals
            verdict = gate.judge(
                max(self.rows, key=lambda row: (row["select"]["rate"], row["cycle"]))
            )
        return self._write_result(verdict)

    def _cycles(self, measured: Measurement, gate: CampaignGate) -> dict[str, Any] | None:
        """Run the cycles; the gate's answer where it ended the campaign early."""
        stages = CycleStages(self.campaign, self.journal, self.observer)
        try:
            for _ in self.campaign.wishes:
                part, *coming = self._plan(measured).cycles
                row = stages.run(part, coming[0] if coming else None)
                self.rows.append(row)
                self._write_result(None)
                write_review(self.folder, row["cycle"])
                asked = partial(self.announcer.change, f"lessons-{part.cycle}")
                self.campaign = stages.learn(part, partial(asked, beat=self.journal.alive))
                if coming and gate.wants(row):
                    found = gate.judge(row)
                    if found["verdict"] == "promote":
                        self.observer.note(f"cycle {row['cycle']} is promoted: the goal is proven")
                        return found
        finally:
            stages.close()
        return None

    def _measure(self) -> Measurement:
        def work(until: float | None) -> dict[str, Any]:
            found = measure(self.campaign, self.observer.note)
            write_json(self.folder / "measure.json", found.to_dict())
            return found.__dict__

        self.observer.stage("measure")
        facts, _ = self.journal.step("measure", self.campaign.recipe(), work)
        return Measurement(**{k: v for k, v in facts.items() if k != "took_s"})

    def _plan(self, measured: Measurement) -> Plan:
        """The plan of all cycles, and before each later one, of those that are left."""
        done = len(self.rows)
        costs = estimate(self.campaign, measured, self.rows)
        frames = sum(row["frames"] for row in self.rows)

        def work(until: float | None) -> dict[str, Any]:
            used_s = self.journal.used_s
            return make_plan(self.campaign, costs, used_s, done=done, frames=frames).to_dict()

        name = f"plan-{done + 1}" if done else "plan"
        inputs = {"measured": measured.__dict__, "rows": self.rows}
        plan = Plan.from_dict(self.journal.step(name, inputs, work)[0])
        path = self.folder / (f"cycles/{done + 1:02d}/plan.json" if done else "plan.json")
        write_json(path, plan.to_dict())
        if done == 0:
            self.observer.plan(plan, measured)
        else:
            self.observer.replan(plan)
        return plan

    def _write_result(self, gate: dict[str, Any] | None) -> dict[str, Any]:
        promoted = gate is not None and gate["verdict"] == "promote"
        videos = [] if gate is None else gate["videos"]
        result: dict[str, Any] = {
            "world": self.campaign.world,
            "preset": self.campaign.preset,
            "seed": self.campaign.seed,
            "wall_s": round(self.journal.used_s, 1),
            "machine": describe_machine(),
            "cycles": self.rows,
            "steps_s": self.journal.times(),
            "gate": None if gate is None else {k: v for k, v in gate.items() if k != "videos"},
            "best": str(self.folder / "best") if promoted else None,
            "videos": [str(self.folder / video) for video in videos],
            "report": str(self.folder / "report/index.html"),
        }
        write_json(self.folder / "result.json", result)
        return result


def _claim(campaign: Campaign) -> None:
    """Write the campaign's settings into its folder, or find the very same recipe there."""
    path = campaign.folder / "campaign.yaml"
    if path.exists():
        earlier = yaml.safe_load(path.read_text())
        now = campaign.recipe()
        if not isinstance(earlier, dict):
            raise ConfigError(expected(str(path), "content", earlier, "the settings of a campaign"))
        changed = [name for name in now if earlier.get(name) != now[name]]
        if changed:
            raise ConfigError(
                f"{campaign.folder}: {changed[0]}: found {earlier.get(changed[0])!r} of an earlier "
                f"campaign, expected {now[changed[0]]!r}; give this one its own name "
                f"(--set name=...) or remove the folder. Only {', '.join(OPERATIONAL)} may change"
            )
    campaign.folder.mkdir(parents=True, exist_ok=True)
    write_text(path, yaml.safe_dump(campaign.plain(), sort_keys=False))
