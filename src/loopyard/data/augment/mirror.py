"""Left and right exchanged: pictures, lateral channels, and the words of the instruction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from loopyard.core.errors import ConfigError, expected
from loopyard.core.specs import Channel, VectorSpec
from loopyard.data.augment.trajectory import Trajectory

PAIRS = (
    ("left", "right"),
    ("leftmost", "rightmost"),
    ("leftward", "rightward"),
    ("leftwards", "rightwards"),
    ("왼쪽", "오른쪽"),
    ("왼편", "오른편"),
    ("왼손", "오른손"),
    ("좌측", "우측"),
    ("좌회전", "우회전"),
)
"""Words that change into each other. Korean takes its particles without a space, so that its words
are found inside longer ones; English words only whole, or before a hyphen (left-hand)."""

_OTHER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
_WORDS = re.compile(
    "|".join(
        rf"(?<![A-Za-z]){word}(?![A-Za-z])" if word.isascii() else word
        for word in sorted(_OTHER, key=len, reverse=True)
    ),
    re.IGNORECASE,
)


def mirror_text(text: str) -> str:
    """The instruction of the mirrored scene: left and right exchanged, case kept.

    Twice is nothing. It knows words, not meaning: "right away" becomes "left away", so look at
    what it made of an instruction.
    """

    def other(match: re.Match[str]) -> str:
        word = match.group()
        swapped = _OTHER[word.lower()]
        if word.isascii() and word.isupper():
            return swapped.upper()
        return swapped.capitalize() if word.isascii() and word[0].isupper() else swapped

    return _WORDS.sub(other, text)


def lateral_signs(vector: VectorSpec, lateral: Sequence[str], where: str) -> np.ndarray:
    """(size,) float32: -1 for the channels named, 1 for the others.

    Raises:
        ConfigError: a lateral channel whose limits are not symmetric: its mirror image would lie
            outside them.
    """
    for channel in vector.channels:
        if channel.name in lateral and not _symmetric(channel):
            raise ConfigError(
                expected(
                    where,
                    f"lateral channel {channel.name}",
                    f"limits {channel.low:g} to {channel.high:g}",
                    "symmetric ones: a channel that is 0 in the middle",
                )
            )
    return np.array([-1 if name in lateral else 1 for name in vector.names], np.float32)


def _symmetric(channel: Channel) -> bool:
    return bool(np.isclose(channel.low, -channel.high))


def mirror(drive: Trajectory, state_signs: np.ndarray, action_signs: np.ndarray) -> Trajectory:
    """The drive as a mirror shows it; signs: `lateral_signs` of state (S,) and action (A,).

    Its own inverse, bit for bit. True where the robot, its cameras and its world are symmetric: a
    camera off the middle of the robot sees what a mirrored robot would not.
    """
    return replace(
        drive,
        state=drive.state * state_signs,
        action=drive.action * action_signs,
        executed=drive.executed * action_signs,
        phases=tuple(mirror_text(phase) for phase in drive.phases),
        task=mirror_text(drive.task),
        mirrored=not drive.mirrored,
        turned=-drive.turned,
        chunk=None if drive.chunk is None else drive.chunk * action_signs,
    )
