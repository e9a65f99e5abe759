"""From checks to a grade for each part, and to the conditions under which to deploy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from loopyard.data.audit.report import Check, Part

Letter = Literal["A", "B", "C", "D", "F", "?"]
PARTS: tuple[Part, ...] = ("integrity", "health", "memorising")
GRAVE = {"lag", "distinct actions", "frame index", "jerk", "instruction"}
"""Kinds of warning that alone make a D: such data teaches something else than the task."""

TROUBLE = {
    "episodes": "too few episodes to vary over",
    "frames": "too little data to learn from",
    "frames a parameter": "the policy has room to store the data instead of learning from it",
    "zero": "the safest guess on such a channel is to do nothing",
    "saturated": "such a channel is a switch, and a mean of its two ends is neither",
    "constant": "repeating the last value is nearly always right, and deciding is hardly learned",
    "distinct actions": "so few actions are a list to choose from, and the most frequent one wins",
    "coverage": "one step off the visited states, the policy has never been",
    "jumps": "no action explains such a step: a reset or lost frames are inside episodes",
    "jerk": "labels scatter like noise, and their average is what will be learned",
    "lag": "actions are paired with the wrong moment",
    "imbalance": "what is rare in the data is learned last and fails first",
    "asymmetry": "the other side was hardly shown",
    "instruction": "words do not change what is done, so they will be ignored",
    "drift": "early and late episodes are two datasets, of which held-out ones may show only one",
    "frame index": "time alone tells the action: a policy can play a tape, and its loss looks fine",
    "previous action": "the action now tells that of a second later: a policy can copy itself",
    "state alone": "the image is not needed here, so it need not be learned to look",
}
"""What goes wrong with a policy trained on it, by kind of warning."""

CONDITIONS = {
    "episodes": "more episodes, or a policy that begins from one trained on more",
    "frames": "more data",
    "frames a parameter": "a smaller policy, or one that begins from trained weights",
    "zero": "an idle share in rollouts that is no higher than the expert's",
    "distinct actions": "labels that vary as the task does; these are a recording fault",
    "coverage": "a start within the visited states, or recovery data around them (noise, DAgger)",
    "jumps": "episodes cut at their jumps",
    "jerk": "smoother labels, recorded or filtered",
    "lag": "labels moved by the lag, or the same lag on the robot",
    "imbalance": "a gate of its own for each rare kind, or more of it",
    "asymmetry": "mirrored data, or a gate that has both sides",
    "instruction": "an instruction-swap test that changes what the policy does",
    "drift": "a gate in the present conditions, those of the last episodes",
    "frame index": "a gate whose starts and places differ from the data's, and episodes that do",
    "previous action": "a policy that is not given its last action, and chunks of a second",
    "state alone": "an image-mask test that changes what the policy does",
}
"""What must be so before such data's policy is deployed, by kind of warning."""

GATE = (
    "a closed-loop gate on scenes that were in no data: the lower end of its 95 % interval, "
    "and no offline figure, says whether it is good enough"
)


@dataclass(frozen=True)
class Grade:
    """A part's grade: A nothing found, B one kind of warning, C two or three, D more or a grave
    one, F a failed check, ? too little data to say."""

    part: Part
    letter: Letter
    sentence: str


@dataclass(frozen=True)
class Judgement:
    """trainable: nothing failed. conditions: under which deploying would be reasonable."""

    grades: list[Grade]
    trainable: bool
    conditions: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(checks: Sequence[Check]) -> Judgement:
    """Grades of the parts that were looked at, and the conditions for deploying."""
    grades = [_grade(part, [c for c in checks if c.part == part]) for part in PARTS]
    failed, warned = _kinds(checks, "fail"), _kinds(checks, "warn")
    mend = [f"what failed is mended: {', '.join(failed)}"] if failed else []
    wanted = [f"{kind}: {CONDITIONS[kind]}" for kind in warned if kind in CONDITIONS]
    return Judgement(grades, not failed, [*mend, GATE, *wanted])


def _grade(part: Part, checks: list[Check]) -> Grade:
    if not checks or all(check.found.startswith("too little to say") for check in checks):
        return Grade(
            part, "?", "Not judged: the data could not be read that far, or is too little."
        )
    failed, warned = _kinds(checks, "fail"), _kinds(checks, "warn")
    if failed:
        return Grade(part, "F", f"Not to be trained on: {_listed(failed)} failed.")
    if not warned:
        return Grade(part, "A", _CLEAN[part])
    letter = _letter(warned)
    worst = min(warned, key=lambda kind: (kind not in GRAVE, warned.index(kind)))
    trouble = TROUBLE.get(worst, "see the check")
    return Grade(part, letter, f"{_listed(warned).capitalize()}: {trouble}.")


def _letter(warned: list[str]) -> Letter:
    if GRAVE & set(warned) or len(warned) > 3:
        return "D"
    return "B" if len(warned) == 1 else "C"


_CLEAN = {
    "integrity": "Files, frames and numbers agree with each other.",
    "health": "Actions vary, states are covered, and nothing leans or drifts.",
    "memorising": "No short cut around looking: each predictor alone fails.",
}


def _kinds(checks: Sequence[Check], verdict: str) -> list[str]:
    """Kinds of checks with a verdict, in the order of the audit, each once."""
    return list(dict.fromkeys(c.name.partition(":")[0] for c in checks if c.verdict == verdict))


def _listed(kinds: list[str]) -> str:
    shown = ", ".join(kinds[:4])
    return shown + (f" and {len(kinds) - 4} more" if len(kinds) > 4 else "")
