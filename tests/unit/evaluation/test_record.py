"""Rollout records on disk."""

from __future__ import annotations

import pytest

from loopyard.core.errors import DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.record import RolloutRecord, read_records, to_jsonl

RECORD = RolloutRecord(
    seed=900_001,
    scenario=Scenario(world="yard", params={"bricks": 3}, mode="FM-A01"),
    outcome=Outcome(True, 1.0, 120, 12.0, "success", {"brick_held": 1}, 0.02),
    policy="0123abcd",
    wall_s=0.25,
    inference_p50_ms=4.0,
    inference_p99_ms=6.0,
    lockstep=8,
)


def test_records_come_back_from_their_lines(tmp_path):
    path = tmp_path / "gate.jsonl"
    records = [RECORD, RECORD.with_video("videos/success_900001.mp4")]
    path.write_text(to_jsonl(records))
    assert read_records(path) == records


def test_no_file_is_no_records(tmp_path):
    assert read_records(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("keep", [1, 20, 200])
def test_a_last_line_cut_by_a_kill_is_no_record(tmp_path, keep):
    path = tmp_path / "gate.jsonl"
    line = to_jsonl([RECORD])
    path.write_text(line + line[:keep])
    assert read_records(path) == [RECORD]


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"seed": 1}', "[]"])
def test_a_foreign_line_is_named(tmp_path, line):
    path = tmp_path / "gate.jsonl"
    path.write_text(to_jsonl([RECORD]) + line + "\n")
    with pytest.raises(DatasetError, match=r"gate\.jsonl: line 2: found"):
        read_records(path)


def test_key_tells_policies_scenarios_and_seeds_apart():
    other = Scenario(world="yard", params={"bricks": 4}, mode="FM-A01")
    keys = {
        record.key
        for record in (
            RECORD,
            RECORD.with_video("x"),
            RolloutRecord(RECORD.seed, other, RECORD.outcome, RECORD.policy),
            RolloutRecord(RECORD.seed, RECORD.scenario, RECORD.outcome, "ffff"),
            RolloutRecord(RECORD.seed + 1, RECORD.scenario, RECORD.outcome, RECORD.policy),
        )
    }
    assert len(keys) == 4
