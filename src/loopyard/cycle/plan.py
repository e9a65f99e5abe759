"""From what things cost here to what fits the budget."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from loopyard.cycle.config import Campaign
from loopyard.cycle.measure import Measurement

LEAST_TRAINING = 0.35
"""Share of the budget that training gets at least; data and rollouts shrink before it does."""
SUCCESSFUL_ROLLOUT = 0.45
"""A drive of a policy that mostly succeeds ends this much sooner than one to the time limit."""
LAST_RESORT = 0.1
"""Where not even that fits, this share: a budget that is too short is overrun, with a warning."""
OVERRUN_S = 1.0
"""An overrun from here on is worth a word."""
REPORT_S = 12.0
FILM_S = 1.5
LEAST_EPISODES, LEAST_ROLLOUTS, LEAST_MINUTES = 20, 10, 0.001


@dataclass(frozen=True)
class CyclePlan:
    """One cycle: expert episodes or policy rollouts to label, then training, then selection."""

    cycle: int
    episodes: int
    rollouts: int
    train_minutes: float
    select: int


@dataclass(frozen=True)
class Plan:
    """What will be done, how long each part should take, and what could not be granted."""

    cycles: tuple[CyclePlan, ...]
    gate: int
    seconds: dict[str, float]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(campaign: Campaign, measured: Measurement, used_s: float = 0.0) -> Plan:
    """Fit the campaign's wishes into its budget; training takes what the rest leaves.

    The gate and the selection are never cut: a number from few scenes says little. used_s is time
    already spent, the measurement included.
    """
    budget_s = campaign.budget_minutes * 60.0 - used_s
    later = campaign.cycles - 1
    good_s = SUCCESSFUL_ROLLOUT * measured.rollout_s
    judge_s = (
        campaign.gate.n * good_s
        + campaign.select.n * (measured.rollout_s + later * good_s)
        + campaign.cycles * 3 * measured.start_s
        + campaign.videos * FILM_S
        + REPORT_S
    )
    generate_s = campaign.generate.episodes * measured.episode_s
    # The first drives of a cloned policy mostly fail and last to the limit, later ones do not.
    per_rollout_s = _relabel_s(campaign, measured)
    relabel_s = campaign.dagger.rollouts * per_rollout_s * (1 + (later - 1) * SUCCESSFUL_ROLLOUT)
    relabel_s = relabel_s if later else 0.0
    left_s = budget_s - judge_s - generate_s - relabel_s
    shrink = 1.0
    if left_s < LEAST_TRAINING * budget_s:
        room_s = (1 - LEAST_TRAINING) * budget_s - judge_s
        shrink = max(0.0, room_s / (generate_s + relabel_s))
        least_s = LAST_RESORT * campaign.budget_minutes * 60.0
        left_s = max(budget_s - judge_s - shrink * (generate_s + relabel_s), least_s)
    data_s = min(1.0, shrink) * (generate_s + relabel_s)
    over_s = data_s + left_s + judge_s - budget_s
    episodes = _shrunk(campaign.generate.episodes, shrink, LEAST_EPISODES)
    rollouts = _shrunk(campaign.dagger.rollouts, shrink, LEAST_ROLLOUTS)
    shares = [share / sum(campaign.train_shares) for share in campaign.train_shares]
    return Plan(
        cycles=tuple(
            CyclePlan(
                cycle=index + 1,
                episodes=0 if index else episodes,
                rollouts=rollouts if index else 0,
                train_minutes=max(LEAST_MINUTES, round(share * left_s / 60.0, 3)),
                select=campaign.select.n,
            )
            for index, share in enumerate(shares)
        ),
        gate=campaign.gate.n,
        seconds={
            "budget": round(campaign.budget_minutes * 60.0, 1),
            "used": round(used_s, 1),
            "generate": round(min(1.0, shrink) * generate_s, 1),
            "relabel": round(min(1.0, shrink) * relabel_s, 1),
            "train": round(left_s, 1),
            "judge": round(judge_s, 1),
        },
        warnings=_warnings(campaign, measured, (episodes, rollouts), judge_s, budget_s, over_s),
    )


def _shrunk(wanted: int, share: float, least: int) -> int:
    return min(wanted, max(least, int(wanted * min(1.0, share))))


def _relabel_s(campaign: Campaign, measured: Measurement) -> float:
    """One labelled rollout: the drive, and encoding it as generation does."""
    encode_s = 0.3 * measured.episode_s
    forks_s = 0.0
    if campaign.dagger.labels == "fork":
        chunk = int(campaign.train.get("chunk_size") or 10)
        forks_s = 0.5 * measured.episode_s * chunk / campaign.dagger.fork_every
    return measured.rollout_s + encode_s + forks_s


def _warnings(
    campaign: Campaign,
    measured: Measurement,
    granted: tuple[int, int],
    judge_s: float,
    budget_s: float,
    over_s: float,
) -> tuple[str, ...]:
    budget = f"the budget is {campaign.budget_minutes:g} min"
    found = []
    if granted != (campaign.generate.episodes, campaign.dagger.rollouts):
        minutes = campaign.generate.episodes * measured.episode_s / 60.0
        found.append(
            f"{campaign.generate.episodes} episodes need {minutes:.1f} min here and "
            f"{campaign.dagger.rollouts} labelled rollouts a cycle come on top; {budget}: "
            f"{granted[0]} and {granted[1]} are planned"
        )
    if judge_s > 0.4 * budget_s:
        found.append(
            f"selection and gate alone take {judge_s / 60.0:.1f} min of the "
            f"{max(0.0, budget_s) / 60.0:.1f} min that are left; {budget}"
        )
    if over_s > OVERRUN_S:
        found.append(f"this plan needs {over_s / 60.0:.1f} min more than there are; {budget}")
    return tuple(found)
