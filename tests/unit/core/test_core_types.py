"""Scenario, Outcome, specs, seeds, clock, errors: small values with promises."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loopyard.core import errors
from loopyard.core.clock import Stopwatch
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import (
    SEED_RANGES,
    TRAIN_SEEDS_PER_CAMPAIGN,
    split_of,
    stream,
    train_seed,
)
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec


def test_a_scenario_survives_json_with_its_digest():
    scenario = Scenario(world="yard", preset="full", params={"bricks": 3}, mode="FM-A01")
    again = Scenario(**json.loads(scenario.model_dump_json()))
    assert again == scenario
    assert again.digest == scenario.digest


def test_a_digest_names_the_content_and_not_its_order():
    one = Scenario(world="yard", params={"bricks": 3, "furniture": 1})
    other = Scenario(world="yard", params={"furniture": 1, "bricks": 3})
    assert one.digest == other.digest
    assert one.digest != Scenario(world="yard", params={"bricks": 3}).digest


def test_the_digest_of_the_starter_stays_what_it_is():
    """Scenes are drawn from it: another digest would be other scenes for the same seeds."""
    assert Scenario(world="yard").digest == "4ac200386c6ec3fc"


def test_a_scenario_takes_nothing_unknown_and_does_not_change():
    with pytest.raises(ValidationError):
        Scenario(world="yard", colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Scenario(world="yard").world = "arm"  # type: ignore[misc]


def test_an_outcome_survives_json():
    outcome = Outcome(False, 0.5, 250, 25.0, "timeout", {"brick_held": 2}, 0.1)
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome


def test_a_world_spec_survives_json():
    spec = WorldSpec(
        world="a:B",
        preset="p",
        fps=10,
        max_steps=20,
        task="t",
        state=VectorSpec((Channel("x", "m", -2.0, 2.0),)),
        action=VectorSpec((Channel("a"), Channel("b"))),
        cameras=(CameraSpec("ego", 8, 6),),
    )
    assert WorldSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert (spec.action.size, spec.action.names) == (2, ["a", "b"])
    assert spec.cameras[0].key == "observation.images.ego"


def test_seed_ranges_never_overlap():
    for seed in (0, 799_999, 800_000, 899_999, 900_000, 999_999):
        assert sum(seed in seeds for seeds in SEED_RANGES.values()) == 1
    assert split_of(1_000_000) is None
    assert split_of(-1) is None


@given(st.integers(0, 10_000), st.integers(0, TRAIN_SEEDS_PER_CAMPAIGN * 2))
def test_every_training_scene_is_one_of_train(campaign_seed, index):
    assert split_of(train_seed(campaign_seed, index)) == "train"


@given(st.integers(0, 39), st.integers(0, 39), st.integers(0, TRAIN_SEEDS_PER_CAMPAIGN - 1))
def test_forty_campaigns_share_no_training_scene(one, other, index):
    same = train_seed(one, index) == train_seed(other, index)
    assert same == (one == other)


def test_a_stream_is_a_function_of_its_names():
    first = stream("scene", "abc", 7).random(4)
    np.testing.assert_array_equal(first, stream("scene", "abc", 7).random(4))
    for other in (("scene", "abc", 8), ("scene", "abc", "7"), ("scene", "ab", "c", 7)):
        assert not np.array_equal(first, stream(*other).random(4))


def test_a_stream_is_the_same_on_every_machine():
    assert stream("scene", 7).integers(1000, size=3).tolist() == [468, 140, 700]


class Hands:
    """A clock that is moved by hand."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s


def test_a_stopwatch_adds_to_what_was_used_before():
    hands = Hands()
    watch = Stopwatch(hands, used_s=30.0)
    hands.now_s += 12.5
    assert watch.seconds() == 42.5


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError, 2),
        (errors.WorldError, 2),
        (errors.GraphicsError, 2),
        (errors.DatasetError, 2),
        (errors.CheckpointError, 2),
        (errors.TrainingError, 2),
        (errors.StoreError, 2),
        (errors.LeaseError, 2),
        (errors.Interrupted, 3),
        (errors.WorkerError, 3),
        (errors.NoSpaceError, 3),
    ],
)
def test_every_error_is_the_users_with_its_exit_code(error, code):
    assert issubclass(error, errors.LoopyardError)
    assert error.exit_code == code


def test_the_house_form_of_a_message():
    message = errors.expected("demo.yaml", "train.lr", "fast", "a number")
    assert message == "demo.yaml: train.lr: found 'fast', expected a number"
