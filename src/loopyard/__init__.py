"""Loopyard: the whole imitation-learning loop for mobile robots, under a time budget.

Names load on first use, so that ``import loopyard`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopyard.core.scenario import Scenario
    from loopyard.data.dataset import open_dataset
    from loopyard.evaluation.evaluate import evaluate
    from loopyard.policies.checkpoint import load_policy
    from loopyard.worlds.registry import make_world

__all__ = [
    "Scenario",
    "__version__",
    "evaluate",
    "load_policy",
    "make_world",
    "open_dataset",
]

__version__ = "0.1.0"

_HOMES = {
    "Scenario": "loopyard.core.scenario",
    "evaluate": "loopyard.evaluation.evaluate",
    "load_policy": "loopyard.policies.checkpoint",
    "make_world": "loopyard.worlds.registry",
    "open_dataset": "loopyard.data.dataset",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'loopyard' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
