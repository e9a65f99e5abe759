"""Scenario: a validated, serialisable description of one family of scenes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Scenario(BaseModel):
    """One scene family of one world. (scenario, seed) gives a scene: always the same one.

    world: a built-in world's name or ``package.module:ClassName``.
    preset: a named set of that world's parameters, to which ``params`` are overrides.
    params: the world's own parameters; the world validates them.
    mode: failure-mode id such as ``FM-A01``; None for a general scene.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    preset: str = "starter"
    params: dict[str, Any] = Field(default_factory=dict)
    mode: str | None = None

    @property
    def digest(self) -> str:
        """16 hex digits that name this scenario; equal scenarios have equal digests."""
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
