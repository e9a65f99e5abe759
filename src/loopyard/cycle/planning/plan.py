"""From what things cost here to what fits the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loopyard.cycle.config import Campaign
from loopyard.cycle.planning.estimate import SUCCESSFUL_ROLLOUT, Estimate
from loopyard.cycle.planning.fit import Grant, Need, fit, needs_of

OVERRUN_S = 1.0
"""An overrun from here on is worth a word."""
REPORT_S = 12.0
LEAST_EPISODES, LEAST_ROLLOUTS, LEAST_MINUTES = 20, 10, 0.001


@dataclass(frozen=True)
class CyclePlan:
    """One cycle: expert episodes, rollouts to label, recoveries; training; rollouts to select.

    data_minutes, train_minutes: boxes; a stage is closed with what it has at their end.
    steps, epochs: of training, where the user said so; at most one of them.
    """

    cycle: int
    episodes: int
    rollouts: int
    recoveries: int
    data_minutes: float
    train_minutes: float
    select: int
    steps: int | None = None
    epochs: float | None = None


@dataclass(frozen=True)
class Plan:
    """What will be done, how long each part should take, and what could not be granted.

    cycles: those still to come when it was made. seconds: of ``generate``, ``relabel``, ``train``
    and ``judge`` to come, beside the ``budget`` and what was ``used``.
    """

    cycles: tuple[CyclePlan, ...]
    gate: int
    seconds: dict[str, float]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Inverse of `to_dict`."""
        cycles = tuple(CyclePlan(**part) for part in data["cycles"])
        return cls(cycles, data["gate"], dict(data["seconds"]), tuple(data["warnings"]))


def make_plan(
    campaign: Campaign, costs: Estimate, used_s: float = 0.0, *, done: int = 0, frames: int = 0
) -> Plan:
    """Fit the campaign's wishes into its budget; training takes what the rest leaves.

    The gate and the selection are never cut: a number from few scenes says little. used_s is time
    already spent, the measurement included. done: cycles that are over; frames: in their data.
    """
    left_s = campaign.budget_minutes * 60.0 - used_s
    gate_s = _gate_s(campaign, costs)
    needs = needs_of(campaign, costs, done, frames)
    grants = _share(campaign, max(0.0, left_s - gate_s), needs)
    cycles = tuple(_cycle(campaign, costs, need, grants[need.number]) for need in needs)
    judge_s = gate_s + sum(need.select_s for need in needs)
    seconds = {
        "generate": sum(grants[need.number].shrink * need.expert_s for need in needs),
        "relabel": sum(grants[need.number].shrink * need.relabel_s for need in needs),
        "train": sum(grants[need.number].train_s for need in needs),
        "judge": judge_s,
    }
    over_s = sum(seconds.values()) - left_s
    given = {"budget": campaign.budget_minutes * 60.0, "used": used_s, **seconds}
    return Plan(
        cycles,
        campaign.gate.n,
        {name: round(value, 1) for name, value in given.items()},
        _warnings(campaign, costs, needs, grants, cycles, judge_s, left_s, over_s),
    )


def _gate_s(campaign: Campaign, costs: Estimate) -> float:
    drives_s = campaign.gate.n * costs.good * costs.select_s
    films_s = campaign.videos * SUCCESSFUL_ROLLOUT * costs.film_s  # as long as the drives they show
    return drives_s + costs.start_s + films_s + REPORT_S


def _share(campaign: Campaign, room_s: float, needs: Sequence[Need]) -> dict[int, Grant]:
    """Cycles with minutes of their own get those, the others share what is left."""
    own_s = {need.number: 60.0 * need.wish.minutes for need in needs if need.wish.minutes}
    squeeze = min(1.0, room_s / sum(own_s.values())) if own_s else 1.0
    shared = [need for need in needs if need.number not in own_s]
    whole_s = 60.0 * campaign.budget_minutes * len(shared) / len(campaign.wishes)
    grants = fit(room_s - squeeze * sum(own_s.values()), shared, whole_s)
    for need in needs:
        if need.number in own_s:
            grants |= fit(squeeze * own_s[need.number], [need], own_s[need.number])
    return grants


def _cycle(campaign: Campaign, costs: Estimate, need: Need, grant: Grant) -> CyclePlan:
    wish = need.wish
    episodes = _shrunk(wish.episodes, grant.shrink, LEAST_EPISODES)
    rollouts = _shrunk(wish.rollouts, grant.shrink, LEAST_ROLLOUTS)
    recoveries = _shrunk(need.recoveries, grant.shrink, 0)
    train_slack = 1.0 if need.train_s is None else grant.slack
    each_relabel_s = need.relabel_s / max(1, wish.rollouts)
    data_s = (episodes + recoveries) * costs.episode_s + rollouts * each_relabel_s
    return CyclePlan(
        cycle=need.number,
        episodes=episodes,
        rollouts=rollouts,
        recoveries=recoveries,
        data_minutes=_minutes(grant.slack * (data_s + 2 * costs.start_s)),
        train_minutes=_minutes(train_slack * grant.train_s),
        select=campaign.select.n,
        steps=wish.steps and max(1, int(wish.steps * grant.train_shrink)),
        epochs=wish.epochs and max(0.001, round(wish.epochs * grant.train_shrink, 3)),
    )


def _minutes(seconds: float) -> float:
    return max(LEAST_MINUTES, round(seconds / 60.0, 3))


def _shrunk(wanted: int, share: float, least: int) -> int:
    return min(wanted, max(least, int(wanted * share)))


def _warnings(
    campaign: Campaign,
    costs: Estimate,
    needs: Sequence[Need],
    grants: Mapping[int, Grant],
    cycles: Sequence[CyclePlan],
    judge_s: float,
    left_s: float,
    over_s: float,
) -> tuple[str, ...]:
    budget = f"the budget is {_told(60.0 * campaign.budget_minutes)}"
    found = []
    wanted = _total(need.wish for need in needs)
    granted = _total(cycles)
    if granted != wanted:
        found.append(
            f"{wanted[0]} episodes need {_told(wanted[0] * costs.episode_s)} here and "
            f"{wanted[1]} labelled rollouts {_told(sum(need.relabel_s for need in needs))}; "
            f"{budget}: {granted[0]} and {granted[1]} are planned"
        )
    trained_s = sum(need.train_s or 0.0 for need in needs)
    if any(grant.train_shrink < 1.0 for grant in grants.values()):
        found.append(f"training as long as was asked needs {_told(trained_s)} here; {budget}")
    if judge_s > 0.4 * left_s:
        found.append(
            f"selection and gate alone take {_told(judge_s)} of the "
            f"{_told(max(0.0, left_s))} that are left; {budget}"
        )
    if over_s > OVERRUN_S:
        found.append(f"this plan needs {_told(over_s)} more than there are; {budget}")
    return tuple(found)


def _total(parts: Any) -> tuple[int, int]:
    """(episodes, rollouts) of all cycles."""
    parts = list(parts)
    return sum(part.episodes for part in parts), sum(part.rollouts for part in parts)


def _told(seconds: float) -> str:
    if seconds >= 5400.0:
        return f"{round(seconds / 3600.0, 1):g} h"
    return f"{round(seconds / 60.0, 1):g} min"
