"""Generation: the same dataset whoever makes it and however often it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import split_of
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.local import LocalExecutor
from loopyard.experts.noise import NoiseSettings

HERE = LocalExecutor(0)


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "toy"))


def scenario(**params: object) -> Scenario:
    return Scenario(world="reach_world:ReachWorld", preset="", params=params)


@pytest.fixture
def plan(tmp_path: Path) -> DrivePlan:
    return DrivePlan(scenario=scenario(), root=tmp_path / "dataset", seed=2)


def test_the_dataset_does_not_depend_on_the_workers(plan, tmp_path):
    plan = replace(plan, scenario=scenario(glued_every=3))
    digests = set()
    for workers in (0, 1, 2):
        made = generate(replace(plan, root=tmp_path / str(workers)), 7, LocalExecutor(workers))
        assert made.episodes == 7
        assert made.failed > 0
        digests.add(made.dataset.digest)
    assert len(digests) == 1


def test_another_seed_is_another_dataset_of_other_training_scenes(plan, tmp_path):
    first = generate(plan, 3, HERE)
    other = generate(replace(plan, seed=3, root=tmp_path / "other"), 3, HERE)
    assert first.dataset.digest != other.dataset.digest
    seeds = [entry.seed for made in (first, other) for entry in made.dataset.episodes]
    assert len(set(seeds)) == 6
    assert {split_of(seed or 0) for seed in seeds} == {"train"}


@pytest.mark.parametrize("stop_after", [1, 4])
def test_a_stopped_generation_goes_on_to_the_same_dataset(plan, tmp_path, stop_after):
    plan = replace(plan, scenario=scenario(glued_every=3))
    whole = generate(replace(plan, root=tmp_path / "whole"), 5, HERE)
    rows: list[int] = []

    def stop(row):
        rows.append(row.slot)
        if len(rows) == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(plan, 5, HERE, stop)
    again: list[int] = []
    made = generate(plan, 5, HERE, lambda row: again.append(row.slot))
    assert not set(rows) & set(again)
    assert (made.episodes, made.failed) == (whole.episodes, whole.failed)
    assert made.dataset.digest == whole.dataset.digest
    assert generate(plan, 5, HERE).frames == 0


def test_failed_drives_lie_apart_and_are_replaced(plan):
    made = generate(replace(plan, scenario=scenario(glued_every=2)), 6, HERE)
    assert made.episodes == 6
    assert made.failed >= 4
    assert made.dataset.num_episodes == 6
    assert all(entry.outcome and entry.outcome.success for entry in made.dataset.episodes)
    assert all((entry.seed or 0) % 2 for entry in made.dataset.episodes)
    failed = sorted(path.name for path in (plan.root / "failed").iterdir())
    assert len(failed) == made.failed
    slots = {entry.slot for entry in made.dataset.episodes} | {int(name) for name in failed}
    assert slots == set(range(6 + made.failed))


def test_more_episodes_are_added_to_those_there(plan):
    few = generate(plan, 3, HERE)
    first = few.dataset.column("action")
    driven: list[int] = []
    more = generate(plan, 5, HERE, lambda row: driven.append(row.slot))
    assert driven == [3, 4]
    assert more.dataset.num_episodes == 5
    assert np.array_equal(more.dataset.column("action")[: len(first)], first)


def test_noise_is_driven_and_never_taught(plan, tmp_path):
    noisy = generate(plan, 4, HERE).dataset
    clean = generate(replace(plan, noise=None, root=tmp_path / "clean"), 4, HERE).dataset
    for dataset in (noisy, clean):
        state = dataset.column("observation.state")
        assert np.allclose(dataset.column("action"), np.clip(state[:, :2] / 0.25, -1, 1), atol=1e-6)
    assert np.array_equal(clean.column("executed_action"), clean.column("action"))
    assert np.abs(noisy.column("executed_action") - noisy.column("action")).max() > 0.05
    assert noisy.episodes[0].meta["noise"] == NoiseSettings().model_dump()


def test_facts_count_all_that_is_there(plan):
    generate(plan, 3, HERE)
    facts = generate(plan, 4, HERE).facts()
    assert facts["episodes"] == 4
    assert facts["frames"] > facts["new_frames"] > 0
    assert facts["frames_per_s"] > 0


def test_what_a_scene_drew_is_kept_with_its_episode(plan, monkeypatch):
    import reach_world

    plainly = reach_world.ReachWorld.reset

    def drawing(world, *, seed=None, options=None):
        obs, info = plainly(world, seed=seed, options=options)
        return obs, {**info, "drawn": {"grip": (seed or 0) / 100}}

    monkeypatch.setattr(reach_world.ReachWorld, "reset", drawing)
    made = generate(plan, 2, HERE)
    drawn = [episode.meta["drawn"]["grip"] for episode in made.dataset.episodes]
    assert drawn == [(episode.seed or 0) / 100 for episode in made.dataset.episodes]


def test_a_hopeless_expert_is_found_out_early(plan):
    lost = replace(plan, expert="reach_world:LostExpert", noise=None)
    driven: list[int] = []
    with pytest.raises(DatasetError, match="expert: found '0 successes in 40 drives'"):
        generate(lost, 400, HERE, lambda row: driven.append(row.slot))
    assert len(driven) == 40
    assert not (plan.root / "meta/info.json").exists()


def test_a_deadline_that_is_over_still_leaves_one_drive(plan):
    assert generate(plan, 1000, HERE, deadline_s=0.0).episodes == 1
    assert generate(plan, 1000, HERE, deadline_s=0.0).episodes == 1


def test_a_deadline_ends_it_with_what_is_there(plan):
    import time

    made = generate(plan, 1000, HERE, deadline_s=time.monotonic() + 0.5)
    assert 1 <= made.episodes < 1000
    assert made.dataset.num_episodes == made.episodes


def test_another_world_in_the_folder_is_refused(plan):
    generate(plan, 2, HERE)
    with pytest.raises(DatasetError, match="world: found"):
        generate(replace(plan, scenario=scenario(actions=3)), 2, HERE)


def test_an_expert_that_is_not_there_is_named(plan):
    with pytest.raises(ConfigError, match="no class 'Nobody'"):
        generate(replace(plan, expert="reach_world:Nobody"), 2, HERE)
