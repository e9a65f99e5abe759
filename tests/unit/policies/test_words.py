"""Instructions as numbers of words."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.errors import CheckpointError
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.policies.words import FIRST, MOST_WORDS, PAD, UNKNOWN, Words, vocabulary_of, words_of

TASKS = ("Go LEFT of the box, and reach the cup.", "상자를 왼쪽으로 지나 컵에 도착하세요")


def test_words_are_read_in_any_script_without_case_and_marks():
    assert words_of(TASKS[0]) == ["go", "left", "of", "the", "box", "and", "reach", "the", "cup"]
    assert words_of(TASKS[1])[1] == "왼쪽으로"


def test_the_most_frequent_word_comes_first():
    vocabulary = vocabulary_of(TASKS)
    assert vocabulary[0] == "the"
    assert len(vocabulary) == len(set(vocabulary)) == 13


def test_numbers_are_padded_cut_and_unknown_beyond_the_vocabulary():
    words = Words(("the", "cup"))
    numbers = words.numbers("The green cup")
    assert numbers[:4].tolist() == [FIRST, UNKNOWN, FIRST + 1, PAD]
    assert numbers.shape == (MOST_WORDS,)
    assert words.numbers("cup " * 99).tolist() == [FIRST + 1] * MOST_WORDS
    assert words.size == 4


@pytest.mark.parametrize(
    ("task", "share"),
    [("the cup", 1.0), ("the mug", 0.5), ("une tasse", 0.0), ("", 0.0), ("?!", 0)],
)
def test_the_known_share_tells_another_language(task: str, share: float):
    assert Words(("the", "cup")).known_share(task) == share


@pytest.mark.parametrize("task", ["", "une tasse rouge", None, 7])
def test_an_instruction_that_cannot_be_read_is_an_error(model_of, processing_of, numbers, task):
    model = model_of("vla-nano")
    policy = ChunkedPolicy(model, processing_of(model.config, vocabulary=("the", "cup")))
    seen = {
        "observation.images.ego": numbers["images"][0],
        "observation.state": numbers["state"][0],
    }
    assert np.isfinite(policy.predict_chunk({**seen, "task": "the cup"})).all()
    with pytest.raises(CheckpointError, match="task"):
        policy.predict_chunk({**seen, "task": task})
