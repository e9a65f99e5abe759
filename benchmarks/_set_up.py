"""Sets scenes up in worker processes, which must be able to import what they run."""

from __future__ import annotations

from loopyard.core.scenario import Scenario
from loopyard.scenarios.registry import built_in_registry
from loopyard.scenarios.sampling import Mix, sample
from loopyard.worlds.yard.body import YardBody
from loopyard.worlds.yard.params import yard_params
from loopyard.worlds.yard.scene import draw_scene

MID = Scenario(world="yard", preset="mid")
GENERAL = Mix(general=1.0, tier_1=0.0, tier_2=0.0, tier_3=0.0)


class SetUp:
    """Sets scenes up without drawing them; a model is built where the scenario is another."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._bodies: dict[str, YardBody] = {}

    def __call__(self, block: tuple[int, int]) -> int:
        first, count = block
        one = not self._keep
        scenarios = sample(built_in_registry(), MID, count, first, GENERAL) if one else [MID]
        for index in range(count):
            scenario = scenarios[index % len(scenarios)]
            params = yard_params(scenario.preset, scenario.params)
            body = self._bodies.get(scenario.digest) or YardBody(params)
            if self._keep:
                self._bodies[scenario.digest] = body
            key = scenario.digest, first + index
            body.place(draw_scene(params, *key, body.features), key)
        return count

    def close(self) -> None:
        self._bodies = {}
