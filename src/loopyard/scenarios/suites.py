"""Suites: which scenes a policy learns from, is chosen on, and is judged on."""

from __future__ import annotations

from loopyard.core.errors import ConfigError, expected
from loopyard.core.seeds import SEED_RANGES, Split


def suite_seeds(suite: Split, n: int, first: int = 0) -> range:
    """The seeds of a suite's scenes number ``first`` to ``first + n - 1``.

    Raises:
        ConfigError: less than one scene, or some that the suite does not have.
    """
    whole = SEED_RANGES[suite]
    if n < 1 or first < 0 or first + n > len(whole):
        raise ConfigError(
            expected(
                f"suite {suite}", "first, n", (first, n), f"1 or more of its {len(whole)} scenes"
            )
        )
    return whole[first : first + n]
