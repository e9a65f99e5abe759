"""The failure modes of one campaign: the registry as it is now, what was measured, what is next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopyard.core.scenario import Scenario
from loopyard.core.seeds import Split
from loopyard.cycle.config import Campaign
from loopyard.cycle.curriculum import CampaignCurriculum
from loopyard.cycle.dagger import LEARN
from loopyard.cycle.feedback import learn, sampling_weights, with_found
from loopyard.cycle.ladder import CampaignLadder
from loopyard.cycle.recovery import failures_of, recovery_starts
from loopyard.cycle.scenes import campaign_registry, judging_scenes, learning_scenarios
from loopyard.data.dataset import open_dataset
from loopyard.data.start import Start
from loopyard.evaluation.by_mode import ModeResult, results_by_mode
from loopyard.evaluation.diagnosis.suite import (
    SuiteDiagnosis,
    diagnose_suite,
    write_diagnosis,
)
from loopyard.evaluation.record import read_records
from loopyard.scenarios.registry_file import save_registry
from loopyard.store.atomic import write_json, write_text

SELECT = "select"


class CampaignModes:
    """Samples scenes for a campaign and learns from their rollouts, cycle by cycle.

    A campaign without scenarios has general scenes alone, and nothing is learned of modes. What
    is learned is a pure function of the records in the run folder: a campaign that goes on after
    a kill learns the same again.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.registry = campaign_registry(campaign)
        self._results: dict[str, ModeResult] = {}
        settings = campaign.scenarios.curriculum if campaign.scenarios else None
        self.curriculum = CampaignCurriculum(campaign, settings) if settings else None
        ladder = campaign.scenarios.ladder if campaign.scenarios else None
        self.ladder = CampaignLadder(campaign, ladder) if ladder else None

    def adopt(self, campaign: Campaign) -> None:
        """From here on by these settings; what was learned of the modes stays."""
        self._campaign = campaign

    def learning_scenarios(self, cycle: int, count: int, path: Path) -> list[Scenario]:
        """The scenarios of ``count`` drives of a cycle; also written to ``path``, a line each."""
        general = self.curriculum.scenario if self.curriculum else self._campaign.scenario
        scenarios = self.curriculum.probes(count) if self.curriculum else []
        if self.ladder:
            scenarios = [self.ladder.newest(probe) for probe in scenarios]
        parts = [(general, count - len(scenarios))]
        for base, n in self.ladder.parts(*parts[0]) if self.ladder else parts:
            scenarios += learning_scenarios(
                self._campaign, self.registry, cycle, n, self._results, base
            )
        if self._campaign.scenarios is not None:
            lines = (scenario.model_dump_json() + "\n" for scenario in scenarios)
            write_text(path, "".join(lines))
        return scenarios

    def judging_scenes(self, n: int, split: Split) -> list[tuple[Scenario, int]]:
        """The scenes to choose or to judge a checkpoint on."""
        return judging_scenes(self._campaign, self.registry, n, split)

    def recovery_starts(self, folder: Path, count: int) -> list[Start]:
        """At most ``count`` starts before the failures of the rollouts in a cycle's folder."""
        section = self._campaign.scenarios
        assert section is not None
        dataset = open_dataset(folder / "dataset")
        weights = sampling_weights(self.registry, self._results)
        onsets_s = {
            (one.record.scenario.digest, one.record.seed): one.diagnosis.onset_s
            for one in self._diagnose(folder / "rollouts").rollouts
        }
        failures = failures_of(folder / "dataset", onsets_s)
        return recovery_starts(failures, count, section.before_s, dataset.fps, weights)

    def learn(self, cycle: int, folder: Path) -> None:
        """Take in a cycle's rollouts: those that were labelled and those that chose.

        Writes ``modes.json``, the results by mode, ``registry.json``, the registry after them, with
        a curriculum ``curriculum.json`` and with a ladder ``ladder.json``.
        """
        if self._campaign.scenarios is None:
            return
        rollouts = folder / "rollouts"
        labelled, chosen = (read_records(rollouts / f"{suite}.jsonl") for suite in (LEARN, SELECT))
        self._results = results_by_mode(
            (record.scenario.mode, record.outcome) for record in [*labelled, *chosen]
        )
        if self.curriculum:
            self.curriculum.learn(cycle, labelled, folder)
        if self.ladder:
            self.ladder.learn(cycle, labelled, chosen, folder)
        if self._campaign.scenarios.sampling == "feedback":
            self.registry = learn(self.registry, self._results, cycle)
            if (rollouts / f"{LEARN}.jsonl").exists():
                diagnosed = self._diagnose(rollouts)
                self.registry = with_found(self.registry, diagnosed, self._campaign.world, cycle)
        plain: dict[str, Any] = {mode: found.to_dict() for mode, found in self._results.items()}
        write_json(folder / "modes.json", {"cycle": cycle, "modes": plain})
        save_registry(self.registry, folder / "registry.json")

    def _diagnose(self, rollouts: Path) -> SuiteDiagnosis:
        """What was wrong with the failed rollouts that were labelled; kept beside them."""
        found = diagnose_suite(rollouts, LEARN)
        write_diagnosis(rollouts, [found])
        return found
