"""The data of a cycle: expert drives, policy drives that the expert labels, recoveries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopyard.core.errors import DatasetError
from loopyard.core.seeds import TRAIN_SEEDS_PER_CAMPAIGN, train_seed
from loopyard.cycle.ahead import Ahead
from loopyard.cycle.audited import audited, passed, set_aside
from loopyard.cycle.config import Campaign
from loopyard.cycle.dagger import RelabelPlan, relabel
from loopyard.cycle.modes import CampaignModes
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.planning.measure import executor_of
from loopyard.cycle.planning.plan import CyclePlan
from loopyard.cycle.steps import Facts, Steps
from loopyard.data.episode import EpisodeRow
from loopyard.data.generate import DrivePlan, generate
from loopyard.data.start import Start
from loopyard.executors.executor import Executor
from loopyard.store.atomic import write_json

RELABEL_FROM = TRAIN_SEEDS_PER_CAMPAIGN // 2
"""Policy-driven data takes the second half of a campaign's training scenes."""
MEANWHILE_NICE = 19
"""Priority of drives made ahead: they take what training leaves."""


@dataclass(frozen=True)
class Source:
    """A dataset to train on. by_policy: the policy drove it, or it begins where one failed."""

    path: Path
    cycle: int
    by_policy: bool
    frames: int


class Gathering:
    """Makes the datasets of one cycle after another."""

    def __init__(
        self, campaign: Campaign, steps: Steps, modes: CampaignModes, observer: CampaignObserver
    ) -> None:
        self._campaign, self._steps, self._observer = campaign, steps, observer
        self._modes = modes
        self._executor = executor_of(campaign)
        self._ahead: Ahead[Facts] | None = None
        self._relabelled = 0
        self.sources: list[Source] = []

    def adopt(self, campaign: Campaign) -> None:
        """From here on by these settings; what is being made ahead keeps those it began with."""
        self._campaign = campaign

    def gather(self, plan: CyclePlan, folder: Path, checkpoint: Path | None) -> Facts:
        """Make and audit a cycle's data; what it consists of joins ``sources``.

        Raises:
            DatasetError: the data failed its audit.
        """
        made: Facts = {"episodes": 0, "frames": 0}
        if plan.episodes or self._ahead is not None:
            found = self._expert(plan, folder)
            found = self._accept(plan, folder / found["dataset"], found, by_policy=False)
            ahead = {} if found["ahead"] else {"expert_s": found["took_s"]}
            made = _sum(made, found) | {"demonstrated": found["episodes"], **ahead}
        if plan.rollouts and checkpoint is not None:
            found = self._relabel_step(plan, folder, checkpoint)
            found = self._accept(plan, folder / "dataset", found, checkpoint, by_policy=True)
            made = _sum(made, found)
            made |= {"rollouts": found["episodes"], "relabel_s": found["took_s"]}
        write_json(folder / "generate.json", made)
        if plan.recoveries and checkpoint is not None:
            recovered = self._steps.run(
                plan, "recover", lambda until: self._recover(plan, folder, until), plan.data_minutes
            )
            if recovered["episodes"]:
                root = folder / "recovery"
                self.sources.append(Source(root, plan.cycle, True, recovered["frames"]))
        return made

    def begin_ahead(self, now: CyclePlan, coming: CyclePlan | None) -> None:
        """Begin the coming cycle's expert drives in what the present one leaves of the cores."""
        if coming is None or not coming.episodes:
            return
        folder = self._campaign.folder / f"cycles/{coming.cycle:02d}"
        executor = executor_of(self._campaign, nice=MEANWHILE_NICE)
        step = self._expert_step(coming, folder, executor, ahead=True)
        box_minutes = now.train_minutes + coming.data_minutes
        self._ahead = Ahead(lambda look: step(lambda row: look(), box_minutes))

    def close(self) -> None:
        """Stop what is being made ahead."""
        if self._ahead is not None:
            self._ahead.drop()
            self._ahead = None

    def _accept(
        self,
        plan: CyclePlan,
        root: Path,
        found: Facts,
        checkpoint: Path | None = None,
        *,
        by_policy: bool,
    ) -> Facts:
        """The facts of a dataset that passed its audit, and so joins ``sources``.

        One that failed is set aside, and made again with other scenes, once.
        """
        name = "audit" if root.name == "dataset" else f"audit {root.name}"
        if self._steps.run(plan, name, lambda until: audited(root))["verdict"] == "fail":
            set_aside(root)
            if checkpoint is None:
                found = self._expert(plan, root.parent, again=True)
            else:
                found = self._relabel_step(plan, root.parent, checkpoint, again=True)
            self._steps.run(plan, f"{name} again", lambda until: passed(root))
        self.sources.append(Source(root, plan.cycle, by_policy, found["frames"]))
        return found

    def _relabel_step(
        self, plan: CyclePlan, folder: Path, checkpoint: Path, *, again: bool = False
    ) -> Facts:
        found = self._steps.run(
            plan,
            _named("relabel", again),
            lambda until: self._relabel(plan, folder, checkpoint, until),
            plan.data_minutes,
        )
        self._relabelled += plan.rollouts
        return found

    def _expert(self, plan: CyclePlan, folder: Path, *, again: bool = False) -> Facts:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead.take()
        step = self._expert_step(plan, folder, self._executor, ahead=False, again=again)
        with self._observer.progress(plan.episodes, "episodes", "generate") as done:
            return step(lambda row: done(row.kept), plan.data_minutes)

    def _expert_step(
        self,
        plan: CyclePlan,
        folder: Path,
        executor: Executor,
        *,
        ahead: bool,
        again: bool = False,
    ) -> Callable[[Callable[[EpisodeRow], None], float], Facts]:
        """The step that makes a cycle's expert drives. What they are is settled by this call."""
        campaign, several = self._campaign, self._campaign.scenarios is not None
        name = "expert" if plan.rollouts else "dataset"
        path = folder / ("scenarios-expert.jsonl" if plan.rollouts else "scenarios.jsonl")
        scenarios = self._modes.learning_scenarios(plan.cycle, plan.episodes, path)
        starts = tuple(map(Start, scenarios)) if several else ()
        stretch = RELABEL_FROM // len(campaign.wishes)
        first = (plan.cycle - 1) * stretch + (stretch // 2 if again else 0)
        drive = self._expert_drive(folder / name, starts=starts, first=first)

        def work(on_episode: Callable[[EpisodeRow], None], until: float | None) -> Facts:
            made = generate(drive, plan.episodes, executor, on_episode, until).facts()
            return {**made, "dataset": name, "ahead": ahead}

        def step(on_episode: Callable[[EpisodeRow], None], box_minutes: float) -> Facts:
            return self._steps.aside(
                plan.cycle,
                _named("expert", again),
                plan.episodes,
                lambda until: work(on_episode, until),
                box_minutes,
            )

        return step

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

    def _relabel(
        self, plan: CyclePlan, folder: Path, checkpoint: Path, until: float | None
    ) -> Facts:
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
            patience_s=campaign.dagger.patience_s,
            n_action_steps=campaign.n_action_steps,
            expert=campaign.expert,
        )
        first = train_seed(campaign.seed, RELABEL_FROM + self._relabelled)
        path = folder / "scenarios.jsonl"
        scenarios = self._modes.learning_scenarios(plan.cycle, plan.rollouts, path)
        scenes = [(scenario, first + index) for index, scenario in enumerate(scenarios)]
        with self._observer.progress(plan.rollouts, "rollouts", "relabel") as done:
            return relabel(
                driven,
                scenes,
                self._executor,
                lambda row: done(row.outcome.success),
                out=folder / "rollouts",
                deadline_s=until,
            ).facts()

    def _recover(self, plan: CyclePlan, folder: Path, until: float | None) -> Facts:
        """Expert drives from shortly before the failures of this cycle's rollouts.

        They come on top: where they do not pass the audit, the cycle goes on without them.
        """
        starts = tuple(self._modes.recovery_starts(folder, plan.recoveries))
        if not starts:
            return {"episodes": 0}
        drive = self._expert_drive(folder / "recovery", starts=starts, tries=len(starts))
        try:
            with self._observer.progress(len(starts), "episodes", "recover") as done:
                made = generate(
                    drive, len(starts), self._executor, lambda row: done(row.kept), until
                )
            passed(folder / "recovery")
        except DatasetError as error:
            self._observer.note(f"recovery drives are left out: {error}")
            return {"episodes": 0, "left_out": str(error)}
        return made.facts()


