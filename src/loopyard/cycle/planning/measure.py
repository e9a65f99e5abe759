"""What one episode, one training step and one rollout cost on this machine, found by doing them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.core.seeds import SEED_RANGES
from loopyard.cycle.config import Campaign
from loopyard.data.generate import DrivePlan, generate
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.film import film_cost_s
from loopyard.executors.executor import Executor
from loopyard.executors.registry import make_executor
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

EPISODES_A_WORKER = 4
STEPS = 40
ROLLOUTS_A_WORKER = 8
MEASURE_CAMPAIGN = 39
"""The stretch of training scenes the measurement drives: the last one, so that no campaign with a
small seed trains on what its plan was measured with."""


@dataclass(frozen=True)
class Measurement:
    """Seconds of wall time with all workers busy, and what they were measured on.

    episode_s, rollout_s: one of each, on average, when many are made. rollout_s is of drives that
    last to the time limit, as a policy's do before it can anything. step_s: one training step of
    batch_size samples. start_s: what a stage costs before its first result. film_s: the film of a
    drive to the time limit.
    """

    episode_s: float
    frames_per_episode: float
    step_s: float
    batch_size: int
    rollout_s: float
    start_s: float
    workers: int
    film_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "frames_per_s": round(self.frames_per_episode / self.episode_s, 1),
            "samples_per_s": round(self.batch_size / self.step_s, 1),
        }


def executor_of(campaign: Campaign, nice: int = 0) -> Executor:
    """What runs the campaign's drives; see `loopyard.executors.registry.make_executor`."""
    return make_executor(
        campaign.executor,
        campaign.workers,
        ray_address=campaign.ray_address,
        shared=campaign.folder,
        nice=nice,
    )


def measure(campaign: Campaign, note: Callable[[str], None] | None = None) -> Measurement:
    """Drive a few episodes, train a few steps, roll out a few scenes; keep only the figures.

    Raises:
        ConfigError, WorldError, GraphicsError: the campaign cannot run here.
    """
    say = note or (lambda text: None)
    executor = executor_of(campaign)
    with tempfile.TemporaryDirectory(prefix="loopyard-measure-", dir=_scratch(campaign)) as folder:
        root = Path(folder)
        say("driving a few episodes")
        episode_s, start_s, frames = _episodes(campaign, executor, root / "dataset")
        say("training a few steps")
        config = TrainConfig(
            **campaign.train,
            steps=STEPS,
            n_action_steps=campaign.n_action_steps,
        )
        trained = train(config, [root / "dataset"], root / "checkpoints")
        say("rolling out a few scenes")
        rollout_s = _rollouts(campaign, executor, trained.last)
    film_s = _film(campaign, executor) if campaign.videos else 0.0
    return Measurement(
        episode_s=episode_s,
        frames_per_episode=frames,
        step_s=config.samples_a_step / trained.samples_per_s,
        batch_size=config.samples_a_step,
        rollout_s=rollout_s,
        start_s=start_s,
        workers=executor.workers,
        film_s=film_s,
    )


def _scratch(campaign: Campaign) -> Path | None:
    """Where to drive what is thrown away: None for the system's place, which one machine sees."""
    if campaign.executor == "local":
        return None
    campaign.folder.mkdir(parents=True, exist_ok=True)
    return campaign.folder


def _episodes(campaign: Campaign, executor: Executor, root: Path) -> tuple[float, float, float]:
    """(seconds an episode, seconds until the first, frames an episode)."""
    plan = DrivePlan(
        scenario=campaign.scenario,
        root=root,
        seed=MEASURE_CAMPAIGN,
        noise=campaign.generate.noise,
        expert=campaign.expert,
    )
    ends_s: list[float] = []
    begin_s = time.monotonic()
    made = generate(
        plan,
        EPISODES_A_WORKER * executor.workers,
        executor,
        lambda row: ends_s.append(time.monotonic()),
    )
    frames = made.frames / max(1, len(ends_s))
    steady = max(1, len(ends_s) - executor.workers)
    episode_s = (ends_s[-1] - ends_s[min(executor.workers, len(ends_s)) - 1]) / steady
    return max(episode_s, 1e-3), ends_s[0] - begin_s, frames


def _film(campaign: Campaign, executor: Executor) -> float:
    workers, seed = max(1, executor.workers), SEED_RANGES["train"].stop - 1
    costs = executor.map(partial(_FilmCost, campaign.scenario), [seed] * workers)
    return sum(costs) / workers**2


class _FilmCost:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def __call__(self, seed: int) -> float:
        return film_cost_s(self._scenario, seed)


def _rollouts(campaign: Campaign, executor: Executor, checkpoint: Path) -> float:
    first = SEED_RANGES["train"].stop - ROLLOUTS_A_WORKER * executor.workers
    begin_s = time.monotonic()
    result = evaluate(
        str(checkpoint),
        campaign.world,
        campaign.preset,
        range(first, SEED_RANGES["train"].stop),
        params=campaign.params,
        executor=executor,
    )
    # Starting the workers is not part of a drive: what the drives say of themselves is.
    driven_s = sum(record.wall_s for record in result.records) / executor.workers
    return min(driven_s, time.monotonic() - begin_s) / result.n
