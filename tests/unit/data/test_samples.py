"""What a training step draws: chunks of labels, padding, stored chunks, splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.data.builder import DatasetBuilder
from loopyard.data.dataset import Dataset
from loopyard.data.samples import Samples, split_episodes


def test_chunks_follow_the_path_and_repeat_its_end(dataset: Dataset) -> None:
    samples = Samples(dataset)
    action = dataset.column("action")
    chunks, is_pad = samples.targets(np.array([0, 10, 11, 55]), 4)
    assert chunks.dtype == np.float32
    assert np.array_equal(chunks[0], action[0:4])
    assert np.array_equal(chunks[1], action[[10, 11, 11, 11]])  # episode 0 ends at frame 11
    assert np.array_equal(chunks[3], action[[55] * 4])
    assert is_pad.tolist() == [
        [False] * 4,
        [False, False, True, True],
        [False, True, True, True],
        [False, True, True, True],
    ]


def test_the_frames_before_end_at_their_episodes_first(dataset: Dataset) -> None:
    samples = Samples(dataset)  # episode 1 begins at frame 12
    assert samples.before(np.array([0, 11, 12, 13, 20]), 3).tolist() == [0, 8, 12, 12, 17]


def test_arrays_line_up(dataset: Dataset) -> None:
    samples = Samples(dataset)
    assert samples.images["ego"].shape == (56, 24, 32, 3)
    assert samples.state.shape == samples.action.shape == (56, 2)
    assert samples.usable.tolist() == list(range(56))
    assert samples.usable.dtype == np.int64


def test_only_chosen_episodes_are_usable(dataset: Dataset) -> None:
    samples = Samples(dataset, episodes=[1, 3])
    assert samples.usable.tolist() == [*range(12, 25), *range(40, 56)]
    with pytest.raises(DatasetError, match="0 to 3"):
        Samples(dataset, episodes=[4])
    with pytest.raises(DatasetError, match="usable"):
        Samples(dataset, episodes=[])


def test_stored_chunks_are_used_where_they_are_valid(tmp_path: Path, spec, record) -> None:
    builder = DatasetBuilder(tmp_path, spec, chunk_size=5)
    for slot in range(2):
        record(builder, slot, 10, chunk_every=5)
    samples = Samples(builder.seal())
    assert samples.usable.tolist() == [0, 5, 10, 15]
    chunks, is_pad = samples.targets(np.array([5, 15]), 3)
    assert chunks.tolist() == [[[5.0, 5.0]] * 3, [[6.0, 6.0]] * 3]
    assert not is_pad.any()
    with pytest.raises(ConfigError, match="at most 5"):
        samples.targets(np.array([5]), 6)


def test_a_chunk_has_at_least_one_action(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="chunk_size"):
        Samples(dataset).targets(np.array([0]), 0)


def test_splits_are_by_episode_and_depend_on_the_seed_alone(dataset: Dataset) -> None:
    train, held_out = split_episodes(dataset, 0.25, seed=3)
    assert sorted(train + held_out) == [0, 1, 2, 3]
    assert len(held_out) == 1
    assert split_episodes(dataset, 0.25, seed=3) == (train, held_out)
    others = {tuple(split_episodes(dataset, 0.25, seed=seed)[1]) for seed in range(20)}
    assert len(others) > 1


@pytest.mark.parametrize(("share", "held_out"), [(0.0, 0), (0.01, 1), (0.5, 2), (0.99, 3)])
def test_every_share_leaves_something_on_both_sides(
    dataset: Dataset, share: float, held_out: int
) -> None:
    assert len(split_episodes(dataset, share, seed=0)[1]) == held_out


def test_a_share_of_one_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="validation_share"):
        split_episodes(dataset, 1.0, seed=0)
