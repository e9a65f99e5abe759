"""Fitting cycles into a stretch of time: what each of them needs, and what it is granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loopyard.cycle.config import Campaign, CycleWish
from loopyard.cycle.planning.estimate import Estimate

LEAST_TRAINING = 0.35
"""Share of its time that training gets at least, if it wants so much; data shrinks before that."""
LAST_RESORT = 0.1
"""Where not even that fits, this share of the whole time that its cycles were to have: a budget
that is too short, or was used up by restarts, is overrun with a warning."""
SLACK = 1.5
"""A stage is closed with what it has when it takes so many times as long as it was planned to."""


@dataclass(frozen=True)
class Need:
    """What one cycle takes as it is wished for. train_s None: whatever time is left over."""

    number: int
    wish: CycleWish
    recoveries: int
    expert_s: float
    relabel_s: float
    train_s: float | None
    select_s: float

    @property
    def data_s(self) -> float:
        return self.expert_s + self.relabel_s


@dataclass(frozen=True)
class Grant:
    """What a cycle gets. shrink: share of its data; train_shrink: of training of a given length.

    slack: how many times longer than planned a stage of a given size may take.
    """

    shrink: float
    train_shrink: float
    train_s: float
    slack: float


def needs_of(campaign: Campaign, costs: Estimate, done: int, frames: int) -> list[Need]:
    """Of each cycle after the first ``done``, which left ``frames`` frames of data."""
    needs = []
    for index, wish in enumerate(campaign.wishes[done:], start=done):
        # The first drives of a cloned policy mostly fail and last to the limit, later ones do not.
        shorter = 1.0 if index <= 1 else costs.good
        recoveries = _recoveries(campaign, wish)
        expert_drives = wish.episodes + recoveries
        frames += round((expert_drives + wish.rollouts) * costs.frames_per_episode)
        steps = wish.steps
        if wish.epochs is not None:
            steps = max(1, round(wish.epochs * frames / costs.batch_size))
        each_select_s = costs.select_s * (costs.good if index else 1.0)
        needs.append(
            Need(
                number=index + 1,
                wish=wish,
                recoveries=recoveries,
                expert_s=expert_drives * costs.episode_s,
                relabel_s=wish.rollouts * costs.relabel_s * shorter,
                train_s=None if steps is None else steps * costs.step_s,
                select_s=(1 + campaign.select.candidates)
                * (campaign.select.n * each_select_s + 2 * costs.start_s),
            )
        )
    return needs


def fit(room_s: float, needs: Sequence[Need], whole_s: float) -> dict[int, Grant]:
    """Share ``room_s`` seconds, what is left of ``whole_s``, between cycles, by number.

    Selection is granted whole. Data comes before training, which still gets LEAST_TRAINING of all:
    where the two do not fit, training of a given length shrinks first, then data. Training of no
    given length splits what is left.
    """
    select_s = sum(need.select_s for need in needs)
    data_s = sum(need.data_s for need in needs)
    given_s = sum(need.train_s or 0.0 for need in needs)
    shares = {need.number: need.wish.share for need in needs if need.train_s is None}
    least_s = LEAST_TRAINING * room_s if shares else min(LEAST_TRAINING * room_s, given_s)
    data_room_s = max(0.0, room_s - select_s - least_s)
    shrink = min(1.0, data_room_s / data_s) if data_s else 1.0
    train_room_s = max(room_s - select_s - shrink * data_s, LAST_RESORT * whole_s)
    given_room_s = train_room_s * (1 - len(shares) / max(1, len(needs)))
    train_shrink = min(1.0, given_room_s / given_s) if given_s else 1.0
    open_s = train_room_s - train_shrink * given_s
    planned_s = select_s + shrink * data_s + train_shrink * given_s
    slack = SLACK if shares else max(SLACK, room_s / max(planned_s, 1e-9))

    def grant(need: Need) -> Grant:
        if need.train_s is not None:
            train_s = train_shrink * need.train_s
        else:
            train_s = open_s * shares[need.number] / sum(shares.values())
        return Grant(shrink, train_shrink, train_s, slack)

    return {need.number: grant(need) for need in needs}


def _recoveries(campaign: Campaign, wish: CycleWish) -> int:
    section = campaign.scenarios
    if section is None or section.sampling != "feedback" or not wish.rollouts:
        return 0
    return section.recoveries if wish.recoveries is None else wish.recoveries
