"""Which settings a lesson may change between two cycles, and the changing itself."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from loopyard.core import values
from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.lesson import Change, Lesson, Record
from loopyard.training.config import TrainConfig

Range = tuple[float, float]

MAY_CHANGE: dict[str, Range] = {
    "train.batch_size": (8, 1024),
    "train.accumulate": (1, 64),
    "train.lr": (1e-6, 1e-2),
    "train.weight_decay": (0.0, 0.1),
    "train.grad_clip": (0.05, 10.0),
    "train.state_dropout": (0.0, 0.5),
    "train.step_weight_decay": (0.5, 1.0),
    "train.channel_weights.*": (0.125, 8.0),
    "train.augmentation.*": (0.0, 8.0),
    "dagger.share": (0.1, 0.9),
    "dagger.fork_every": (1, 20),
    "generate.noise.wander": (0.0, 0.5),
    "generate.noise.slips_per_s": (0.0, 0.5),
    "n_action_steps": (1, 50),
    "scenarios.weights.*": (0.125, 8.0),
    "scenarios.before_s": (0.5, 10.0),
    "scenarios.variety": (1, 400),
    "scenarios.mix": (0.0, 1.0),
    "cycles.rollouts": (10, 2000),
    "cycles.episodes": (10, 5000),
    "cycles.recoveries": (1, 400),
    "cycles.epochs": (0.1, 1000.0),
}
"""What may change, and how far: a lesson that comes again and again must not run away with it."""

_JUDGE = "it is part of what policies are judged by, and a lesson must not move the bar"
_TASK = "it is the task that was asked for"
_TIME = "time is the user's to give"
_NETWORK = "the next cycle goes on from this cycle's network and its processing"
_PLANNED = "the campaign plans it itself, cycle by cycle"
_NET = "it is a safety net, and a person's to take away"
_OWN = "it changes no result, or what the campaign is"

FIXED: dict[str, str] = {
    **dict.fromkeys(("gate", "select"), _JUDGE),
    **dict.fromkeys(("scenarios.suite", "scenarios.modes", "scenarios.randomise"), _JUDGE),
    **dict.fromkeys(("world", "preset", "params", "expert"), _TASK),
    **dict.fromkeys(("budget_minutes", "train_shares", "cycles.minutes", "cycles.share"), _TIME),
    **dict.fromkeys(("train.policy", "train.policy_options", "train.cameras"), _NETWORK),
    **dict.fromkeys(("train.image_size", "train.chunk_size", "train.new_statistics"), _NETWORK),
    **dict.fromkeys(("train.image_mode", "train.state_mode", "train.action_mode"), _NETWORK),
    **dict.fromkeys(("train.minutes", "train.steps", "train.epochs", "train.shares"), _PLANNED),
    **dict.fromkeys(("train.init_from", "train.seed", "dagger.rollouts"), _PLANNED),
    **dict.fromkeys(("generate.episodes", "scenarios.recoveries"), _PLANNED),
    "train.allow_failed_audit": _NET,
    **dict.fromkeys(("name", "runs", "seed", "workers", "videos", "lessons"), _OWN),
}
"""What may not, and why. Of drives and epochs a lesson says ``cycles.rollouts`` and so on."""

WISHES = {"rollouts": "dagger.rollouts", "recoveries": "scenarios.recoveries"}
"""Where a campaign without ``cycles`` says them; expert drives and epochs it does not say."""


class Outcome(Record):
    """What became of one change a lesson asked for. cycle: the one it was asked for; before and
    after: the setting's value, where it was changed; why: where it was not."""

    lesson: str
    setting: str
    cycle: int
    applied: bool
    before: Any = None
    after: Any = None
    why: str = ""

    @property
    def text(self) -> str:
        if self.applied:
            return f"{self.setting}: {_told(self.before)} -> {_told(self.after)}"
        return f"{self.setting}: not changed: {self.why}"


class Refused(Exception):  # noqa: N818 (an answer, and caught in this module)
    """Why a change is not made."""


