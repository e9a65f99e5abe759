"""The stages of one cycle: data, training, selection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopyard.cycle.choosing import best_driver
from loopyard.cycle.config import Campaign
from loopyard.cycle.gather import MEANWHILE_NICE, Gathering, batch_shares
from loopyard.cycle.journal import Journal
from loopyard.cycle.lessons.learn import Agree, learn_lessons
from loopyard.cycle.meanwhile import Meanwhile, spread
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.planning.measure import executor_of
from loopyard.cycle.planning.plan import CyclePlan
from loopyard.cycle.steps import Facts, Steps
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.result import Evaluation
from loopyard.store.atomic import write_json
from loopyard.training.config import TrainConfig
from loopyard.training.kept import LAST, candidates
from loopyard.training.loop import train
from loopyard.training.trainer import StepReport


class CycleStages:
    """Runs cycles one after another; each goes on from the checkpoint before it."""

    def __init__(self, campaign: Campaign, journal: Journal, observer: CampaignObserver) -> None:
        self._campaign, self._observer = campaign, observer
        self._steps = Steps(campaign, journal, observer)
        self._modes = CampaignModes(campaign)
        self._gathering = Gathering(campaign, self._steps, self._modes, observer)
        self._checkpoint: Path | None = None

    def run(self, plan: CyclePlan, coming: CyclePlan | None = None) -> dict[str, Any]:
        """The cycle's row of result.json. coming: the next one, whose expert drives begin while
        this one trains."""
        folder = self._campaign.folder / f"cycles/{plan.cycle:02d}"
        self._observer.stage(f"cycle {plan.cycle}")
        made = self._gathering.gather(plan, folder, self._checkpoint)
        self._gathering.begin_ahead(plan, coming)
        trained = self._steps.run(
            plan,
            "train",
            lambda until: self._train(plan, folder / "checkpoints", until),
            plan.train_minutes,
        )
        select = self._steps.run(plan, "select", lambda until: self._select(plan, folder))
        self._checkpoint = checkpoint = folder / "checkpoints" / select.get("checkpoint", LAST)
        self._modes.learn(plan.cycle, folder)
        row = {
            "cycle": plan.cycle,
            **{name: made[name] for name in ROW_OF_DATA if name in made},
            "generate_s": made.get("expert_s", 0.0) + made.get("relabel_s", 0.0),
            "train_s": trained["took_s"],
            "rollout_s": select["took_s"],
            "final_loss": trained["final_loss"],
            "train_steps": trained["steps"],
            "samples_per_s": round(trained["samples_per_s"], 1),
            "select": {name: select[name] for name in ("n", "successes", "rate", "wilson_95")},
            **({"candidates": select["candidates"]} if "candidates" in select else {}),
            "checkpoint": str(checkpoint.relative_to(self._campaign.folder)),
        }
        write_json(folder / "cycle.json", row)
        return row

    def learn(self, plan: CyclePlan, agree: Agree) -> Campaign:
        """After a cycle: its lessons, and the campaign as the cycles to come shall have it."""

        def work(until: float | None) -> Facts:
            campaign = self._campaign
            ledger, changed = learn_lessons(campaign.folder, plan.cycle, campaign, agree)
            outcomes = ledger.outcomes(plan.cycle + 1)
            told = [f"{outcome.lesson}: {outcome.text}" for outcome in outcomes]
            return {"settings": changed.recipe(), "lessons": told}

        facts = self._steps.run(plan, "lessons", work)
        for text in facts["lessons"]:
            self._observer.note(f"lesson of cycle {plan.cycle}: {text}")
        settings = {**self._campaign.plain(), **facts["settings"]}
        self._campaign = Campaign.model_validate(settings)
        self._gathering.adopt(self._campaign)
        self._modes.adopt(self._campaign)
        return self._campaign

    def close(self) -> None:
        """Stop what is being made ahead; it goes on from there in the next run."""
        self._gathering.close()

    def _train(self, plan: CyclePlan, out: Path, until: float | None) -> Facts:
        """In minutes, or for a given length within that box."""
        campaign, sources = self._campaign, self._gathering.sources
        length: dict[str, Any] = {"steps": plan.steps} if plan.steps else {"epochs": plan.epochs}
        if not plan.steps and not plan.epochs:
            length = {"minutes": plan.train_minutes}
        config = TrainConfig(
            **campaign.train,
            **length,
            seed=campaign.seed,
            n_action_steps=campaign.n_action_steps,
            shares=batch_shares(sources, campaign.dagger.share),
            init_from=self._checkpoint,
        )
        deadline_s = None if "minutes" in length else until
        label = f"train cycle {plan.cycle}"
        meanwhile = self._meanwhile(plan, out)
        with self._observer.training(plan.train_minutes * 60, label) as tell:

            def on_step(report: StepReport) -> None:
                tell(report)
                meanwhile.look(report.step)

            try:
                result = train(
                    config,
                    [source.path for source in sources],
                    out,
                    resume=True,
                    on_step=on_step,
                    deadline_s=deadline_s,
                    in_use=meanwhile.in_use,
                )
            finally:
                meanwhile.close()
        return {
            "final_loss": result.final_loss,
            "steps": result.steps,
            "samples_per_s": result.samples_per_s,
        }

    def _meanwhile(self, plan: CyclePlan, checkpoints: Path) -> Meanwhile:
        """What drives a training's checkpoints before it ends."""
        select = self._campaign.select
        scenes = spread(self._modes.judging_scenes(plan.select, "select"), select.meanwhile)
        executor = executor_of(self._campaign, nice=MEANWHILE_NICE)

        def drive(checkpoint: Path, look: Callable[[], None]) -> Evaluation:
            return evaluate(
                str(checkpoint),
                scenes=scenes,
                executor=executor,
                out=checkpoints.parent / "meanwhile" / checkpoint.name,
                suite="select",
                traces=False,
                on_result=lambda record: look(),
            )

        return Meanwhile(checkpoints, drive if scenes else None, self._observer.note)

    def _select(self, plan: CyclePlan, folder: Path) -> Facts:
        """Drive the checkpoints to choose from; the drives of the best one are the cycle's."""
        scenes = self._modes.judging_scenes(plan.select, "select")
        several = [folder / "checkpoints" / LAST]
        if more := self._campaign.select.candidates:
            several = candidates(folder / "checkpoints")[: 1 + more]
        rounds = len(several) + (len(several) > 1)  # the chosen one's are gone through once more
        with self._observer.progress(rounds * len(scenes), "rollouts", "select") as done:

            def drive(checkpoint: Path, out: Path) -> Evaluation:
                return evaluate(
                    str(checkpoint),
                    scenes=scenes,
                    executor=executor_of(self._campaign),
                    out=out,
                    suite="select",
                    on_result=lambda record: done(record.outcome.success),
                )

            return best_driver(several, drive, folder)


ROW_OF_DATA = ("episodes", "frames", "demonstrated", "expert_s", "rollouts", "relabel_s")
"""What a cycle's row of result.json tells of its data."""
