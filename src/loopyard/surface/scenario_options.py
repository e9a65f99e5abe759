"""What the commands that speak of scenarios have in common: which modes, and about which base."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.scenarios.registry import Registry


@dataclass(frozen=True, kw_only=True)
class ModeOptions:
    """Which failure modes there are."""

    modes: tuple[Path, ...] = ()
    """YAML files with failure modes of your own, beside the built-in ones"""
    registry: Path | None = None
    """a saved registry, such as a run's, in place of the built-in modes"""

    def open(self) -> Registry:
        from loopyard.scenarios.registry import open_registry

        return open_registry(start=self.registry, modes=self.modes)


@dataclass(frozen=True, kw_only=True)
class BaseOptions(ModeOptions):
    """And what they are staged in."""

    world: str = "yard"
    """a world's name, or package.module:ClassName of your own"""
    preset: str = "mid"
    """a named set of the world's parameters"""
    params: dict[str, str] = field(default_factory=dict)
    """the world's parameters, as name value pairs: --params bricks 3 room_m 8"""
    randomise: bool = False
    """draw the world's randomised quantities anew in each scene"""

    def base(self) -> Scenario:
        from loopyard.core.randomisation import Randomisation
        from loopyard.core.scenario import Scenario
        from loopyard.core.values import yaml_values

        return Scenario(
            world=self.world,
            preset=self.preset,
            params=yaml_values(self.params, "--params"),
            randomise=Randomisation() if self.randomise else None,
        )
