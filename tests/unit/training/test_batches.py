from __future__ import annotations

import numpy as np
import pytest
import torch

from loopyard.core.errors import ConfigError
from loopyard.data.augment import Augmentation
from loopyard.policies.processing import Processing, ProcessingConfig
from loopyard.training.batches import BatchMaker, BatchPlan, Variation


@pytest.fixture
def maker(sources) -> BatchMaker:
    config = ProcessingConfig(
        cameras=("ego",),
        image_size=(32, 32),
        state_names=("x", "y"),
        action_names=("steering", "throttle"),
    )
    processing = Processing(config, sources.statistics(["ego"]))
    return BatchMaker([part.training for part in sources.parts], processing, 5)


def test_every_frame_once_before_any_twice():
    plan = BatchPlan([10], 4, None, seed=3)
    taken = np.concatenate([plan.rows(step)[0] for step in range(5)])
    assert sorted(taken[:10]) == list(range(10))
    assert sorted(taken[10:]) == list(range(10))
    assert not np.array_equal(taken[:10], taken[10:])


def test_a_step_is_the_same_whatever_was_asked_before():
    plan = BatchPlan([50, 20], 8, (0.5, 0.5), seed=3)
    forward = [plan.rows(step) for step in range(9)]
    fresh = BatchPlan([50, 20], 8, (0.5, 0.5), seed=3)
    for step in (8, 2, 5):
        for ours, theirs in zip(fresh.rows(step), forward[step], strict=True):
            assert np.array_equal(ours, theirs)
    assert not np.array_equal(
        BatchPlan([50], 8, None, 4).rows(0)[0], BatchPlan([50], 8, None, 5).rows(0)[0]
    )


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        ((0.5, 0.5), [32, 32]),
        ((3, 1), [48, 16]),
        (None, [16, 48]),
        ((1, 0), [64, 0]),
        ((1, 2), [21, 43]),
    ],
)
def test_new_data_keeps_its_share_of_each_batch(shares, counts):
    plan = BatchPlan([100, 300], 64, shares, seed=0)
    for step in range(3):
        assert [len(rows) for rows in plan.rows(step)] == counts


def test_shares_must_match_the_datasets():
    with pytest.raises(ConfigError, match="shares: found 2"):
        BatchPlan([10], 4, (0.5, 0.5), 0)


def test_training_and_driving_see_the_same_numbers(maker):
    frames = np.array([3, 41, 7])
    samples, processing = maker.sources[0], maker.processing
    batch = maker.plain(0, frames)
    for row, frame in enumerate(frames):
        seen = processing.images("ego", torch.from_numpy(samples.images["ego"][frame][None]))
        assert torch.equal(batch.images[0][row], seen[0])
        assert torch.equal(
            batch.state[row], processing.state(torch.from_numpy(samples.state[frame][None]))[0]
        )
    back = processing.denormalise_action(batch.action)
    assert np.allclose(back, samples.targets(frames, 5)[0], atol=1e-6)


def varied(maker: BatchMaker, seed: int, **settings) -> torch.Tensor:
    vary = Variation(Augmentation(**settings), torch.Generator().manual_seed(seed), 0.5)
    return torch.cat(
        [
            maker.varied([np.arange(40)], vary).images[0].flatten(1),
            maker.varied([np.arange(40)], vary).state,
        ],
        dim=1,
    )


def test_variation_is_a_function_of_its_seed(maker):
    assert torch.equal(varied(maker, 1), varied(maker, 1))
    assert not torch.equal(varied(maker, 1), varied(maker, 2))


def test_no_augmentation_changes_nothing(maker):
    off = Augmentation(shift_px=0, brightness=0, contrast=0, channel=0, state_noise=0)
    vary = Variation(off, torch.Generator().manual_seed(0))
    plain, same = maker.plain(0, np.arange(10)), maker.varied([np.arange(10)], vary)
    assert torch.equal(plain.images[0], same.images[0])
    assert torch.equal(plain.state, same.state)


def test_state_dropout_hides_whole_states(maker):
    off = Augmentation(state_noise=0)
    vary = Variation(off, torch.Generator().manual_seed(0), state_dropout=0.5)
    hidden = (maker.varied([np.arange(60)], vary).state == 0).all(1)
    assert 15 < int(hidden.sum()) < 45


def test_a_network_that_reads_gets_the_words_of_each_frames_instruction(sources):
    plain = ProcessingConfig(
        cameras=("ego",),
        image_size=(32, 32),
        state_names=("x", "y"),
        action_names=("steering", "throttle"),
        vocabulary=sources.vocabulary(),
    )
    processing = Processing(plain, sources.statistics(["ego"]))
    maker = BatchMaker([part.training for part in sources.parts], processing, 5)
    batch = maker.plain(0, np.array([0, 20, 40]))
    words = {int(processing.words.numbers(word)[0]): word for word in plain.vocabulary}
    assert batch.text is not None
    told = [[words[n] for n in row if n] for row in batch.text.tolist()]
    assert told == [["keep", "left"], ["keep", "right"], ["keep", "left"]]
    assert torch.equal(batch.inputs[2], batch.text)
    parts = [part.text for part in batch.pieces(2) if part.text is not None]
    assert torch.equal(torch.cat(parts), batch.text)
    assert batch.to(torch.device("cpu")).text is not None


def test_word_dropout_makes_words_unknown_and_padding_stays(sources):
    vary = Variation(Augmentation(), torch.Generator().manual_seed(0), word_dropout=0.5)
    text = torch.tensor([[5, 6, 7, 8, 0, 0]] * 50)
    lost = vary.text(text)
    assert set(lost.unique().tolist()) == {0, 1, 5, 6, 7, 8}
    assert (lost[:, 4:] == 0).all()
    assert 0.3 < (lost[:, :4] == 1).float().mean() < 0.7
    assert Variation(Augmentation(), torch.Generator()).text(text) is text
