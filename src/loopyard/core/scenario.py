"""Scenario: a validated, serialisable description of one family of scenes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from loopyard.core.randomisation import Randomisation


class SuccessCriteria(BaseModel):
    """When a drive of a scenario counts as a success.

    share: of what the scene asks for (the yard: of the bricks that can be collected at all).
    within_s: simulated seconds; None for the world's own time limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=1.0, gt=0.0, le=1.0)
    within_s: float | None = Field(default=None, gt=0.0)


class Scenario(BaseModel):
    """One scene family of one world. (scenario, seed) gives a scene: always the same one.

    world: a built-in world's name or ``package.module:ClassName``.
    preset: a named set of that world's parameters, to which ``params`` are overrides.
    params: the world's own parameters; the world validates them.
    mode: failure-mode id such as ``FM-A01``; None for a general scene.
    randomise: what is drawn anew in each scene; None for nothing beyond the scene itself.
    expected: what a good drive does, in a word such as ``complete_collection``.
    success: when a drive counts as a success.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    preset: str = "starter"
    params: dict[str, Any] = Field(default_factory=dict)
    mode: str | None = None
    randomise: Randomisation | None = None
    expected: str = Field(default="complete_collection", pattern=r"^[a-z][a-z_]*$")
    success: SuccessCriteria = Field(default_factory=SuccessCriteria)

    @property
    def digest(self) -> str:
        """16 hex digits that name this scenario; equal scenarios have equal digests.

        What a later version added and this scenario leaves at its default is left out, so that
        an older scenario keeps its scenes.
        """
        plain = self.model_dump(mode="json")
        for name in ("randomise", "expected", "success"):
            if plain[name] == _DEFAULTS[name]:
                del plain[name]
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_DEFAULTS = Scenario(world="any").model_dump(mode="json")
