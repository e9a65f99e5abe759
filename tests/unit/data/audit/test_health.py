"""The measures behind health and memorising: right on data whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from defects.bases import picture
from defects.defect import change_column
from defects.health import PATTERN, WORLD, make_moving, moving_drive

from loopyard.core.errors import DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.data.audit import Check, Thresholds, audit, drift, lag, memorising, strata, symmetry
from loopyard.data.audit.drives import Drives, drives_of
from loopyard.data.audit.held_out import chance_level, random_features, ridge, table_by_number
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset, open_dataset
from loopyard.policies.catalogue import make_config, make_model
from loopyard.policies.config import features_of

LIMITS = Thresholds()


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    def name(slot: int) -> str:
        side = "left" if slot % 2 else "right"
        evening = "_evening" if slot == 4 else ""
        return (
            f"demo/episode_20250819_120{slot:03}_{1 + slot % 3}box_hori_{side}_core_far{evening}.h5"
        )

    return open_dataset(make_moving(tmp_path_factory.mktemp("moving") / "base", name=name))


def test_drives_are_those_of_the_dataset_and_thinned_by_episode(moving: Dataset) -> None:
    whole = drives_of(moving, LIMITS)
    assert whole is drives_of(moving, LIMITS)
    assert np.array_equal(whole.action, moving.column("action"))
    assert np.array_equal(whole.tick, moving.column("frame_index"))
    assert [part.stop - part.start for part in whole.slices] == [e.length for e in moving.episodes]
    thin = drives_of(moving, LIMITS.model_copy(update={"sampled_rows": 1000}))
    assert thin.indices.tolist() == list(range(0, 24, 3))
    assert thin.frames <= 1000
    rows = np.isin(moving.column("episode_index"), thin.indices)
    assert np.array_equal(thin.state, moving.column("observation.state")[rows])


def test_an_episode_with_nan_is_left_out(tmp_path: Path) -> None:
    root = make_moving(tmp_path / "nan", episodes=3)
    change_column(root, "action", lambda values: values.__setitem__((100, 0), np.nan))
    drives = drives_of(open_dataset(root), LIMITS)
    assert drives.indices.tolist() == [0, 2]
    assert np.isfinite(drives.action).all()
    assert drives.tick.tolist() == [*range(90), *range(88)]


def with_drives(state: np.ndarray, action: np.ndarray, episodes: int, spec: WorldSpec) -> Drives:
    episode = np.repeat(np.arange(episodes), len(state) // episodes)
    tick = np.arange(len(state)) % (len(state) // episodes)
    return Drives(spec, state, action, action, episode, tick, np.arange(episodes))


@pytest.mark.parametrize("ticks", [-6, -2, 0, 1, 5])
def test_a_lag_is_measured_for_velocity_and_for_position(ticks: int) -> None:
    rng = np.random.default_rng(3)
    step = np.convolve(rng.normal(0, 0.1, 12 * 80), np.ones(3) / 3, "same")[:, None]
    wander = np.cumsum(step, axis=0)
    for action in (np.roll(step, -1, axis=0), np.roll(wander, -1, axis=0)):
        late = np.roll(action, -ticks, axis=0)  # what drove came so many ticks before
        found = lag._of_state(with_drives(wander, late, 12, WORLD))
        assert found is not None
        assert found.ticks == pytest.approx(ticks, abs=0.3)
        assert found.spread < 0.5


def test_where_no_state_moves_the_pictures_tell_the_lag(tmp_path: Path) -> None:
    spec = replace(WORLD, state=VectorSpec((Channel("none"),)))
    builder = DatasetBuilder(tmp_path, spec)
    rng = np.random.default_rng(0)
    for slot in range(10):
        recorder = builder.recorder(slot)
        speeds = np.repeat(rng.uniform(0, 1, 10), 6)
        place = np.cumsum(np.concatenate([np.zeros(4), speeds[:-4]]))  # three ticks late
        for speed, x in zip(speeds, place, strict=True):
            frame = picture(np.array([np.sin(x), 0.0]), spec.cameras[0])
            frame = np.roll(frame, int(8 * x), axis=1)
            action = np.array([speed, 0.0], np.float32)
            recorder.add(
                {spec.cameras[0].key: frame, "observation.state": np.zeros(1)}, action, action
            )
        recorder.commit(slot, Scenario(world="toy"), Outcome(True, 1.0, 60, 6.0, "success"))
    found = list(lag.check_lag(builder.seal(), LIMITS))
    assert (found[0].name, found[0].verdict) == ("lag", "warn"), found
    assert "motion in ego" in found[0].found
    assert found[0].found.startswith(("+2.", "+3."))


def test_an_angle_that_begins_anew_is_no_step() -> None:
    rng = np.random.default_rng(1)
    turn = np.convolve(rng.normal(0.3, 0.5, 900), np.ones(3) / 3, "same")[:, None]
    angle = np.cumsum(np.vstack([[0.0], 0.3 * turn[:-1]]), axis=0)
    yaw = (angle + np.pi) % (2 * np.pi) - np.pi
    assert (np.abs(np.diff(yaw, axis=0)) > 6).any()
    found = lag._of_state(with_drives(yaw, turn, 9, WORLD))
    assert found is not None
    assert found.peak > 0.9
    assert found.ticks == pytest.approx(0, abs=0.1)


def test_nothing_that_moves_gives_no_lag(moving: Dataset) -> None:
    rng = np.random.default_rng(0)
    noise = with_drives(rng.normal(size=(900, 2)), rng.normal(size=(900, 2)), 9, WORLD)
    found = lag._of_state(noise)
    assert found is not None
    assert found.peak < LIMITS.lag_correlation


def test_a_name_pattern_finds_strata_with_and_without_its_end() -> None:
    pattern = strata.name_pattern(PATTERN)
    found = strata.strata_in(pattern, "episode_20250819_123456_2box_vert_left_core_medium_evening")
    assert found == {
        "boxes": "2",
        "orientation": "vert",
        "side": "left",
        "core": "core",
        "distance": "medium",
        "evening": "yes",
    }
    assert strata.strata_in(pattern, "1box_hori_right_var1_near")["evening"] == "no"
    assert strata.strata_in(pattern, "1box_hori_right") == {}


def test_strata_come_from_names_tasks_columns_or_the_importer(moving: Dataset) -> None:
    found = strata.strata_of(moving, PATTERN)
    assert found["side"] == {"right": 12, "left": 12}
    assert found["evening"] == {"no": 23, "yes": 1}
    assert strata.strata_of(moving, "task") == {"task": {WORLD.task: 24}}
    assert strata.strata_of(moving, "episode_index")["episode_index"]["23"] == 1
    assert strata.strata_of(moving, "") == {}
    for by, said in (("{wheels}wheels", "episode names"), ("weather", "a pattern")):
        with pytest.raises(DatasetError, match=said):
            strata.strata_of(moving, by)
    checks = audit(moving.root, thresholds=LIMITS.model_copy(update={"strata": PATTERN})).checks
    odd = [c.name for c in checks if c.name.startswith("imbalance") and c.verdict == "warn"]
    assert odd == ["imbalance: evening"]


def test_the_sign_test_is_the_binomial() -> None:
    assert symmetry.sign_test(0, 0) == 1.0
    assert symmetry.sign_test(5, 5) == 1.0
    assert symmetry.sign_test(0, 10) == pytest.approx(2 / 1024)
    assert symmetry.sign_test(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert symmetry.sign_test(4000, 6000) < 1e-80


def test_students_t_is_the_tables() -> None:
    assert drift.students_t(2.5758, 10) == pytest.approx(3.169, abs=0.02)  # two-sided 1 %
    assert drift.students_t(1.96, 30) == pytest.approx(2.042, abs=0.005)  # two-sided 5 %


def test_held_out_scores_are_chance_for_noise_and_one_for_a_function() -> None:
    rng = np.random.default_rng(0)
    fold = np.repeat(np.arange(20), 100) % 5
    state = rng.normal(size=(2000, 3))
    noise = rng.normal(size=(2000, 2))
    curve = np.stack([np.sin(state[:, 0]), state[:, 1] * state[:, 2]], axis=1)
    assert (np.abs(ridge(random_features(state), noise, fold)) < 0.03).all()
    assert (ridge(random_features(state), curve, fold) > 0.9).all()
    tick = np.tile(np.arange(100), 20)
    assert (table_by_number(tick, np.stack([np.sin(tick), tick % 2], axis=1), fold) > 0.99).all()
    assert (np.abs(table_by_number(tick, noise, fold)) < 0.03).all()
    assert math.isnan(ridge(random_features(state), np.ones((2000, 1)), fold)[0])
    alone = chance_level(noise, fold)[fold == 2][0]
    assert alone == pytest.approx(noise[fold != 2].mean(axis=0))


def test_position_targets_are_judged_by_what_they_add_to_the_state() -> None:
    """A follower arm: the target is the next place, which the present one all but tells."""
    states = [moving_drive(seed)[0][:, :2].astype(float) for seed in range(12)]
    state = np.concatenate(states)
    target = np.concatenate([np.vstack([part[1:], part[-1:]]) for part in states])
    drives = with_drives(state, target, 12, replace(WORLD, state=VectorSpec(WORLD.action.channels)))
    labels, targets = memorising._labels(drives)
    assert targets == {"steering": "steering", "throttle": "throttle"}
    assert np.allclose(labels, target - state)


def test_a_gripper_is_a_switch_and_not_judged_as_saturated(tmp_path: Path) -> None:
    root = make_moving(tmp_path / "grip", episodes=10)

    def gripping(values: np.ndarray) -> None:
        values[:, 1] = np.where(np.arange(len(values)) // 25 % 2, 1.0, -1.0)

    change_column(root, "action", gripping)
    found = {c.name: c.verdict for c in audit(root).checks}
    assert (found["saturated: throttle"], found["constant: throttle"]) == ("pass", "pass")
    change_column(root, "action", lambda values: values.__setitem__((slice(5, None), 1), 1.0))
    found = {c.name: c.verdict for c in audit(root).checks}
    assert (found["saturated: throttle"], found["constant: throttle"]) == ("warn", "warn")


def test_so_little_data_is_not_judged(tmp_path: Path) -> None:
    report = audit(make_moving(tmp_path / "few", episodes=4))
    quiet = {c.name: c for c in report.checks if "too little to say" in c.found}
    assert {"lag", "coverage", "memorising", "drift", "jerk"} <= quiet.keys()
    assert all(check.verdict == "pass" for check in quiet.values())


def test_the_parameters_are_those_of_act_nano(moving: Dataset) -> None:
    spec = replace(WORLD, state=VectorSpec(tuple(Channel(f"s{i}") for i in range(10))))
    spec = replace(spec, action=VectorSpec(tuple(Channel(f"a{i}") for i in range(4))))
    features = features_of(spec, ["ego"], (96, 96))
    model = make_model(make_config("act-nano", "test", {**features, "type": "act-nano"}))
    assert sum(part.numel() for part in model.parameters()) == LIMITS.policy_parameters


def test_figures_go_into_the_report(moving: Dataset) -> None:
    measured = audit(moving.root).facts["measured"]
    assert measured["lag"]["ticks"] == pytest.approx(0, abs=0.2)
    assert sum(measured["actions"]["steering"]["shares"]) == pytest.approx(1, abs=0.01)
    assert np.sum(measured["coverage"]["frames"]) == moving.num_frames
    assert set(measured["memorising"]) == {"frame index", "previous action", "state alone"}


def test_checks_name_their_part(moving: Dataset) -> None:
    checks: list[Check] = audit(moving.root).checks
    parts = {check.name.partition(":")[0]: check.part for check in checks}
    assert parts["lag"] == parts["idle"] == parts["frames"] == "health"
    assert parts["frame index"] == parts["state alone"] == "memorising"
