"""What the base is told: on which side to pass and what to reach, in several wordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Side = Literal["left", "right"]

SIDE_WORDS: Mapping[str, Mapping[Side, str]] = {
    "english": {"left": "left", "right": "right"},
    "korean": {"left": "왼쪽", "right": "오른쪽"},
}
ENGLISH = (
    "Go around the {box} on {its} {side} side and reach the cup",
    "Pass the {box} on the {side} and drive to the cup",
    "Keep to the {side} of the {box}, then reach the cup",
    "Reach the cup by going {side} of the {box}",
    "Drive past the {box} on the {side} side to the cup",
    "Take the {side} way around the {box} and go to the cup",
)
KOREAN = (
    "상자의 {side}으로 돌아서 컵까지 가세요",
    "상자를 {side}으로 지나 컵에 도착하세요",
    "{side}으로 상자를 피해서 컵으로 가세요",
)
WORDINGS: Mapping[str, tuple[str, ...]] = {"english": ENGLISH, "korean": KOREAN}
"""By language."""

TASK = "Pass the box on the side that is named and reach the cup"
"""What all instructions have in common: the world's own task."""


def instruction(side: Side, language: str, wording: int, boxes: int) -> str:
    """The sentence. wording: counted round within the language's own."""
    text = WORDINGS[language][wording % len(WORDINGS[language])]
    box, its = ("box", "its") if boxes == 1 else ("boxes", "their")
    return text.format(side=SIDE_WORDS[language][side], box=box, its=its)


def characters() -> str:
    """Every character that an instruction can have."""
    texts = [
        instruction(side, language, index, boxes)
        for language, wordings in WORDINGS.items()
        for index in range(len(wordings))
        for side in SIDE_WORDS[language]
        for boxes in (1, 2)
    ]
    return "".join(sorted(set("".join([TASK, *texts]))))
