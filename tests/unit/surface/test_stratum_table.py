"""Success by stratum in plain text."""

from __future__ import annotations

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.surface.stratum_table import stratum_table


def record(seed: int, side: str) -> RolloutRecord:
    outcome = Outcome(side == "left", 1.0, 10, 1.0, "success")
    drawn = {"strata": {"side": side, "light": "day"}}
    return RolloutRecord(seed, Scenario(world="corridor"), outcome, drawn=drawn)


def test_what_differs_has_its_rows_in_a_summary_and_in_the_table():
    records = tuple(record(seed, "left" if seed % 2 else "right") for seed in range(8))
    strata = Evaluation(records, "p", "gate", 1.0).summary()["strata"]
    assert strata["light"]["day"]["n"] == 8
    table = stratum_table(strata).splitlines()
    assert len(table) == 3
    assert table[1].split() == ["side", "left", "4", "of", "4", "100%", "51%", "to", "100%"]


def test_where_nothing_differs_there_is_no_table():
    assert stratum_table({}) == ""
    assert stratum_table(Evaluation((record(1, "left"),), "p", "g", 1.0).summary()["strata"]) == ""
