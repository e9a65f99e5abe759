"""Drives of the yard's expert without its cameras; in a module of its own, so that workers find
it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.experts.noise import ActionNoise, DartNoise, NoiseSettings, no_noise
from loopyard.experts.yard import YardExpert
from loopyard.worlds.yard.world import YardWorld


@dataclass(frozen=True)
class Drive:
    """How one scene ended."""

    seed: int
    bricks: int
    delivered: int
    seconds: float

    @property
    def success(self) -> bool:
        return self.delivered == self.bricks


class BlindExpert:
    """Drives scenes of one scenario; the expert needs no picture, so none is drawn after the
    first."""

    def __init__(self, scenario: Scenario, noise: NoiseSettings | None) -> None:
        self._scenario, self._noise = scenario, noise
        self._world = YardWorld(scenario.preset, **scenario.params)
        self._expert = YardExpert()

    def __call__(self, seed: int) -> Drive:
        world, noise = self._world, self._noise_of(seed)
        world.reset(seed=seed, options={"scenario": self._scenario})
        ticks, ended = 0, False
        while not ended:
            ended = world.step_blind(noise(self._expert.act(world.truth())))
            ticks += 1
        delivered: Any = world.truth().delivered
        return Drive(seed, len(delivered), int(delivered.sum()), ticks / world.params.fps)

    def close(self) -> None:
        self._world.close()

    def _noise_of(self, seed: int) -> ActionNoise:
        if self._noise is None:
            return no_noise
        rng = stream("expert-noise", self._scenario.digest, seed)
        return DartNoise(self._noise, size=4, fps=self._world.params.fps, rng=rng)
