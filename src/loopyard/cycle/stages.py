"""The stages of one cycle: data, audit, training, selection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.core.seeds import TRAIN_SEEDS_PER_CAMPAIGN, train_seed
from loopyard.cycle.config import Campaign
from loopyard.cycle.dagger import RelabelPlan, relabel
from loopyard.cycle.journal import Journal
from loopyard.cycle.measure import workers_of
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.plan import CyclePlan
from loopyard.data.audit import audit
from loopyard.data.generate import DrivePlan, Generated, generate
from loopyard.data.start import Start
from loopyard.evaluation.evaluate import evaluate
from loopyard.executors.local import LocalExecutor
from loopyard.store.atomic import write_json
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

RELABEL_FROM = TRAIN_SEEDS_PER_CAMPAIGN // 2
"""Policy-driven data takes the second half of a campaign's training scenes."""


class CycleStages:
    """Runs cycles one after another; each goes on from the checkpoint before it."""

    def __init__(self, campaign: Campaign, journal: Journal, observer: CampaignObserver) -> None:
        self._campaign, self._journal, self._observer = campaign, journal, observer
        self._executor = LocalExecutor(workers_of(campaign))
        self._datasets: list[Path] = []
        self._checkpoint: Path | None = None
        self._lineage: list[Any] = [campaign.plain()]
        self._modes = CampaignModes(campaign)

    def run(self, plan: CyclePlan) -> dict[str, Any]:
        """The cycle's row of result.json."""
        folder = self._campaign.folder / f"cycles/{plan.cycle:02d}"
        self._observer.stage(f"cycle {plan.cycle}")
        made = self._step(plan, "data", lambda: self._data(plan, folder))
        write_json(folder / "generate.json", made)
        self._step(plan, "audit", lambda: self._audit(folder / "dataset"))
        self._datasets.append(folder / "dataset")
        if self._modes.recoveries and self._checkpoint is not None:
            recovered = self._step(plan, "recover", lambda: self._recover(folder))
            if recovered["episodes"]:
                self._datasets.append(folder / "recovery")
        trained = self._step(plan, "train", lambda: self._train(plan, folder / "checkpoints"))
        self._checkpoint = folder / "checkpoints/last"
        select = self._step(plan, "select", lambda: self._select(plan, folder / "rollouts"))
        self._modes.learn(plan.cycle, folder)
        row = {
            "cycle": plan.cycle,
            "episodes": made["episodes"],
            "frames": made["frames"],
            "generate_s": made["took_s"],
            "train_s": trained["took_s"],
            "rollout_s": select["took_s"],
            "final_loss": trained["final_loss"],
            "train_steps": trained["steps"],
            "samples_per_s": round(trained["samples_per_s"], 1),
            "select": {name: select[name] for name in ("n", "successes", "rate", "wilson_95")},
            "checkpoint": str(self._checkpoint.relative_to(self._campaign.folder)),
        }
        write_json(folder / "cycle.json", row)
        return row

    def _step(self, plan: CyclePlan, name: str, work: Any) -> dict[str, Any]:
        """One step of this cycle; its key holds all that came before it."""
        inputs = [*self._lineage, plan.__dict__, name]
        facts, reused = self._journal.step(f"cycle-{plan.cycle}/{name}", inputs, work)
        if reused:
            self._observer.note(f"cycle {plan.cycle}: {name}: done earlier")
        self._lineage.append([plan.cycle, name])
        return facts

    def _data(self, plan: CyclePlan, folder: Path) -> dict[str, Any]:
        if self._checkpoint is None:
            return self._demonstrate(plan, folder).facts()
        return self._relabel(plan, folder, self._checkpoint).facts()

    def _demonstrate(self, plan: CyclePlan, folder: Path) -> Generated:
        scenarios = self._modes.learning_scenarios(plan.cycle, plan.episodes, folder)
        several = self._campaign.scenarios is not None
        starts = tuple(map(Start, scenarios)) if several else ()
        drive = self._expert_drive(folder / "dataset", starts=starts)
        with self._observer.progress(plan.episodes, "episodes", "generate") as done:
            return generate(drive, plan.episodes, self._executor, lambda row: done(row.kept))

    def _expert_drive(self, root: Path, **more: Any) -> DrivePlan:
        campaign = self._campaign
        return DrivePlan(
            scenario=campaign.scenario,
            root=root,
            seed=campaign.seed,
            noise=campaign.generate.noise,
            expert=campaign.expert,
            **more,
        )

    def _relabel(self, plan: CyclePlan, folder: Path, checkpoint: Path) -> Generated:
        campaign = self._campaign
        shares = campaign.dagger.expert_share
        driven = RelabelPlan(
            policy=str(checkpoint),
            scenario=campaign.scenario,
            root=folder / "dataset",
            labels=campaign.dagger.labels,
            fork_every=campaign.dagger.fork_every,
            chunk_size=_chunk_size(checkpoint),
            expert_share=shares[min(plan.cycle - 2, len(shares) - 1)],
            n_action_steps=campaign.n_action_steps,
            expert=campaign.expert,
        )
        first = train_seed(campaign.seed, RELABEL_FROM + (plan.cycle - 2) * plan.rollouts)
        scenarios = self._modes.learning_scenarios(plan.cycle, plan.rollouts, folder)
        scenes = [(scenario, first + index) for index, scenario in enumerate(scenarios)]
        with self._observer.progress(plan.rollouts, "rollouts", "relabel") as done:
            return relabel(
                driven,
                scenes,
                self._executor,
                lambda row: done(row.outcome.success),
                out=folder / "rollouts",
            )

    def _recover(self, folder: Path) -> dict[str, Any]:
        """Expert drives from shortly before the failures of this cycle's rollouts.

        They come on top: where they do not pass the audit, the cycle goes on without them.
        """
        starts = tuple(self._modes.recovery_starts(folder))
        if not starts:
            return {"episodes": 0}
        drive = self._expert_drive(folder / "recovery", starts=starts, tries=len(starts))
        try:
            with self._observer.progress(len(starts), "episodes", "recover") as done:
                made = generate(drive, len(starts), self._executor, lambda row: done(row.kept))
            self._audit(folder / "recovery")
        except DatasetError as error:
            self._observer.note(f"recovery drives are left out: {error}")
            return {"episodes": 0, "left_out": str(error)}
        return made.facts()

    def _audit(self, dataset: Path) -> dict[str, Any]:
        report = audit(dataset)
        name = "audit.json" if dataset.name == "dataset" else f"audit-{dataset.name}.json"
        write_json(dataset.parent / name, report.to_dict())
        if report.verdict == "fail":
            bad = [check for check in report.checks if check.verdict == "fail"]
            reasons = "; ".join(f"{check.name}: found {check.found}" for check in bad)
            raise DatasetError(f"{dataset}: audit failed: {reasons}")
        return {"verdict": report.verdict}

    def _train(self, plan: CyclePlan, out: Path) -> dict[str, Any]:
        campaign, count = self._campaign, len(self._datasets)
        share = campaign.dagger.share
        shares = None
        if share is not None and count > 1:
            shares = (1 - share, *[share / (count - 1)] * (count - 1))
        config = TrainConfig(
            **campaign.train,
            minutes=plan.train_minutes,
            seed=campaign.seed,
            n_action_steps=campaign.n_action_steps,
            shares=shares,
            init_from=self._checkpoint,
        )
        label = f"train cycle {plan.cycle}"
        with self._observer.training(plan.train_minutes * 60, label) as on_step:
            result = train(config, self._datasets, out, resume=True, on_step=on_step)
        return {
            "final_loss": result.final_loss,
            "steps": result.steps,
            "samples_per_s": result.samples_per_s,
        }

    def _select(self, plan: CyclePlan, out: Path) -> dict[str, Any]:
        scenes = self._modes.judging_scenes(plan.select, "select")
        with self._observer.progress(len(scenes), "rollouts", "select") as done:
            result = evaluate(
                str(self._checkpoint),
                scenes=scenes,
                workers=self._campaign.workers or None,
                out=out,
                suite="select",
                on_result=lambda record: done(record.outcome.success),
            )
        return result.summary()


def _chunk_size(checkpoint: Path) -> int:
    from loopyard.policies.checkpoint import load_policy

    return load_policy(checkpoint).chunk_size
