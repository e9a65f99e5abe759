"""Baselines: as long in steps, on the same data, without what they lack."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError
from loopyard.data.dataset import open_dataset
from loopyard.data.samples import split_episodes
from loopyard.evaluation.vla.baselines import fit_tape, lineage_of, train_masked
from loopyard.policies.baselines import TapePolicy
from loopyard.policies.checkpoint import load_checkpoint


def test_a_lineage_counts_the_steps_of_every_training(trained):
    lineage = lineage_of(trained.checkpoint)
    assert lineage.steps == 5
    assert lineage.datasets == (trained.dataset.resolve(),)
    first = trained.checkpoint.parents[1] / "first/last"
    assert lineage_of(first).digest != lineage.digest == lineage_of(trained.checkpoint).digest
    config = lineage.masked("text")
    assert (config.steps, config.masked, config.init_from) == (5, ("text",), None)
    assert (config.seed, config.policy, config.batch_size) == (3, "vla-nano", 8)


def test_a_lineage_that_is_cut_off_is_an_error(trained, tmp_path):
    alone = shutil.copytree(trained.checkpoint, tmp_path / "alone/last")
    with pytest.raises(CheckpointError, match=r"init_from: found .*first/last.*as many steps"):
        lineage_of(alone)
    (alone / "training.json").write_text(json.dumps({"settings": {}, "step": 3}))
    with pytest.raises(CheckpointError, match=r"training\.json: settings: found {}"):
        lineage_of(alone)


def test_a_masked_baseline_is_the_same_network_from_nothing(trained, tmp_path):
    lineage = lineage_of(trained.checkpoint)
    made = load_checkpoint(train_masked(lineage, "image", tmp_path / "blind"))
    own = load_checkpoint(trained.checkpoint)
    assert made.processing.config.masked == ("image",)
    assert own.processing.config.masked == ()
    assert made.config == own.config
    assert made.facts["step"] == 5
    again = train_masked(lineage, "image", tmp_path / "blind")  # it is done already
    assert load_checkpoint(again).facts["step"] == 5


def test_the_tape_is_the_median_action_of_each_tick(trained):
    tape = fit_tape(lineage_of(trained.checkpoint), 100)
    dataset = open_dataset(trained.dataset)
    chosen, _ = split_episodes(dataset, 0.05, 3)
    action = dataset.column("action")
    at_5 = [action[dataset.episodes[index].from_index + 5] for index in chosen]
    assert np.allclose(tape.actions[5], np.median(at_5, axis=0))
    assert tape.actions.shape == (100, 2)
    assert np.array_equal(tape.actions[99], tape.actions[98])
    assert tape.digest != TapePolicy(tape.actions + 0.1).digest


def test_a_tape_plays_alike_in_every_drive():
    tape = TapePolicy(np.arange(6).reshape(3, 2) / 10)
    seen = [tape.act({}) for _ in range(4)]
    assert np.array_equal(np.array(seen[:3]), tape.predict_chunk({}))
    assert np.array_equal(seen[3], seen[2])
    tape.reset()
    assert np.array_equal(tape.act({}), seen[0])
    assert tape.predict_chunks([{}, {}]).shape == (2, 3, 2)
