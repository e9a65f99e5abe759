"""How many processor threads a deployed policy computes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loopyard.core.machine import usable_cores


@contextmanager
def deployed_threads(number: int = 0) -> Iterator[int]:
    """Torch computes on so many threads inside; 0: on half of the cores, one at least.

    The other half is for the robot's own loop: threads that share a core with other work wait for
    each other at every operation. Yields the number; 1 where torch is not loaded.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield 1
        return
    before = torch.get_num_threads()
    torch.set_num_threads(number or max(1, usable_cores() // 2))
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
