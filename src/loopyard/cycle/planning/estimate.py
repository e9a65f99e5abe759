"""What one of each thing costs a campaign: as it was measured, then as its cycles showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.measure import Measurement

SUCCESSFUL_ROLLOUT = 0.45
"""A drive of a policy that mostly succeeds ends this much sooner than one to the time limit."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of wall time for one of each, all workers busy.

    relabel_s, select_s: a labelled rollout and one that chooses a checkpoint. good: the share of
    them that a rollout takes once the policy mostly succeeds; 1 where that is in the figures.
    film_s: the film of a drive to the time limit. step_s: a training step of batch_size samples.
    start_s: a stage before its first result.
    """

    episode_s: float
    frames_per_episode: float
    relabel_s: float
    select_s: float
    step_s: float
    batch_size: int
    start_s: float
    film_s: float
    good: float = SUCCESSFUL_ROLLOUT


def estimate(
    campaign: Campaign, measured: Measurement, rows: Iterable[Mapping[str, Any]] = ()
) -> Estimate:
    """What the measurement says; where the rows of finished cycles say otherwise, they count."""
    found = Estimate(
        episode_s=measured.episode_s,
        frames_per_episode=measured.frames_per_episode,
        relabel_s=_relabel_s(campaign, measured),
        select_s=measured.rollout_s,
        step_s=measured.step_s,
        batch_size=measured.batch_size,
        start_s=measured.start_s,
        film_s=measured.film_s,
    )
    for row in rows:
        seen = {
            "episode_s": _each(row, "expert_s", "demonstrated"),
            "relabel_s": _each(row, "relabel_s", "rollouts"),
            "select_s": _each(row, "rollout_s", "select"),
            "step_s": _each(row, "train_s", "train_steps"),
        }
        found = replace(found, **{name: each for name, each in seen.items() if each is not None})
        if row.get("rollouts"):  # what it drives like by now is in the figures
            found = replace(found, good=1.0)
    return found


def _each(row: Mapping[str, Any], seconds: str, number: str) -> float | None:
    count = row.get(number) or 0
    count = count["n"] if isinstance(count, Mapping) else count
    return row[seconds] / count if count and row.get(seconds) else None


def _relabel_s(campaign: Campaign, measured: Measurement) -> float:
    """One labelled rollout: the drive, and encoding it as generation does."""
    encode_s = 0.3 * measured.episode_s
    forks_s = 0.0
    if campaign.dagger.labels == "fork":
        chunk = int(campaign.train.get("chunk_size") or 10)
        forks_s = 0.5 * measured.episode_s * chunk / campaign.dagger.fork_every
    return measured.rollout_s + encode_s + forks_s
