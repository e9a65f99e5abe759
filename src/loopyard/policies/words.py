"""Instructions as numbers: the words of the training split, each with its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

PAD, UNKNOWN = 0, 1
"""No word any more; a word that the training split did not have."""
FIRST = 2
MOST_WORDS = 32
MOST_TOKENS = 64
"""Of an instruction; what comes after them is not read."""


def words_of(text: str) -> list[str]:
    """The words of an instruction, in any script, without case and marks."""
    return re.findall(r"\w+", text.lower())


def vocabulary_of(tasks: Iterable[str]) -> tuple[str, ...]:
    """Every word of the instructions, the most frequent first."""
    counts = Counter(word for task in tasks for word in words_of(task))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))


class Tokens:
    """Instructions by a backbone's own tokenizer. text: of its ``tokenizer.json``."""

    def __init__(self, text: str) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(text)
        self.size = FIRST + self._tokenizer.get_vocab_size()

    def numbers(self, task: str) -> np.ndarray:
        """(MOST_TOKENS,) int64: `FIRST` above the tokenizer's own."""
        found = [FIRST + number for number in self._ids(task)]
        return np.array(found + [PAD] * (MOST_TOKENS - len(found)), np.int64)

    def known_share(self, task: str) -> float:
        """Of the instruction's tokens; 0 where there is none."""
        ids = self._ids(task)
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        missing = None if unknown is None else self._tokenizer.token_to_id(unknown)
        return sum(number != missing for number in ids) / len(ids) if ids else 0.0

    def _ids(self, task: str) -> list[int]:
        return self._tokenizer.encode(task.strip(), add_special_tokens=False).ids[:MOST_TOKENS]


class Words:
    """Instructions over one vocabulary. ``size``: how many numbers a word can have."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._number = {word: FIRST + place for place, word in enumerate(vocabulary)}
        self.size = FIRST + len(self._number)

    def numbers(self, task: str) -> np.ndarray:
        """(MOST_WORDS,) int64."""
        found = [self._number.get(word, UNKNOWN) for word in words_of(task)[:MOST_WORDS]]
        return np.array(found + [PAD] * (MOST_WORDS - len(found)), np.int64)

    def known_share(self, task: str) -> float:
        """Of the instruction's words; 0 where there is none."""
        words = words_of(task)[:MOST_WORDS]
        return sum(word in self._number for word in words) / len(words) if words else 0.0