def _named(step: str, again: bool) -> str:
    return f"{step} again" if again else step


def batch_shares(sources: Sequence[Source], share: float | None) -> tuple[float, ...] | None:
    """Part of each batch that each source gives; None for by their frames.

    share: of all that the policy drove; every cycle has the same part of it, and its datasets
    split that by their frames. What only the expert drove splits the rest by its frames.
    """
    driven = [source for source in sources if source.by_policy]
    if share is None or not driven or len(driven) == len(sources):
        return None
    cycles = {source.cycle for source in driven}
    groups = {cycle: [s for s in driven if s.cycle == cycle] for cycle in cycles}
    expert = [source for source in sources if not source.by_policy]

    def part(source: Source) -> float:
        group = groups[source.cycle] if source.by_policy else expert
        of_group = share / len(cycles) if source.by_policy else 1 - share
        return of_group * source.frames / sum(other.frames for other in group)

    return tuple(part(source) for source in sources)


def _sum(made: Facts, more: Facts) -> Facts:
    totals = {name: made[name] + more[name] for name in ("episodes", "frames")}
    return {**made, **{k: v for k, v in more.items() if k not in made}, **totals}


def _chunk_size(checkpoint: Path) -> int:
    from loopyard.policies.checkpoint import load_policy

    return load_policy(checkpoint).chunk_size
