"""DAgger: who drives, what is labelled, and that looking ahead leaves no trace."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError, ConfigError
from loopyard.core.scenario import Scenario
from loopyard.cycle import dagger
from loopyard.cycle.dagger import RelabelPlan, expert_chunk, relabel
from loopyard.cycle.shared_wheel import NO_PROGRESS, SharedWheel
from loopyard.data.samples import Samples
from loopyard.experts.registry import make_expert
from loopyard.policies.baselines import ConstantPolicy
from loopyard.worlds.registry import make_world

REACH = Scenario(world="reach_world:ReachWorld", preset="")
SEEDS = range(700_000, 700_006)
SCENES = [(REACH, seed) for seed in SEEDS]


@pytest.fixture
def world():
    made = make_world("reach_world:ReachWorld")
    made.reset(seed=1)
    return made


@pytest.fixture
def plan(tmp_path: Path) -> RelabelPlan:
    return RelabelPlan(policy="zero", scenario=REACH, root=tmp_path / "dataset", lockstep=2)


def expert_of(state: np.ndarray) -> np.ndarray:
    """(N, 2) what the expert does in these states."""
    return np.clip(state[:, :2] / 0.25, -1, 1)


def test_the_expert_takes_the_wheel_in_whole_stretches_and_about_its_share(world):
    wheel = SharedWheel(world, world.make_expert(), share=0.5, fps=10)
    zero, taken = np.zeros(2, np.float32), []
    for seed in range(40):
        wheel.reset(seed=seed, options={})
        drives = [wheel.choose(zero)[1].any() for _ in range(60)]
        stretches = [set(drives[at : at + 20]) for at in range(0, 60, 20)]
        assert {len(stretch) for stretch in stretches} == {1}
        taken += [stretch.pop() for stretch in stretches]
    assert 0.35 < np.mean(taken) < 0.65


@pytest.mark.parametrize(("share", "by_expert"), [(0.0, False), (1.0, True)])
def test_the_label_is_the_experts_whoever_drives(world, share, by_expert):
    wheel = SharedWheel(world, world.make_expert(), share, fps=10)
    wheel.reset(seed=5, options={})
    given = np.array([0.1, -0.1], np.float32)
    place = world.place.copy()
    clean = world.make_expert().act(world.truth())
    label, executed = wheel.choose(given)
    assert np.array_equal(label, clean)
    assert np.array_equal(executed, clean if by_expert else given)
    wheel.step(given)
    assert np.allclose(world.place, place + 0.25 * executed)


def test_who_drives_is_a_function_of_the_scene(world):
    wheel = SharedWheel(world, world.make_expert(), share=0.5, fps=10)
    zero = np.zeros(2, np.float32)

    def course(seed: int) -> list[bool]:
        wheel.reset(seed=seed, options={})
        return [bool(wheel.choose(zero)[1].any()) for _ in range(200)]

    first = course(7)
    assert course(8) != first
    assert course(7) == first


def test_a_forked_chunk_is_what_the_expert_would_drive(world):
    expert = world.make_expert()
    before = world.truth()
    chunk = expert_chunk(world, expert, 4)
    assert np.array_equal(world.truth(), before)
    driven = []
    for _ in range(4):
        driven.append(expert.act(world.truth()))
        if world.step(driven[-1])[2]:
            break
    driven += [driven[-1]] * (4 - len(driven))
    assert chunk.dtype == np.float32
    assert np.array_equal(chunk, np.stack(driven))


@pytest.mark.gl
def test_a_fork_of_the_yard_leaves_it_as_it_was_to_the_bit():
    yard = make_world("yard", time_limit_s=4.0)
    try:
        course = [np.random.default_rng(2).uniform(-1, 1, 4).astype(np.float32)] * 20
        ends = []
        for fork in (False, True):
            obs, _ = yard.reset(seed=11)
            for action in course:
                if fork:
                    expert_chunk(yard, make_expert(yard), 5)
                obs, *_ = yard.step(action)
            ends.append(obs)
        for key in ("observation.state", "observation.images.ego"):
            assert np.array_equal(ends[0][key], ends[1][key])
    finally:
        yard.close()


def test_path_labels_are_the_experts_where_the_policy_came_to(plan, executor):
    made = relabel(replace(plan, labels="path"), SCENES, executor)
    dataset = made.dataset
    assert made.episodes == 6
    assert made.failed == 6  # standing still reaches nothing, and is labelled all the same
    assert dataset.num_frames == 6 * 20
    assert not dataset.column("executed_action").any()
    state = dataset.column("observation.state")
    assert np.allclose(dataset.column("action"), expert_of(state), atol=1e-6)
    assert "expert_chunk" not in dataset.column_names
    assert {entry.source for entry in dataset.episodes} == {"policy"}
    assert [entry.seed for entry in dataset.episodes] == list(SEEDS)
    assert set(dataset.column("phase").tolist()) <= {"near", "far"}


def test_fork_labels_are_whole_plans_at_every_few_ticks(plan, executor):
    made = relabel(replace(plan, labels="fork", chunk_size=5, fork_every=3), SCENES[:2], executor)
    dataset = made.dataset
    valid = dataset.column("expert_chunk_valid")
    ticks = dataset.column("frame_index")
    assert np.array_equal(valid, ticks % 3 == 0)
    chunks = dataset.column("expert_chunk")[valid]
    assert np.allclose(chunks[:, 0], dataset.column("action")[valid])
    assert not np.allclose(chunks[:, 0], chunks[:, -1])
    samples = Samples(dataset)
    assert np.array_equal(samples.usable, np.flatnonzero(valid))


def test_an_expert_that_always_drives_succeeds(plan, executor):
    made = relabel(replace(plan, expert_share=1.0), SCENES, executor)
    assert made.failed == 0
    labels = made.dataset.column("action")
    assert np.array_equal(made.dataset.column("executed_action"), labels)


def test_stopped_relabelling_goes_on_to_the_same_dataset(plan, executor, tmp_path):
    whole = relabel(replace(plan, root=tmp_path / "whole"), SCENES, executor)
    seen: list[int] = []

    def stop(row):
        seen.append(row.slot)
        if len(seen) == 2:
            raise KeyboardInterrupt

    one_by_one = replace(plan, lockstep=1)
    with pytest.raises(KeyboardInterrupt):
        relabel(one_by_one, SCENES, executor, stop)
    again: list[int] = []
    made = relabel(one_by_one, SCENES, executor, lambda row: again.append(row.slot))
    assert 0 < len(again) < 6
    assert made.episodes == 6
    assert made.dataset.digest == whole.dataset.digest
    assert relabel(one_by_one, SCENES, executor).frames == 0


def test_a_record_that_a_kill_left_out_is_made_again(plan, executor, tmp_path):
    """Its episode was durable: the worker had written it before its record was kept."""
    out = tmp_path / "rollouts"
    whole = relabel(plan, SCENES, executor, out=out)
    records = (out / "learn.jsonl").read_text().splitlines()
    (out / "learn.jsonl").write_text("\n".join(records[:2]) + "\n")
    made = relabel(plan, SCENES, executor, out=out)
    assert made.dataset.digest == whole.dataset.digest
    again = (out / "learn.jsonl").read_text().splitlines()
    assert [json.loads(row)["seed"] for row in again] == [
        json.loads(row)["seed"] for row in records
    ]


def test_a_deadline_ends_it_with_the_drives_that_are_whole(plan, executor):
    """With those of the first block in any case."""
    many = [(REACH, seed) for seed in range(700_000, 700_020)]
    made = relabel(plan, many, executor, deadline_s=0.0)
    assert 0 < made.episodes < len(many)
    assert made.dataset.num_episodes == made.episodes
    assert relabel(plan, many, executor).episodes == len(many)


def test_a_drive_that_makes_no_progress_ends_when_patience_does(plan, executor):
    made = relabel(replace(plan, patience_s=0.7), SCENES, executor)
    assert {entry.length for entry in made.dataset.episodes} <= {7, 8}  # of 20
    assert {entry.outcome.reason for entry in made.dataset.episodes if entry.outcome} == {
        NO_PROGRESS
    }


def test_patience_begins_anew_with_all_progress(world):
    wheel = SharedWheel(world, world.make_expert(), share=0.0, fps=10, patience_s=0.5)
    wheel.reset(seed=5, options={})
    towards = world.truth()[:2].astype(np.float32)
    still, ends = np.zeros(2, np.float32), []
    for action in (still, still, still, 0.5 * towards, still, still, still, still, still):
        wheel.choose(action)
        ends.append(wheel.step(action)[3])
    assert ends == [False] * 8 + [True]


def test_a_policy_without_numbers_is_an_error_and_leaves_nothing(plan, executor, monkeypatch):
    policy = ConstantPolicy([np.nan, np.nan])
    monkeypatch.setattr(dagger, "load_for", lambda worker, size: policy)
    with pytest.raises(CheckpointError, match="first action: found 'not finite'"):
        relabel(plan, SCENES, executor)
    assert not list(plan.root.glob(".shards/*"))


def test_a_world_without_an_expert_is_named(plan, executor):
    with pytest.raises(ConfigError, match="NoExpert"):
        relabel(replace(plan, expert="reach_world:NoExpert"), SCENES, executor)
