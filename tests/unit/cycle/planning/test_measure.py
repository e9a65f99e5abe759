"""The measurement: real drives, steps and rollouts, small ones, and nothing kept."""

from __future__ import annotations

import tempfile

import pytest

from loopyard.core.seeds import SEED_RANGES
from loopyard.cycle.config import Campaign
from loopyard.cycle.planning import measure as module
from loopyard.cycle.planning.measure import MEASURE_CAMPAIGN, Measurement, executor_of, measure
from loopyard.evaluation.evaluate import evaluate
from loopyard.executors import registry


def test_everything_is_timed_and_nothing_kept(monkeypatch, tmp_path, executor):
    monkeypatch.setattr(module, "executor_of", lambda campaign: executor)
    monkeypatch.setattr(module, "STEPS", 3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    driven: list[range] = []
    monkeypatch.setattr(
        module,
        "evaluate",
        lambda *args, **options: driven.append(args[3]) or evaluate(*args, **options),
    )
    notes: list[str] = []
    campaign = Campaign.model_validate(
        {"world": "reach_world:ReachWorld", "preset": "", "train": {"batch_size": 16}, "workers": 1}
    )
    found = measure(campaign, notes.append)
    assert 0 < found.episode_s < 5
    assert 2 <= found.frames_per_episode <= 20
    assert 0 < found.step_s < 10
    assert 0 < found.rollout_s < 5
    assert found.start_s > 0
    assert 0 < found.film_s < 5
    assert found.batch_size == 16
    assert len(notes) == 3
    assert not list(tmp_path.glob("loopyard-*"))
    assert driven[0].stop == SEED_RANGES["train"].stop  # not a scene of select or gate


def test_rates_follow_from_seconds(measured):
    facts = measured.to_dict()
    assert facts["frames_per_s"] == 1000.0
    assert facts["samples_per_s"] == 1280.0
    assert Measurement(**{k: v for k, v in facts.items() if k in measured.__dict__}) == measured


def test_scenes_of_the_measurement_are_the_last_campaigns():
    assert MEASURE_CAMPAIGN == 39


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_are_as_asked(workers):
    assert executor_of(Campaign(workers=workers)).workers == workers


def test_workers_are_the_usable_cores_unless_asked(monkeypatch):
    monkeypatch.setattr(registry, "usable_cores", lambda: 5)
    assert executor_of(Campaign()).workers == 5


def test_the_executor_is_no_part_of_the_recipe():
    there = Campaign(executor="ray", ray_address="head:6379")
    assert there.recipe() == Campaign().recipe()
