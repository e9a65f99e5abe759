"""Coverage: what was generated, driven and passed, from the files that these left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopyard.core.errors import DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.evaluation.coverage import Evidence, coverage, read_evidence
from loopyard.evaluation.record import RolloutRecord, to_jsonl
from loopyard.scenarios.registry import built_in_registry
from loopyard.surface.cli import main


def records(mode: str | None, successes: int, n: int = 10, policy: str = "p", **counts: int):
    return [
        RolloutRecord(
            seed=seed,
            scenario=Scenario(world="yard", mode=mode),
            outcome=Outcome(seed < successes, 0.0, 5, 0.5, "x", counts),
            policy=policy,
        )
        for seed in range(n)
    ]


def rows(*rollouts, episodes=(), bar=0.8):
    evidence = Evidence(tuple(episodes), tuple(map(tuple, rollouts)))
    return {row.id: row for row in coverage(built_in_registry(), evidence, bar)}


def test_every_mode_has_a_row_and_general_drives_have_none():
    found = rows(records("FM-A01", 8) + records(None, 3), episodes=["FM-B01", "FM-B01"])
    assert len(found) == 32
    seen = found["FM-A01"]
    assert (seen.generated, seen.rolled_out.n, seen.rolled_out.successes, seen.passed) == (
        0,
        10,
        8,
        True,
    )
    assert (found["FM-B01"].generated, found["FM-B01"].rolled_out.n) == (2, 0)
    assert not found["FM-B01"].passed


def test_passing_is_a_matter_of_success_alone():
    unsafe = rows(records("FM-B04", 9, violation_child_near=2))["FM-B04"]
    assert (unsafe.passed, unsafe.rolled_out.violations) == (True, 10)
    assert unsafe.to_dict()["events"] == {"child_near": 20}
    assert not rows(records("FM-B04", 9), bar=0.95)["FM-B04"].passed


def test_the_latest_file_and_its_latest_policy_count():
    first, second = records("FM-A01", 2), records("FM-A01", 4, policy="old")
    second += records("FM-A01", 7, n=8, policy="new")
    found = rows(first, second, records("FM-A02", 1))
    assert (found["FM-A01"].rolled_out.successes, found["FM-A01"].rolled_out.n) == (7, 8)
    assert found["FM-A02"].rolled_out.n == 10


def write(path: Path, several: list[RolloutRecord]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_jsonl(several))
    return path


def test_a_run_is_read_cycle_by_cycle_its_gate_last(tmp_path):
    write(tmp_path / "cycles/01/rollouts/gate.jsonl", records("FM-A01", 1))
    write(tmp_path / "cycles/02/rollouts/select.jsonl", records("FM-A01", 2))
    write(tmp_path / "cycles/02/rollouts/gate.jsonl", records("FM-A01", 3))
    write(tmp_path / "cycles/02/scenarios.jsonl", [])
    evidence = read_evidence([tmp_path])
    assert [sum(r.outcome.success for r in file) for file in evidence.rollouts] == [1, 2, 3]


def test_files_and_folders_count_in_the_order_given(tmp_path):
    file = write(tmp_path / "a/gate.jsonl", records("FM-A01", 1))
    write(tmp_path / "b/all-modes.jsonl", records("FM-A01", 2))
    counted = [
        [sum(r.outcome.success for r in f) for f in read_evidence(paths).rollouts]
        for paths in ([file, tmp_path / "b"], [tmp_path / "b", file])
    ]
    assert counted == [[1, 2], [2, 1]]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_is_no_evidence_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=f"{name}: content: found 'none of these', expected a"):
        read_evidence([tmp_path / name])


def test_sampled_scenes_become_episodes_and_are_covered(tmp_path, capsys):
    own = tmp_path / "own.yaml"
    world = "'modes_world:ModesWorld'"
    own.write_text(
        "modes:\n"
        "  - {id: FM-U01, text: a glass, severity: 9, occurrence: 9, difficulty: 2,\n"
        f"    worlds: {{{world}: {{params: {{hazard: glass}}, draw: {{max_steps: [20, 90]}}}}}}}}\n"
    )
    scenes, out = tmp_path / "scenes.jsonl", tmp_path / "data"
    sample = ["scenarios", "sample", "--world", "modes_world:ModesWorld", "--modes", str(own)]
    assert main([*sample, "--mix", "0", "1", "0", "0", "--n", "3", "--out", str(scenes)]) == 0
    generate = ["generate", "--scenes", str(scenes), "--episodes", "4", "--workers", "1"]
    assert main([*generate, "--noise", "none", "--out", str(out)]) == 0
    assert read_evidence([out]).episodes == ("FM-U01",) * 4
    capsys.readouterr()
    assert main(["scenarios", "coverage", str(out), "--modes", str(own)]) == 0
    assert "generated 1 of 33, rolled out 0 of 33" in capsys.readouterr().out
