"""evaluate(): the same answer however it is spread, durable, and resumed without driving twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopyard.core.errors import ConfigError
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.record import read_records

WORLD = "glue_world:GlueWorld"
SEEDS = range(900_000, 900_020)


@pytest.fixture
def homing(importable_worlds):
    from glue_world import Homing

    return Homing()


class Counted:
    """An executor that counts what it is asked to drive, and may be killed on the way."""

    def __init__(self, workers=0, fail_after=None):
        self.workers, self.driven, self.fail_after = workers, [], fail_after

    def map(self, make_handler, jobs):
        handler = make_handler()
        for number, block in enumerate(jobs):
            if number == self.fail_after:
                raise KeyboardInterrupt
            self.driven += [job.seed for job in block]
            yield handler(block)


def test_counts_and_interval(homing):
    result = evaluate(homing, WORLD, seeds=SEEDS)
    assert (result.n, result.successes, result.success_rate) == (20, 16, 0.8)
    assert result.wilson_95 == pytest.approx((0.584, 0.919), abs=1e-3)
    assert [record.seed for record in result.records] == list(SEEDS)
    summary = result.summary()
    assert summary["failures"] == {"glued": 4}
    assert summary["seeds"] == [900_000, 900_019]
    assert summary["suite"] == "gate"
    assert summary["bricks"] is None


def test_workers_and_lockstep_give_the_same_outcomes(homing):
    plain = evaluate(homing, WORLD, seeds=SEEDS, lockstep=1)
    together = evaluate(homing, WORLD, seeds=SEEDS, lockstep=6)
    assert [r.outcome for r in plain.records] == [r.outcome for r in together.records]


def test_a_named_policy_runs_in_worker_processes():
    spread = evaluate("zero", WORLD, seeds=SEEDS, workers=2, lockstep=2)
    here = evaluate("zero", WORLD, seeds=SEEDS, workers=0)
    assert [r.outcome for r in spread.records] == [r.outcome for r in here.records]
    assert spread.policy == here.policy


def test_what_is_on_disk_is_not_driven_again(tmp_path):
    first = Counted(fail_after=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate("zero", WORLD, seeds=SEEDS, out=tmp_path, executor=first, lockstep=2)
    kept = [record.seed for record in read_records(tmp_path / "gate.jsonl")]
    assert kept == first.driven
    assert 0 < len(kept) < 20
    with (tmp_path / "gate.jsonl").open("a") as stream:
        stream.write('{"seed": 9000')

    second = Counted()
    result = evaluate("zero", WORLD, seeds=SEEDS, out=tmp_path, executor=second, lockstep=2)
    assert sorted(first.driven + second.driven) == list(SEEDS)
    assert (result.n, result.reused) == (20, len(kept))
    assert len(read_records(tmp_path / "gate.jsonl")) == 20
    summary = json.loads((tmp_path / "gate.json").read_text())
    assert (summary["n"], summary["reused"]) == (20, len(kept))


def test_another_policy_or_scene_family_is_driven_anew(tmp_path, homing):
    evaluate("zero", WORLD, seeds=SEEDS, out=tmp_path, workers=0)
    changes: list[dict[str, Any]] = [{"n_action_steps": 3}, {"preset": "other"}]
    for changed in changes:
        executor = Counted()
        evaluate("zero", WORLD, seeds=SEEDS, out=tmp_path, executor=executor, **changed)
        assert executor.driven == list(SEEDS)


def test_each_result_is_reported_once(tmp_path):
    seen = []
    evaluate("zero", WORLD, seeds=SEEDS[:5], out=tmp_path, workers=0)
    evaluate("zero", WORLD, seeds=SEEDS[:8], out=tmp_path, workers=0, on_result=seen.append)
    assert sorted(record.seed for record in seen) == list(SEEDS[:8])


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 1]}, "seeds"),
        ({"videos": 2}, "out"),
        ({"lockstep": 0}, "lockstep"),
    ],
)
def test_impossible_requests_are_named(settings, field):
    with pytest.raises(ConfigError, match=f"evaluate: {field}: found"):
        evaluate("zero", WORLD, **{"seeds": SEEDS, **settings})


def test_summary_of_bricks_and_contacts():
    from loopyard.core.outcome import Outcome
    from loopyard.core.scenario import Scenario
    from loopyard.evaluation.record import RolloutRecord
    from loopyard.evaluation.result import Evaluation

    counts = {"brick_held": 3, "brick_delivered": 2, "boundary_contact": 4, "box_contact": 1}
    records = tuple(
        RolloutRecord(
            seed, Scenario(world="yard"), Outcome(seed > 1, 0.5, 100, 10.0, "timeout", counts)
        )
        for seed in (1, 2)
    )
    summary = Evaluation(records).summary()
    assert summary["bricks"] == {"held": 6, "delivered": 4, "dropped": 0, "seconds_each": 5.0}
    assert summary["contacts"] == {"boundary": 8, "box": 2}
    assert summary["success_seconds_median"] == 10.0


def test_what_training_recorded_does_not_name_a_policy(tmp_path):
    """Two trainings to the same weights took different seconds."""
    for name, seconds in (("one", 1.0), ("two", 2.0)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        (folder / "resume.json").write_text(str(seconds))
        (folder / "resume.safetensors").write_bytes(name.encode())
    assert policy_digest(tmp_path / "one") == policy_digest(tmp_path / "two")
    (tmp_path / "two/model.safetensors").write_bytes(b"others")
    assert policy_digest(tmp_path / "one") != policy_digest(tmp_path / "two")
