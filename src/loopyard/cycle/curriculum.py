"""A campaign's curriculum: edges are probed among its drives, and their success moves the widths.

As `loopyard.scenarios.curriculum` has it. A probe is one of the drives that a cycle labels and
learns from anyway, so it costs no extra time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loopyard.core.errors import ConfigError, expected
from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.cycle.config import Campaign
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.statistics import wilson
from loopyard.scenarios.curriculum import SIDES, Curriculum, CurriculumSettings
from loopyard.scenarios.world_params import randomisation_table, require_possible
from loopyard.store.atomic import write_json
from loopyard.worlds.randomisation import Parameter, bounds


class CampaignCurriculum:
    """How wide a campaign randomises now. Its state is a pure function of the records learned.

    Raises:
        ConfigError: the campaign's world does not say what it can randomise, or a scene of its full
            ranges cannot be built.
    """

    def __init__(self, campaign: Campaign, settings: CurriculumSettings) -> None:
        self._general, self._settings = campaign.scenario, settings
        base = self._general.randomise or Randomisation()
        self._table = randomisation_table(self._general)
        rule = settings.model_dump(exclude={"start", "share"})
        self.state = Curriculum.of(self._table, width=settings.start, base=base, **rule)
        if not self.state.widths:
            wanted = "a world with a randomisation_table, and one of its groups switched on"
            raise ConfigError(
                expected("scenarios.curriculum", "world", self._general.world, wanted)
            )
        widest = Curriculum.of(self._table, width=1.0, base=base)
        require_possible(self._at(widest.randomisation()), seed=0)

    @property
    def scenario(self) -> Scenario:
        """The general scene at the present widths."""
        return self._at(self.state.randomisation())

    def probes(self, count: int) -> list[Scenario]:
        """Those of a cycle's ``count`` drives that lie at an edge."""
        n = int(count * self._settings.share)
        return [self._at(probe.randomise) for probe in self.state.next_probes(self._table, n)]

    def learn(self, cycle: int, records: Iterable[RolloutRecord], folder: Path) -> None:
        """Take in a cycle's labelled rollouts; writes ``curriculum.json``.

        A general scene counts for every parameter at whose edge it lies, planned or not.
        """
        before = self.state
        drives = [record for record in records if record.scenario.mode is None]
        edges = {part.name: self._at_edge(part, drives) for part in self._drawn}
        for name, successes in edges.items():
            self.state = self.state.told(name, *successes)
        rows = [self._row(part, before, edges[part.name]) for part in self._drawn]
        facts = {"cycle": cycle, "parameters": rows, "state": self.state.model_dump(mode="json")}
        write_json(folder / "curriculum.json", facts)

    @property
    def _drawn(self) -> Sequence[Parameter]:
        return [part for part in self._table if part.name in self.state.widths]

    def _at(self, randomise: Randomisation) -> Scenario:
        return self._general.model_copy(update={"randomise": randomise})

    def _at_edge(self, part: Parameter, drives: Iterable[RolloutRecord]) -> list[bool]:
        """Successes of the drives at a parameter's edge, by seed."""
        ends = [self.state.edge(part, side) for side in SIDES]
        there = (record for record in drives if record.scenario.randomise in ends)
        return [record.outcome.success for record in sorted(there, key=lambda one: one.seed)]

    def _row(self, part: Parameter, before: Curriculum, successes: list[bool]) -> dict[str, Any]:
        """range: between what it is drawn from now on; all choices for what is chosen."""
        low, high = wilson(sum(successes), len(successes))
        now = self.state.randomisation()
        return {
            "name": part.name,
            "group": part.group,
            "before": before.widths[part.name],
            "width": self.state.widths[part.name],
            "range": part.choices or [round(end, 6) for end in bounds(now, part)],
            "successes": sum(successes),
            "n": len(successes),
            "wilson_95": [round(low, 4), round(high, 4)],
        }