def apply(
    campaign: Campaign, lessons: Iterable[Lesson], cycle: int
) -> tuple[Campaign, tuple[Outcome, ...]]:
    """The campaign as ``cycle``, the next one, shall have it, and what became of each change.

    Nothing outside MAY_CHANGE is touched, nothing beyond its range, no setting twice, and nothing
    that the campaign's own model does not take.
    """
    outcomes: list[Outcome] = []
    changed: dict[str, str] = {}
    for lesson in lessons:
        for change in lesson.changes:
            asked = {"lesson": lesson.name, "setting": change.setting, "cycle": cycle}
            try:
                if change.setting in changed:
                    raise Refused(f"'{changed[change.setting]}' has changed it for this cycle")
                campaign, before, after = _changed(campaign, change, cycle)
            except Refused as refusal:
                outcomes.append(Outcome(**asked, applied=False, why=str(refusal)))
                continue
            changed[change.setting] = lesson.name
            outcomes.append(Outcome(**asked, applied=True, before=before, after=after))
    return campaign, tuple(outcomes)


def _changed(campaign: Campaign, change: Change, cycle: int) -> tuple[Campaign, Any, Any]:
    """(the campaign, the value before, the value after)."""
    allowed = _range_of(change.setting)
    settings = campaign.plain()
    section, _, field = change.setting.partition(".")
    if section == "scenarios" and campaign.scenarios is None:
        raise Refused("the campaign has no failure modes, and so no scenes to choose from")
    if section == "cycles" and campaign.cycles:
        before, after = _change_wishes(settings["cycles"], change, field, allowed, cycle)
    else:
        setting = change.setting if section != "cycles" else _said_elsewhere(campaign, field)
        before = _value(settings, setting)
        after = _new_value(change, before, allowed)
        values.put(settings, setting, after, change.setting)
    try:
        return Campaign.model_validate(settings), before, after
    except ValidationError as error:
        raise Refused(f"{after!r} does not fit: {error.errors()[0]['msg']}") from None


def _range_of(setting: str) -> Range:
    for pattern, allowed in MAY_CHANGE.items():
        if fnmatchcase(setting, pattern):
            return allowed
    for fixed, why in FIXED.items():
        if setting == fixed or setting.startswith(fixed + "."):
            raise Refused(why)
    raise Refused("no such setting may change between cycles")


def _said_elsewhere(campaign: Campaign, field: str) -> str:
    if field not in WISHES:
        said = (
            "training lasts as long as the plan has time"
            if field == "epochs"
            else ("the expert drives in the first cycle alone")
        )
        raise Refused(f"{said}; a campaign with 'cycles' could change it")
    if field == "recoveries" and campaign.scenarios is None:
        raise Refused("the campaign has no failure modes, and so no recoveries")
    return WISHES[field]


def _change_wishes(
    wishes: list[dict[str, Any]], change: Change, field: str, allowed: Range, cycle: int
) -> tuple[Any, Any]:
    """Change the cycles from ``cycle`` on; (before, after) of the first that has such a wish."""
    field = "steps" if field == "epochs" and all(w["epochs"] is None for w in wishes) else field
    least = 1.0 if field == "steps" else allowed[0]
    most = float("inf") if field == "steps" else allowed[1]
    found: list[tuple[Any, Any]] = []
    for wish in wishes[cycle - 1 :]:
        if wish[field]:
            before = wish[field]
            wish[field] = _new_value(change, before, (least, most))
            found.append((before, wish[field]))
    if not found:
        raise Refused(f"no later cycle says its {field}")
    return found[0]


def _new_value(change: Change, before: Any, allowed: Range) -> Any:
    try:
        after = change.of(before)
    except TypeError as error:
        raise Refused(str(error)) from None
    if isinstance(after, int | float):
        bounded = min(max(after, allowed[0]), allowed[1])
        after = int(bounded) if isinstance(after, int) else bounded
    if after == before:
        raise Refused(f"it is {_told(before)} already, as far as a lesson may take it")
    return after


def _value(settings: dict[str, Any], setting: str) -> Any:
    """What holds now: the campaign's value, training's default, or 1 for a weight."""
    train = TrainConfig.model_validate({**settings["train"], "minutes": 1.0})
    part: Any = {**settings, "train": train.model_dump(mode="json")}
    for name in setting.split("."):
        if not isinstance(part, dict):
            raise Refused(f"it has no part '{name}': found {part!r}")
        part = part.get(name, 1.0 if "weights." in setting else None)
    return part


def _told(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
