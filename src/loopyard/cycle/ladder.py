"""A campaign's ladder: which scenes its cycles learn from, and what opened the next rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.cycle.config import Campaign
from loopyard.evaluation.by_stratum import StratumResult, strata_of
from loopyard.evaluation.record import RolloutRecord
from loopyard.scenarios.ladder import Ladder
from loopyard.scenarios.world_params import check_value
from loopyard.store.atomic import write_json


class CampaignLadder:
    """How many rungs of a campaign's ladder are open. A pure function of the records learned.

    Raises:
        ConfigError: a rung has a parameter that the world does not, or a value out of range.
    """

    def __init__(self, campaign: Campaign, ladder: Ladder) -> None:
        self._ladder, self.open = ladder, 1
        for place, rung in enumerate(ladder.rungs):
            for name, value in rung.items():
                check_value(f"scenarios.ladder.rungs.{place}", campaign.world, name, value)

    def parts(self, general: Scenario, count: int) -> list[tuple[Scenario, int]]:
        """(general scenario, drives) of each open rung, the newest first: an equal part each, and
        the newest what is left over."""
        rungs = self._ladder.rungs[: self.open][::-1]
        each, more = divmod(count, len(rungs))
        return [
            (_on(rung, general), each + (more if place == 0 else 0))
            for place, rung in enumerate(rungs)
        ]

    def newest(self, scenario: Scenario) -> Scenario:
        """A scenario on the newest open rung."""
        return _on(self._ladder.rungs[self.open - 1], scenario)

    def learn(
        self,
        cycle: int,
        labelled: Iterable[RolloutRecord],
        chosen: Iterable[RolloutRecord],
        folder: Path,
    ) -> None:
        """Take in a cycle's drives of general scenes; writes ``ladder.json``.

        Those on select count, for the cycle's own policy drove them. Where too few of them tell of
        the newest rung, the labelled ones count as well, which the policy before it drove.
        """
        drives = self._told(chosen)
        if sum(self.open - 1 in rungs for rungs, _ in drives) < self._ladder.fewest:
            drives += self._told(labelled)
        before, self.open = self.open, self._ladder.opened(drives, self.open)
        rows: list[dict[str, Any]] = []
        for place, rung in enumerate(self._ladder.rungs):
            mine = [success for rungs, success in drives if place in rungs]
            result = StratumResult.of(sum(mine), len(mine)).to_dict()
            rows.append({"params": rung, "open": place < self.open, **result})
        facts = {"cycle": cycle, "before": before, "open": self.open, "bar": self._ladder.bar}
        write_json(folder / "ladder.json", {**facts, "rungs": rows})

    def _told(self, records: Iterable[RolloutRecord]) -> list[tuple[tuple[int, ...], bool]]:
        """Of each general drive: the rungs it tells of, and whether it succeeded."""
        return [
            (self._ladder.of(record.scenario.params, strata_of(record)), record.outcome.success)
            for record in records
            if record.scenario.mode is None
        ]


def _on(rung: Mapping[str, Any], scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"params": {**scenario.params, **rung}})
