"""The expert protocol: a Markov controller on the world's truth."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Expert(Protocol):
    """Looks at the truth, never remembers: equal truths give equal actions.

    ``phase(truth) -> str`` is optional: the name of what the expert is doing, for labels.
    """

    def act(self, truth: Any) -> np.ndarray:
        """(A,) float32 in [-1, 1]."""
        ...
